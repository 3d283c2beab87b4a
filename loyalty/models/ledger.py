"""Accounts and the append-only ledger of points."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, Visit
from loyalty.models.program import Tier
from servaan_crm.accounts.models import User
from servaan_crm.core.models import BaseModel


def _lot_fields() -> tuple["ArrayField[Any, Any]", "ArrayField[Any, Any]"]:
    """Two parallel lists: the last valid day of each lot (null: valid for ever) and its points."""
    return (
        ArrayField(models.DateField(null=True), default=list, db_default=[], blank=True, editable=False),
        ArrayField(models.IntegerField(), default=list, db_default=[], blank=True, editable=False),
    )


class LoyaltyAccount(models.Model):
    """The state of one guest in the club: always what the ledger sums up to.

    ``lot_expiries`` and ``lot_points`` are the open lots, the one that expires first in front; both empty means
    that no point of the balance expires. PostgreSQL checks that open lots add up to the balance.
    """

    customer = models.OneToOneField(
        Customer, models.CASCADE, primary_key=True, related_name="loyalty_account"
    )
    balance = models.IntegerField(_("points"), default=0)
    last_sequence = models.PositiveIntegerField(default=0, editable=False)
    points_earned_total = models.IntegerField(_("points earned"), default=0)
    points_redeemed_total = models.IntegerField(_("points redeemed"), default=0)
    lot_expiries, lot_points = _lot_fields()
    # The last valid day of the lot in front: what the nightly expiry looks for.
    next_expiry_on = models.DateField(_("next expiry"), null=True, blank=True, editable=False)
    expiry_warned_on = models.DateField(null=True, editable=False)
    tier = models.CharField(_("tier"), max_length=8, choices=Tier.Level.choices, default=Tier.Level.BRONZE)
    tier_start_date = models.DateField(_("tier since"), null=True)
    tier_expires_date = models.DateField(_("tier until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("loyalty account")
        verbose_name_plural = _("loyalty accounts")
        constraints = [
            models.CheckConstraint(condition=Q(balance__gte=0), name="account_balance"),
            models.CheckConstraint(
                condition=Q(balance=F("points_earned_total") - F("points_redeemed_total")), name="account_sum"
            ),
        ]
        indexes = [
            models.Index(fields=["tier"], name="account_tier"),
            models.Index(
                fields=["next_expiry_on"],
                name="account_next_expiry",
                condition=Q(next_expiry_on__isnull=False),
            ),
            models.Index(
                fields=["tier_expires_date"],
                name="account_tier_expiry",
                condition=Q(tier_expires_date__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.balance}"


class LedgerEntry(BaseModel):
    """One change of one balance. Rows are never changed or deleted; the database refuses it."""

    class Type(models.TextChoices):
        EARNED_PURCHASE = "earned_purchase", _("Earned by a purchase")
        EARNED_BONUS = "earned_bonus", _("Bonus")
        EARNED_REFERRAL = "earned_referral", _("Referral bonus")
        EARNED_BIRTHDAY = "earned_birthday", _("Birthday bonus")
        REDEEMED_DISCOUNT = "redeemed_discount", _("Redeemed for a discount")
        REDEEMED_ITEM = "redeemed_item", _("Redeemed for an item")
        ADJUSTMENT_ADD = "adjustment_add", _("Correction (added)")
        ADJUSTMENT_SUBTRACT = "adjustment_subtract", _("Correction (subtracted)")
        EXPIRED = "expired", _("Expired")
        REVERSED_EARNING = "reversed_earning", _("Earning taken back")
        REVERSED_REDEMPTION = "reversed_redemption", _("Redemption given back")
        MERGE_EARNED = "merge_earned", _("Earned points moved by a merge")
        MERGE_REDEEMED = "merge_redeemed", _("Redeemed points moved by a merge")

    # Entries that belong to "earned" in the account; all others belong to "redeemed".
    EARNING_TYPES = (
        Type.EARNED_PURCHASE,
        Type.EARNED_BONUS,
        Type.EARNED_REFERRAL,
        Type.EARNED_BIRTHDAY,
        Type.ADJUSTMENT_ADD,
        Type.REVERSED_EARNING,
        Type.MERGE_EARNED,
    )

    customer = models.ForeignKey(
        Customer, models.PROTECT, verbose_name=_("customer"), related_name="ledger_entries"
    )
    sequence = models.PositiveIntegerField(_("number"))
    type = models.CharField(_("type"), max_length=20, choices=Type.choices)
    points = models.IntegerField(_("points"))
    balance_after = models.IntegerField(_("balance after"))
    visit = models.ForeignKey(
        Visit, models.PROTECT, null=True, blank=True, verbose_name=_("visit"), related_name="ledger_entries"
    )
    reverses = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="reversals")
    related_amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2, null=True, blank=True)
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    description = models.CharField(_("description"), max_length=200)
    notes = models.TextField(_("notes"), blank=True)
    explanation = models.JSONField(_("how it was computed"), default=dict, blank=True)
    rule_version = models.PositiveIntegerField(_("rule version"), null=True, blank=True)
    shortfall = models.PositiveIntegerField(_("could not be taken back"), default=0)
    # Which lots the entry opened (positive) or used (negative); empty: one lot that never expires.
    lot_expiries, lot_points = _lot_fields()
    idempotency_key = models.CharField(max_length=100, blank=True, default="", db_default="", editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, editable=False, related_name="+")
    updated_at = None  # type: ignore[assignment]

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        constraints = [
            models.UniqueConstraint(fields=["customer", "sequence"], name="ledger_sequence"),
            models.UniqueConstraint(
                fields=["customer", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="ledger_idempotency",
            ),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="ledger_balance"),
            models.CheckConstraint(
                condition=Q(points__gt=0, type__in=[
                    "earned_purchase", "earned_bonus", "earned_referral", "earned_birthday", "adjustment_add",
                    "reversed_redemption",
                ])
                | Q(points__lt=0, type__in=[
                    "redeemed_discount", "redeemed_item", "adjustment_subtract", "expired",
                ])
                | Q(points__lte=0, type="reversed_earning")
                | (~Q(points=0) & Q(type__in=["merge_earned", "merge_redeemed"])),
                name="ledger_sign",
            ),
            models.UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="ledger_reversed_once"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="ledger_of_customer"),
            models.Index(fields=["-created_at", "type"], name="ledger_time"),
            models.Index(fields=["visit"], name="ledger_visit", condition=Q(visit__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.points:+d}"


class TierChange(BaseModel):
    """The history of a guest's tier."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="tier_changes")
    from_tier = models.CharField(_("from"), max_length=8, choices=Tier.Level.choices)
    to_tier = models.CharField(_("to"), max_length=8, choices=Tier.Level.choices)
    visit = models.ForeignKey(Visit, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("tier change")
        verbose_name_plural = _("tier changes")
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["customer", "-created_at"], name="tier_change_of_customer")]

    def __str__(self) -> str:
        return f"{self.from_tier} → {self.to_tier}"
