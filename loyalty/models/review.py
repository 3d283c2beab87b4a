"""Signals of misuse, for a person to look at. Nothing here blocks anything by itself."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class ReviewItem(BaseModel):
    """Something unusual, with its evidence. The same signal of the same day is one item."""

    class Signal(models.TextChoices):
        SAME_STAFF = "same_staff", _("the same member of staff credits the same guest")
        MANY_ACCRUALS = "many_accruals", _("many accruals in one day")
        LARGE_ADJUSTMENT = "large_adjustment", _("a large correction by hand")
        SELF_CREDIT = "self_credit", _("a member of staff credits the own number")
        VOID_AFTER_REDEMPTION = "void_after_redemption", _("points spent, then the visit voided")
        REFERRAL_RING = "referral_ring", _("guests who refer each other")
        REFERRAL_BURST = "referral_burst", _("many referrals in one day")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        DISMISSED = "dismissed", _("Dismissed")
        REVERSED = "reversed", _("Reversed")
        WATCHING = "watching", _("Watched")

    signal = models.CharField(_("signal"), max_length=24, choices=Signal.choices)
    # What makes it the same case: guest, member of staff, day.
    subject = models.CharField(max_length=120, unique=True)
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("customer"),
        related_name="review_items",
    )
    staff = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, verbose_name=_("member of staff"), related_name="+"
    )
    day = models.DateField(_("day"))
    score = models.PositiveSmallIntegerField(_("weight"), default=1)
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.OPEN)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )
    decision_note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("review item")
        verbose_name_plural = _("review items")
        ordering = ["-score", "-created_at"]
        indexes = [
            models.Index(fields=["-score", "-created_at"], name="review_open", condition=Q(status="open")),
            models.Index(fields=["customer"], name="review_of_customer"),
            models.Index(fields=["status", "-created_at"], name="review_status"),
        ]

    def __str__(self) -> str:
        return self.subject
