"""The wire format of the program, its tiers, bonus rules, versions and the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from customers.models import Visit
from loyalty.changes import changes_of
from loyalty.models import BonusRule, LoyaltyProgram, ProgramVersion, Tier
from loyalty.selectors.program import terms_of
from loyalty.selectors.simulate import Simulation
from loyalty.words import bonus_sentence, explain, left_out_text
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.serializers import DateField, MoneyField


class _Versioned(StrictSerializer):
    """``version``: the version the caller looked at; another one in force is 409."""

    version = serializers.IntegerField(required=False, min_value=1)


class ProgramSerializer(_Versioned):
    is_active = serializers.BooleanField(required=False)
    amount_per_point = MoneyField(required=False)
    point_value = MoneyField(required=False)
    minimum_amount = MoneyField(required=False)
    rounding = serializers.ChoiceField(LoyaltyProgram.Rounding.choices, required=False)
    max_points_per_visit = serializers.IntegerField(required=False, allow_null=True)
    max_points_per_day = serializers.IntegerField(required=False, allow_null=True)
    stacking = serializers.ChoiceField(LoyaltyProgram.Stacking.choices, required=False)
    starts_on = DateField(required=False, allow_null=True)
    ends_on = DateField(required=False, allow_null=True)
    expiry_months = serializers.IntegerField(required=False, allow_null=True)
    expiry_warning_days = serializers.IntegerField(required=False)
    tier_basis = serializers.ChoiceField(LoyaltyProgram.TierBasis.choices, required=False)
    tier_period_months = serializers.IntegerField(required=False, allow_null=True)
    tier_grace_days = serializers.IntegerField(required=False)
    minimum_redemption = serializers.IntegerField(required=False)
    confirm_above = MoneyField(required=False, allow_null=True)
    referral_is_active = serializers.BooleanField(required=False)
    referrer_points = serializers.IntegerField(required=False)
    friend_points = serializers.IntegerField(required=False)
    referral_minimum = MoneyField(required=False)
    review_accruals_per_day = serializers.IntegerField(required=False)


class TierSerializer(_Versioned):
    threshold = MoneyField(required=False)
    multiplier = MoneyField(required=False, max_digits=5)
    discount_percent = MoneyField(required=False, max_digits=5)
    benefits = serializers.ListField(child=serializers.CharField(), required=False)


class TierOfSetSerializer(TierSerializer):
    level = serializers.ChoiceField(Tier.Level.choices)
    version = None  # type: ignore[assignment]


class TiersSerializer(_Versioned):
    tiers = TierOfSetSerializer(many=True, allow_empty=False)

    def validate_tiers(self, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return level → changes."""
        return {row["level"]: {name: row[name] for name in row if name != "level"} for row in rows}


class BonusRuleSerializer(_Versioned):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(BonusRule.Kind.choices)
    factor = MoneyField(required=False, allow_null=True, max_digits=5)
    points = serializers.IntegerField(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    starts_on = DateField(required=False, allow_null=True)
    ends_on = DateField(required=False, allow_null=True)
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), required=False, help_text="Monday is 0."
    )
    from_time = serializers.TimeField(required=False, allow_null=True)
    until_time = serializers.TimeField(required=False, allow_null=True)
    items = serializers.ListField(child=serializers.CharField(max_length=100), required=False)
    categories = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    visit_types = serializers.ListField(
        child=serializers.ChoiceField(Visit.VisitType.choices), required=False
    )
    outlets = serializers.ListField(child=serializers.UUIDField(), required=False)
    tiers = serializers.ListField(child=serializers.ChoiceField(Tier.Level.choices), required=False)
    minimum_amount = MoneyField(required=False, allow_null=True)
    first_visit = serializers.BooleanField(required=False)
    every_nth_visit = serializers.IntegerField(required=False, allow_null=True)
    birthday_days = serializers.IntegerField(required=False, allow_null=True)
    campaign_code = serializers.CharField(max_length=40, required=False, allow_blank=True)


class BonusOrderSerializer(_Versioned):
    order = serializers.ListField(child=serializers.UUIDField(), help_text="Every rule's id, once.")


class SimulatedItemSerializer(StrictSerializer):
    name = serializers.CharField(max_length=100)
    category = serializers.CharField(max_length=60, required=False, allow_blank=True)
    quantity = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    total_price = MoneyField(required=False)


class SimulateSerializer(StrictSerializer):
    """``customer_id`` fills in tier, visit number, birthday and today's points of a real guest."""

    total_amount = MoneyField()
    discount_amount = MoneyField(default=0)
    points_to_redeem = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)
    at = serializers.DateTimeField(required=False)
    customer_id = serializers.UUIDField(required=False)
    tier = serializers.ChoiceField(Tier.Level.choices, default=Tier.Level.BRONZE)
    visit_number = serializers.IntegerField(min_value=1, max_value=100_000, default=2)
    birthday = DateField(required=False)
    earned_today = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)
    items = serializers.ListField(child=SimulatedItemSerializer(), max_length=200, default=list)
    visit_type = serializers.ChoiceField(Visit.VisitType.choices, default=Visit.VisitType.DINE_IN)
    outlet_id = serializers.UUIDField(required=False)
    code = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")


_PROGRAM_FIELDS = tuple(str(name) for name in ProgramSerializer().fields if name != "version")
_BONUS_FIELDS = tuple(str(name) for name in BonusRuleSerializer().fields if name != "version")


def program_payload(program: LoyaltyProgram) -> dict[str, Any]:
    """Return the program's rules."""
    return {
        **{name: getattr(program, name) for name in _PROGRAM_FIELDS},
        "version": program.version,
        "updated_at": program.updated_at,
    }


def tier_payload(tier: Tier) -> dict[str, Any]:
    """Return one tier; the threshold is in what the program's tiers count."""
    return {
        "level": tier.level,
        "threshold": tier.threshold,
        "multiplier": tier.multiplier,
        "discount_percent": tier.discount_percent,
        "benefits": tier.benefits,
    }


def bonus_payload(rule: BonusRule, outlets: Mapping[str, str]) -> dict[str, Any]:
    """Return one bonus rule with its sentence."""
    return {
        "id": rule.pk,
        **{name: getattr(rule, name) for name in _BONUS_FIELDS},
        "position": rule.position,
        "sentence": bonus_sentence(terms_of(rule), outlets),
        "updated_at": rule.updated_at,
    }


def version_payload(
    row: Any, outlets: Mapping[str, str], *, rules: bool = False, rows: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return one version: who, when, what; with its rules and the number of its ledger rows on request."""
    version: ProgramVersion = row
    changes = changes_of(row.before, version.rules, outlets)
    payload: dict[str, Any] = {
        "version": version.version,
        "created_at": version.created_at,
        "created_by": version.created_by.display_name if version.created_by else None,
        "changes": [{"label": one.label, "old": one.old, "new": one.new} for one in changes],
    }
    if rules:
        payload["rules"] = version.rules
    return payload | (rows or {})


def simulation_payload(found: Simulation, rule_version: int) -> dict[str, Any]:
    """Return the points, and why, line by line."""
    parts = [part for part in found.earning.parts if part.points or part.type == "earned_purchase"]
    return {
        "points": found.earning.points,
        "worth": found.worth,
        "paid": found.paid,
        "tier": found.situation.tier,
        "rule_version": rule_version,
        "parts": [
            {
                "type": part.type,
                "name": part.name,
                "points": part.points,
                "text": explain(part.explanation),
                "explanation": part.explanation,
            }
            for part in parts
        ],
        "left_out": [
            {
                "rule_id": rule.rule_id,
                "name": rule.name,
                "reason": rule.reason,
                "text": left_out_text(rule.reason),
            }
            for rule in found.left_out
        ],
    }
