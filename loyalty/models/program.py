"""The rules of the club, as data."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import CustomerSummary
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class LoyaltyProgram(BaseModel):
    """How points are earned and what they are worth. A café has one; each change raises ``version``."""

    class TierBasis(models.TextChoices):
        LIFETIME_POINTS = "lifetime_points", _("points earned over all time")
        POINTS_12_MONTHS = "points_12_months", _("points earned in the last 12 months")
        LIFETIME_SPEND = "lifetime_spend", _("amount spent over all time")

    class Rounding(models.TextChoices):
        DOWN = "down", _("always down")
        NEAREST = "nearest", _("to the nearest")
        UP = "up", _("always up")

    class Stacking(models.TextChoices):
        ALL = "all", _("every bonus that fits")
        BEST = "best", _("only the largest bonus")
        FIRST = "first", _("only the first bonus of the list")

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
    rounding = models.CharField(
        _("rounding"), max_length=7, choices=Rounding.choices, default=Rounding.DOWN, db_default="down"
    )
    max_points_per_day = models.PositiveIntegerField(_("most points per day"), null=True, blank=True)
    stacking = models.CharField(
        _("when several bonuses fit"), max_length=5, choices=Stacking.choices, default=Stacking.ALL,
        db_default="all",
    )  # fmt: skip
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    expiry_months = models.PositiveSmallIntegerField(
        _("points are valid for (months)"), null=True, blank=True
    )
    expiry_warning_days = models.PositiveSmallIntegerField(
        _("warn before expiry (days)"), default=14, db_default=14
    )
    minimum_redemption = models.PositiveIntegerField(
        _("fewest points to redeem at once"), default=0, db_default=0
    )
    tier_period_months = models.PositiveSmallIntegerField(
        _("a tier is kept for (months)"), null=True, blank=True
    )
    tier_grace_days = models.PositiveSmallIntegerField(_("grace (days)"), default=0, db_default=0)
    confirm_above = models.DecimalField(
        _("ask for an SMS code above"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    referral_is_active = models.BooleanField(_("referrals"), default=False, db_default=False)
    referrer_points = models.PositiveIntegerField(_("points for the referrer"), default=0, db_default=0)
    friend_points = models.PositiveIntegerField(_("points for the friend"), default=0, db_default=0)
    referral_minimum = models.DecimalField(
        _("smallest first bill of the friend"), max_digits=14, decimal_places=2, default=0, db_default=0
    )
    review_accruals_per_day = models.PositiveSmallIntegerField(
        _("accruals a day that raise a review"), default=3, db_default=3
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
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=models.F("starts_on")),
                name="program_dates",
            ),
            models.CheckConstraint(
                condition=Q(expiry_months=None) | Q(expiry_months__range=(1, 120)), name="program_expiry"
            ),
            models.CheckConstraint(
                condition=Q(tier_period_months=None) | Q(tier_period_months__range=(1, 120)),
                name="program_tier_period",
            ),
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


class BonusRule(BaseModel):
    """More points when everything that is set here fits a bill. An empty condition fits all bills."""

    class Kind(models.TextChoices):
        MULTIPLIER = "multiplier", _("multiply the points")
        POINTS = "points", _("add points")

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    factor = models.DecimalField(_("factor"), max_digits=5, decimal_places=2, null=True, blank=True)
    points = models.PositiveIntegerField(_("points"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    # Monday is 0, as datetime.weekday() counts.
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(), verbose_name=_("weekdays"), default=list, blank=True
    )
    from_time = models.TimeField(_("from (time)"), null=True, blank=True)
    until_time = models.TimeField(_("until (time)"), null=True, blank=True)
    items = ArrayField(models.CharField(max_length=100), verbose_name=_("items"), default=list, blank=True)
    categories = ArrayField(
        models.CharField(max_length=100), verbose_name=_("categories"), default=list, blank=True
    )
    visit_types = ArrayField(
        models.CharField(max_length=20), verbose_name=_("visit types"), default=list, blank=True
    )
    outlets = ArrayField(models.UUIDField(), verbose_name=_("outlets"), default=list, blank=True)
    tiers = ArrayField(models.CharField(max_length=8), verbose_name=_("tiers"), default=list, blank=True)
    minimum_amount = models.DecimalField(
        _("smallest bill"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    first_visit = models.BooleanField(_("first visit only"), default=False)
    every_nth_visit = models.PositiveSmallIntegerField(_("every Nth visit"), null=True, blank=True)
    birthday_days = models.PositiveSmallIntegerField(_("days around the birthday"), null=True, blank=True)
    campaign_code = models.CharField(_("discount code used"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("bonus rule")
        verbose_name_plural = _("bonus rules")
        ordering = ["position", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="multiplier", factor__gt=1, factor__lte=100, points=None)
                | Q(kind="points", points__gte=1, factor=None),
                name="bonus_effect",
            ),
            models.CheckConstraint(
                condition=Q(every_nth_visit=None) | Q(every_nth_visit__gte=2), name="bonus_every_nth"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProgramVersion(models.Model):
    """The rules as they stood in one version, so that every ledger row can name the rules that made it."""

    version = models.PositiveIntegerField(_("version"), primary_key=True)
    rules = models.JSONField(_("rules"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("program version")
        verbose_name_plural = _("program versions")
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"v{self.version}"
