"""What points buy: the catalogue of rewards, and the vouchers guests hold."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Visit
from loyalty.models.ledger import LedgerEntry
from loyalty.models.program import Tier
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


class Benefit(models.Model):
    """What a reward, a voucher or a discount code takes off a bill."""

    class Kind(models.TextChoices):
        AMOUNT = "amount", _("a fixed discount")
        PERCENT = "percent", _("a percentage")
        ITEM = "item", _("a free item")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    # Base unit of the currency, or percent; of a free item: its price on the menu today.
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=2)
    max_discount = models.DecimalField(_("at most"), max_digits=14, decimal_places=2, null=True, blank=True)
    item_name = models.CharField(_("item"), max_length=100, blank=True)

    class Meta:
        abstract = True


def benefit_checks(name: str) -> list[models.BaseConstraint]:
    """Return the constraints every table with a benefit has, prefixed with ``name``."""
    return [
        models.CheckConstraint(
            condition=Q(kind="amount", value__gt=0)
            | Q(kind="percent", value__gt=0, value__lte=100)
            | (Q(kind="item", value__gte=0) & ~Q(item_name="")),
            name=f"{name}_benefit",
        ),
        models.CheckConstraint(
            condition=Q(max_discount=None) | Q(max_discount__gt=0), name=f"{name}_max_discount"
        ),
    ]


class Reward(BaseModel, Benefit):
    """Something guests can get for points. ``stock`` counts down and PostgreSQL keeps it from going below zero."""

    name = models.CharField(_("name"), max_length=100)
    description = models.TextField(_("description"), blank=True)
    points_cost = models.PositiveIntegerField(_("price (points)"))
    # Other prices for some tiers: {"gold": 400}.
    points_by_tier = models.JSONField(_("price for tiers"), default=dict, blank=True)
    stock = models.PositiveIntegerField(_("left in stock"), null=True, blank=True)
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    min_tier = models.CharField(_("from tier"), max_length=8, choices=Tier.Level.choices, blank=True)
    outlets = ArrayField(models.UUIDField(), verbose_name=_("outlets"), default=list, blank=True)
    # Monday is 0, as datetime.weekday() counts.
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(), verbose_name=_("weekdays"), default=list, blank=True
    )
    per_guest_limit = models.PositiveSmallIntegerField(_("most per guest"), null=True, blank=True)
    voucher_days = models.PositiveSmallIntegerField(_("a voucher is valid for (days)"), default=30)
    is_active = models.BooleanField(_("active"), default=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        ordering = ["position", "points_cost", "id"]
        constraints = [
            *benefit_checks("reward"),
            models.CheckConstraint(condition=Q(points_cost__gte=1), name="reward_cost"),
            models.CheckConstraint(
                condition=Q(valid_from=None)
                | Q(valid_until=None)
                | Q(valid_until__gte=models.F("valid_from")),
                name="reward_dates",
            ),
            models.CheckConstraint(condition=Q(voucher_days__gte=1), name="reward_voucher_days"),
        ]

    def __str__(self) -> str:
        return self.name


class RewardPicture(models.Model):
    """The picture of a reward, small and re-encoded: it lives, moves and is backed up with the café's schema."""

    reward = models.OneToOneField(Reward, models.CASCADE, primary_key=True, related_name="picture")
    data = models.BinaryField()
    digest = models.CharField(max_length=64)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("picture of a reward")
        verbose_name_plural = _("pictures of rewards")

    def __str__(self) -> str:
        return self.digest[:12]


class Voucher(BaseModel, Benefit):
    """A right to one benefit, usable once. The benefit is copied: a later change of the reward does not reach it."""

    class Status(models.TextChoices):
        ISSUED = "issued", _("Ready to use")
        USED = "used", _("Used")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    class Source(models.TextChoices):
        POINTS = "points", _("bought with points")
        STAMPS = "stamps", _("a full stamp card")
        GIFT = "gift", _("a gift of the café")
        CAMPAIGN = "campaign", _("a campaign")
        AUTOMATION = "automation", _("an automation")

    customer = models.ForeignKey(
        Customer, models.PROTECT, verbose_name=_("customer"), related_name="vouchers"
    )
    reward = models.ForeignKey(
        Reward, models.PROTECT, null=True, blank=True, verbose_name=_("reward"), related_name="vouchers"
    )
    # Upper case, without letters that look alike; printed and shown as a QR code.
    code = models.CharField(_("code"), max_length=16, unique=True)
    name = models.CharField(_("name"), max_length=100)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    source_reference = models.CharField(max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.ISSUED)
    points_paid = models.PositiveIntegerField(_("points paid"), default=0)
    entry = models.OneToOneField(
        LedgerEntry, models.PROTECT, null=True, blank=True, related_name="voucher", editable=False
    )
    expires_on = models.DateField(_("valid until"), null=True, blank=True)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)
    used_visit = models.ForeignKey(
        Visit, models.PROTECT, null=True, blank=True, verbose_name=_("visit"), related_name="vouchers"
    )
    discount_given = models.DecimalField(
        _("discount given"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    closed_reason = models.CharField(_("reason"), max_length=200, blank=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        ordering = ["-created_at"]
        constraints = [
            *benefit_checks("voucher"),
            models.CheckConstraint(
                condition=Q(status="used", used_at__isnull=False)
                | (~Q(status="used") & Q(used_at=None, used_visit=None)),
                name="voucher_used",
            ),
            # One voucher per full card, per campaign and guest, per run of an automation.
            models.UniqueConstraint(
                fields=["source", "source_reference"],
                condition=~Q(source_reference=""),
                name="voucher_source_once",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="voucher_of_customer"),
            models.Index(fields=["-created_at", "id"], name="voucher_time"),
            models.Index(fields=["expires_on"], name="voucher_expiry", condition=Q(status="issued")),
            models.Index(fields=["status", "-created_at"], name="voucher_status"),
        ]

    def __str__(self) -> str:
        return self.code


class RedemptionCode(BaseModel):
    """Four digits sent to the guest before a large redemption. Only a keyed hash is kept."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="redemption_codes")
    code_hash = models.CharField(max_length=64)
    # The most points this code may release.
    points = models.PositiveIntegerField(_("points"))
    expires_at = models.DateTimeField(_("expires at"))
    attempts = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    message_id = models.UUIDField(null=True, editable=False)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("confirmation code")
        verbose_name_plural = _("confirmation codes")
        indexes = [models.Index(fields=["customer", "-created_at"], name="redemption_code_of_customer")]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.points}"
