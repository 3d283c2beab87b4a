"""The rules of the club, as data."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import CustomerSummary
from servaan_crm.core.models import BaseModel


class LoyaltyProgram(BaseModel):
    """How points are earned and what they are worth. A café has one; each change raises ``version``."""

    class TierBasis(models.TextChoices):
        LIFETIME_POINTS = "lifetime_points", _("points earned over all time")
        LIFETIME_SPEND = "lifetime_spend", _("amount spent over all time")

    is_active = models.BooleanField(_("active"), default=True)
    amount_per_point = models.DecimalField(
        _("amount for one point"), max_digits=12, decimal_places=2, default=1000
    )
    point_value = models.DecimalField(_("worth of one point"), max_digits=12, decimal_places=2, default=100)
    minimum_amount = models.DecimalField(
        _("smallest bill that earns"), max_digits=14, decimal_places=2, default=0
    )
    max_points_per_visit = models.PositiveIntegerField(_("most points per visit"), null=True, blank=True)
    tier_basis = models.CharField(
        _("tiers count"), max_length=20, choices=TierBasis.choices, default=TierBasis.LIFETIME_POINTS
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    singleton = models.BooleanField(default=True, editable=False, unique=True)

    class Meta:
        verbose_name = _("loyalty program")
        verbose_name_plural = _("loyalty program")
        constraints = [
            models.CheckConstraint(condition=Q(amount_per_point__gt=0), name="program_amount_per_point"),
            models.CheckConstraint(condition=Q(point_value__gte=0), name="program_point_value"),
            models.CheckConstraint(condition=Q(minimum_amount__gte=0), name="program_minimum"),
            models.CheckConstraint(condition=Q(singleton=True), name="program_singleton"),
        ]

    def __str__(self) -> str:
        return f"v{self.version}"


class Tier(BaseModel):
    """One step of the club: from which threshold, with which benefits."""

    Level = CustomerSummary.TierLevel

    level = models.CharField(_("tier"), max_length=8, choices=Level.choices, unique=True)
    threshold = models.DecimalField(_("from"), max_digits=16, decimal_places=2)
    multiplier = models.DecimalField(_("points multiplier"), max_digits=5, decimal_places=2, default=1)
    discount_percent = models.DecimalField(_("discount (percent)"), max_digits=5, decimal_places=2, default=0)
    benefits = models.JSONField(_("benefits"), default=list, blank=True)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["threshold"]
        constraints = [
            models.UniqueConstraint(fields=["threshold"], name="tier_threshold"),
            models.CheckConstraint(condition=Q(threshold__gte=0), name="tier_threshold_positive"),
            models.CheckConstraint(condition=Q(multiplier__gte=0), name="tier_multiplier"),
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lte=100), name="tier_discount"
            ),
        ]

    def __str__(self) -> str:
        return self.get_level_display()
