"""The wire format of the club."""

from typing import Any

from rest_framework import serializers

from loyalty.models import LedgerEntry
from loyalty.selectors import LoyaltyStatus
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.serializers import MoneyField


class AwardSerializer(StrictSerializer):
    customer_id = serializers.UUIDField()
    points = serializers.IntegerField()
    reason = serializers.CharField(max_length=200)
    transaction_id = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class RedeemSerializer(StrictSerializer):
    customer_id = serializers.UUIDField()
    points = serializers.IntegerField()
    reward_type = serializers.ChoiceField(["discount", "item"])
    reward_value = MoneyField(required=False, allow_null=True, default=None)
    applied_to_order = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    confirmation_code = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class AdjustSerializer(StrictSerializer):
    customer_id = serializers.UUIDField()
    points = serializers.IntegerField()
    reason = serializers.CharField(max_length=200)
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


def status_payload(status: LoyaltyStatus) -> dict[str, Any]:
    """Return a guest's standing exactly as seed 000 prints it."""
    following = status.next_tier
    return {
        "current_points": status.current_points,
        "points_earned_total": status.points_earned_total,
        "points_redeemed_total": status.points_redeemed_total,
        "tier_level": status.tier.level,
        "tier_benefits": list(status.tier.benefits),
        "next_tier": {
            "level": following.level,
            "points_needed": status.points_needed,
            "additional_benefits": [item for item in following.benefits if item not in status.tier.benefits],
        }
        if following
        else None,
        "lifetime_spent": status.lifetime_spent,
        "tier_start_date": status.tier_start_date,
    }


def entry_payload(entry: LedgerEntry) -> dict[str, Any]:
    """Return one ledger row."""
    return {
        "id": entry.pk,
        "customer_id": entry.customer_id,
        "transaction_type": entry.type,
        "points_change": entry.points,
        "balance_after": entry.balance_after,
        "visit_id": entry.visit_id,
        "order_reference": entry.reference or None,
        "description": entry.description,
        "notes": entry.notes,
        "related_amount": entry.related_amount,
        "rule_version": entry.rule_version,
        "created_at": entry.created_at,
    }
