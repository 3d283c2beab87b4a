"""The program in force."""

from dataclasses import fields
from datetime import date, time
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, QuerySet
from django.db.models.functions import JSONObject

from loyalty.models import BonusRule, LoyaltyProgram, StampCard, Tier
from loyalty.rules import BonusTerms, RuleBook, TierRule
from servaan_crm.accounts.models import Outlet

_TIER_FIELDS = ("level", "threshold", "multiplier", "discount_percent", "benefits")
_BONUS_FIELDS = tuple(part.name for part in fields(BonusTerms))
_COPIED = (
    "is_active", "amount_per_point", "point_value", "minimum_amount", "max_points_per_visit", "tier_basis",
    "version", "rounding", "max_points_per_day", "stacking", "starts_on", "ends_on", "expiry_months",
    "minimum_redemption", "tier_period_months", "tier_grace_days", "confirm_above",
)  # fmt: skip


def get_rule_book() -> RuleBook:
    """Return the café's program with its tiers and active bonus rules, in one query."""
    tiers = Tier.objects.order_by("threshold").values(row=JSONObject(**{name: name for name in _TIER_FIELDS}))
    bonuses = BonusRule.objects.filter(is_active=True).order_by("position", "created_at", "id")
    program = LoyaltyProgram.objects.annotate(
        tier_rows=ArraySubquery(tiers),
        bonus_rows=ArraySubquery(bonuses.values(row=JSONObject(**{name: name for name in _BONUS_FIELDS}))),
        has_stamp_cards=Exists(StampCard.objects.filter(is_active=True)),
    ).get()
    return RuleBook(
        **{name: getattr(program, name) for name in _COPIED},
        tiers=tuple(_tier(row) for row in program.tier_rows),
        bonuses=tuple(bonus_terms(row) for row in program.bonus_rows),
        has_stamp_cards=program.has_stamp_cards,
    )


def get_program() -> LoyaltyProgram:
    """Return the café's program with everything that bills do not look at."""
    return LoyaltyProgram.objects.get()


def brings_points() -> bool:
    """Say whether guests who bring friends get points now."""
    return LoyaltyProgram.objects.filter(is_active=True, referral_is_active=True).exists()


def list_bonus_rules() -> QuerySet[BonusRule]:
    """Return the bonus rules in the order they are tried, those that are switched off too."""
    return BonusRule.objects.order_by("position", "created_at", "id")


def outlet_names() -> dict[str, str]:
    """Return id → name of the café's outlets, for the sentences of bonus rules."""
    return {str(pk): name for pk, name in Outlet.objects.values_list("pk", "name")}


def _tier(row: dict[str, Any]) -> TierRule:
    return TierRule(
        level=row["level"],
        threshold=Decimal(str(row["threshold"])),
        multiplier=Decimal(str(row["multiplier"])),
        discount_percent=Decimal(str(row["discount_percent"])),
        benefits=tuple(row["benefits"]),
    )


def bonus_terms(row: dict[str, Any]) -> BonusTerms:
    """Return a bonus rule from its JSON values, as the database gives them or the archive of versions keeps them."""
    values = {name: row[name] for name in _BONUS_FIELDS if name in row}
    for name in ("factor", "minimum_amount"):
        values[name] = None if row.get(name) is None else Decimal(str(row[name]))
    for name in ("starts_on", "ends_on"):
        values[name] = row.get(name) and date.fromisoformat(row[name])
    for name in ("from_time", "until_time"):
        values[name] = row.get(name) and time.fromisoformat(row[name])
    for name in ("weekdays", "items", "categories", "visit_types", "outlets", "tiers"):
        values[name] = tuple(row.get(name) or ())
    return BonusTerms(**values)


def terms_of(rule: BonusRule) -> BonusTerms:
    """Return a stored bonus rule as the terms the earning looks at, whether or not it is switched on."""
    values = {name: getattr(rule, name) for name in _BONUS_FIELDS}
    for name in ("weekdays", "items", "categories", "visit_types", "tiers"):
        values[name] = tuple(values[name])
    return BonusTerms(**{**values, "id": str(rule.pk), "outlets": tuple(map(str, rule.outlets))})
