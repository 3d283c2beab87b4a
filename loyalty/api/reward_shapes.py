"""The wire format of rewards, vouchers and stamp cards."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from loyalty.models import Reward, RewardPicture, StampCard, Tier, Voucher
from loyalty.reward_errors import why_no_reward
from loyalty.selectors.rewards import RewardOffer
from loyalty.selectors.stamps import StampState
from loyalty.selectors.vouchers import state_of
from loyalty.services.vouchers import VoucherQuote
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.serializers import DateField, MoneyField


class RewardInput(StrictSerializer):
    """A reward; of a free item that is on the menu the ``value`` is its price there."""

    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=2_000, required=False, allow_blank=True)
    kind = serializers.ChoiceField(Reward.Kind.choices)
    value = serializers.DecimalField(max_digits=14, decimal_places=2, required=False)
    max_discount = MoneyField(required=False, allow_null=True, max_digits=14)
    item_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    points_cost = serializers.IntegerField(min_value=1, max_value=10_000_000)
    points_by_tier = serializers.DictField(child=serializers.IntegerField(min_value=1), required=False)
    stock = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=1_000_000_000)
    valid_from = DateField(required=False, allow_null=True)
    valid_until = DateField(required=False, allow_null=True)
    min_tier = serializers.ChoiceField(Tier.Level.choices, required=False, allow_blank=True)
    outlets = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=200)
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=6), required=False, max_length=7
    )
    per_guest_limit = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=30_000)
    voucher_days = serializers.IntegerField(required=False, min_value=1, max_value=3650)
    is_active = serializers.BooleanField(required=False)
    position = serializers.IntegerField(required=False, min_value=0, max_value=30_000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A free item needs no value: the menu has it."""
        if not self.partial and attrs.get("kind") == "item":
            attrs.setdefault("value", 0)
        return attrs


class RewardRedemption(StrictSerializer):
    customer_id = serializers.UUIDField()
    confirmation_code = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class ConfirmationInput(StrictSerializer):
    customer_id = serializers.UUIDField()
    points = serializers.IntegerField(min_value=1, max_value=10_000_000)


class VoucherCancellation(StrictSerializer):
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class VoucherItem(StrictSerializer):
    name = serializers.CharField(max_length=100)
    quantity = serializers.IntegerField(min_value=1, max_value=1_000)
    unit_price = MoneyField()


class VoucherUse(StrictSerializer):
    """The bill of a till that keeps its bills to itself."""

    total_amount = MoneyField(required=False, allow_null=True, default=None)
    outlet_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    items = serializers.ListField(child=VoucherItem(), required=False, max_length=200)


class StampCardInput(StrictSerializer):
    name = serializers.CharField(max_length=80)
    counts = serializers.ChoiceField(StampCard.Counts.choices, required=False)
    stamps_needed = serializers.IntegerField(min_value=2, max_value=100, required=False)
    items = serializers.ListField(child=serializers.CharField(max_length=100), required=False, max_length=50)
    categories = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=50
    )
    minimum_amount = MoneyField(required=False, max_digits=14)
    reward_id = serializers.UUIDField(required=False, allow_null=True)
    points = serializers.IntegerField(required=False, min_value=0, max_value=10_000_000)
    starts_on = DateField(required=False, allow_null=True)
    ends_on = DateField(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)


def picture_url(picture: RewardPicture | None) -> str | None:
    """Return the address of a picture, which changes with the picture."""
    return reverse("loyalty:picture", args=[picture.pk, picture.digest]) if picture else None


def reward_payload(reward: Reward, offer: RewardOffer | None = None) -> dict[str, Any]:
    """Return one reward; amounts in the base unit, ``value`` of a percentage in percent.

    With ``offer``, also how one guest meets it.
    """
    picture = getattr(reward, "picture", None)
    shown: dict[str, Any] = {
        "id": reward.pk, "name": reward.name, "description": reward.description, "kind": reward.kind,
        "value": reward.value, "max_discount": reward.max_discount, "item_name": reward.item_name or None,
        "points_cost": reward.points_cost, "points_by_tier": reward.points_by_tier, "stock": reward.stock,
        "valid_from": reward.valid_from, "valid_until": reward.valid_until, "min_tier": reward.min_tier or None,
        "outlets": reward.outlets, "weekdays": reward.weekdays, "per_guest_limit": reward.per_guest_limit,
        "voucher_days": reward.voucher_days, "is_active": reward.is_active, "position": reward.position,
        "picture_url": picture_url(picture), "created_at": reward.created_at, "updated_at": reward.updated_at,
    }  # fmt: skip
    if offer is not None:
        shown["offer"] = {
            "points": offer.price, "affordable": offer.is_affordable, "reason": offer.reason or None,
            "reason_text": why_no_reward(offer.reason) or None, "missing_points": offer.missing,
            "needs_confirmation": offer.needs_code,
        }  # fmt: skip
    return shown


def voucher_payload(voucher: Voucher) -> dict[str, Any]:
    """Return one voucher; amounts in the base unit, ``value`` of a percentage in percent."""
    return {
        "id": voucher.pk, "code": voucher.code, "name": voucher.name, "status": state_of(voucher),
        "source": voucher.source, "customer_id": voucher.customer_id, "reward_id": voucher.reward_id,
        "kind": voucher.kind, "value": voucher.value, "max_discount": voucher.max_discount,
        "item_name": voucher.item_name or None, "points_paid": voucher.points_paid,
        "transaction_id": voucher.entry_id, "expires_on": voucher.expires_on, "used_at": voucher.used_at,
        "used_visit_id": voucher.used_visit_id, "discount_given": voucher.discount_given,
        "closed_reason": voucher.closed_reason or None, "created_at": voucher.created_at,
    }  # fmt: skip


def quote_payload(quote: VoucherQuote) -> dict[str, Any]:
    """Return a used voucher and what it took off the bill."""
    return {"voucher": voucher_payload(quote.voucher), "discount": quote.discount}


def stamp_card_payload(card: StampCard) -> dict[str, Any]:
    """Return the rule of one stamp card."""
    return {
        "id": card.pk, "name": card.name, "counts": card.counts, "stamps_needed": card.stamps_needed,
        "items": card.items, "categories": card.categories, "minimum_amount": card.minimum_amount,
        "reward_id": card.reward_id, "points": card.points, "starts_on": card.starts_on, "ends_on": card.ends_on,
        "is_active": card.is_active, "created_at": card.created_at, "updated_at": card.updated_at,
    }  # fmt: skip


def stamps_payload(state: StampState) -> Mapping[str, Any]:
    """Return where a guest stands on one card."""
    return {
        "stamp_card_id": state.card.pk, "name": state.card.name, "stamps": state.stamps,
        "stamps_needed": state.card.stamps_needed, "stamps_missing": state.missing,
        "full_cards": state.full_cards, "is_active": state.card.is_active,
        "reward": state.card.reward.name if state.card.reward else None, "points": state.card.points,
    }  # fmt: skip
