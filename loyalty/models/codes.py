"""Discount codes and their uses."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Visit
from loyalty.models.rewards import Benefit, benefit_checks
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class DiscountCode(BaseModel, Benefit):
    """A code that takes something off a bill. PostgreSQL keeps ``times_used`` within ``max_uses``."""

    # Upper case Latin letters, digits and dashes.
    code = models.CharField(_("code"), max_length=40, unique=True, db_collation="C")
    name = models.CharField(_("name"), max_length=100, blank=True)
    minimum_amount = models.DecimalField(_("smallest bill"), max_digits=14, decimal_places=2, default=0)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    max_uses = models.PositiveIntegerField(_("most uses"), null=True, blank=True)
    max_uses_per_guest = models.PositiveIntegerField(_("most uses per guest"), null=True, blank=True)
    times_used = models.PositiveIntegerField(_("uses"), default=0, editable=False)
    # A personal code belongs to one guest.
    customer = models.ForeignKey(
        Customer,
        models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("customer"),
        related_name="discount_codes",
    )
    tiers = ArrayField(models.CharField(max_length=8), verbose_name=_("tiers"), default=list, blank=True)
    outlets = ArrayField(models.UUIDField(), verbose_name=_("outlets"), default=list, blank=True)
    campaign_id = models.UUIDField(_("campaign"), null=True, blank=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("discount code")
        verbose_name_plural = _("discount codes")
        ordering = ["-created_at"]
        constraints = [
            *benefit_checks("discount_code"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z0-9-]{3,40}$"), name="discount_code_shape"),
            models.CheckConstraint(
                condition=Q(max_uses=None) | Q(times_used__lte=F("max_uses")), name="discount_code_uses"
            ),
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
                name="discount_code_dates",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "id"], name="discount_code_time"),
            models.Index(
                fields=["campaign_id"], name="discount_code_campaign", condition=Q(campaign_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.code


class DiscountUse(BaseModel):
    """One use of a code on one bill. A voided bill takes its use back (``reversed_at``)."""

    code = models.ForeignKey(DiscountCode, models.PROTECT, verbose_name=_("code"), related_name="uses")
    customer = models.ForeignKey(
        Customer,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("customer"),
        related_name="discount_uses",
    )
    visit = models.ForeignKey(Visit, models.PROTECT, verbose_name=_("visit"), related_name="discount_uses")
    amount = models.DecimalField(_("discount given"), max_digits=14, decimal_places=2)
    reversed_at = models.DateTimeField(_("taken back at"), null=True)

    class Meta:
        verbose_name = _("use of a discount code")
        verbose_name_plural = _("uses of discount codes")
        constraints = [
            models.UniqueConstraint(
                fields=["visit"], condition=Q(reversed_at=None), name="discount_use_per_visit"
            )
        ]
        indexes = [
            models.Index(fields=["code", "-created_at"], name="discount_use_of_code"),
            models.Index(fields=["customer", "code"], name="discount_use_of_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.code_id} {self.amount}"
