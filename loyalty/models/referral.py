"""Guests who bring guests."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Visit
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class ReferralCode(models.Model):
    """The code a guest gives to friends; made when first asked for."""

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="referral_code")
    code = models.CharField(_("code"), max_length=16, unique=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("referral code")
        verbose_name_plural = _("referral codes")

    def __str__(self) -> str:
        return self.code


class Referral(BaseModel):
    """One guest brought by another. A guest can be brought once, and only before the first visit."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for the first visit")
        HELD = "held", _("Held for review")
        REWARDED = "rewarded", _("Rewarded")
        REFUSED = "refused", _("Refused")
        REVERSED = "reversed", _("Taken back")

    referrer = models.ForeignKey(
        Customer, models.PROTECT, verbose_name=_("referrer"), related_name="referrals_made"
    )
    friend = models.OneToOneField(Customer, models.PROTECT, verbose_name=_("friend"), related_name="referral")
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.PENDING)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    visit = models.ForeignKey(
        Visit, models.PROTECT, null=True, blank=True, verbose_name=_("first visit"), related_name="referrals"
    )
    rewarded_at = models.DateTimeField(_("rewarded at"), null=True, blank=True)
    referrer_points = models.PositiveIntegerField(_("points for the referrer"), default=0)
    friend_points = models.PositiveIntegerField(_("points for the friend"), default=0)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(referrer=F("friend")), name="referral_not_self"),
        ]
        indexes = [
            models.Index(fields=["referrer", "-created_at"], name="referral_of_referrer"),
            models.Index(fields=["status", "-created_at"], name="referral_status"),
        ]

    def __str__(self) -> str:
        return f"{self.referrer_id} → {self.friend_id}"
