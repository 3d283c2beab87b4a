"""The wire format of visits."""

import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from checkout.services import CheckoutReceipt, VisitItem, VisitRequest, VoidReceipt
from checkout.services.discounts import Discounts
from checkout.services.request import MAX_VOUCHERS
from customers.models import Visit
from loyalty.selectors import LoyaltyStatus
from loyalty.services.stamps import StampGain
from servaan_crm.accounts.models import User
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.serializers import DateField, MoneyField, PhoneField

# A day that only a Jalali calendar has today, and the rest of the moment.
_JALALI_DAY = re.compile(r"(1[0-6]\d\d[-/]\d{1,2}[-/]\d{1,2})(.*)")


class ItemSerializer(StrictSerializer):
    item_id = serializers.CharField(max_length=64, required=False, allow_blank=True, allow_null=True)
    name = serializers.CharField(max_length=100)
    category = serializers.CharField(max_length=60, required=False, allow_blank=True)
    quantity = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    unit_price = MoneyField(required=False)
    total_price = MoneyField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unit, total, quantity = attrs.get("unit_price"), attrs.get("total_price"), attrs["quantity"]
        if unit is None and total is None:
            raise serializers.ValidationError(
                {"unit_price": [_("Give the price of one, or the total price.")]}
            )
        attrs["unit_price"] = unit if unit is not None else (total or Decimal(0)) / quantity
        attrs["total_price"] = total if total is not None else attrs["unit_price"] * quantity
        return attrs


class MomentField(serializers.DateTimeField):
    """Takes an ISO moment; its day may be a Jalali one in a Jalali café (year below 1700). Gives ISO."""

    def to_internal_value(self, value: Any) -> Any:
        """Return the moment. Raises ValidationError, with code INVALID_DATE for a day no calendar has."""
        found = _JALALI_DAY.fullmatch(to_ascii(value)) if isinstance(value, str) else None
        if found and get_locale().is_jalali:
            value = f"{DateField().to_internal_value(found[1]).isoformat()}{found[2]}"
        return super().to_internal_value(value)


class VisitRequestSerializer(StrictSerializer):
    """The body of ``POST /api/crm/visits``. Without customer and phone it is a walk-in."""

    customer_id = serializers.UUIDField(required=False, allow_null=True)
    customer_phone = PhoneField(required=False, allow_null=True, allow_blank=True)
    customer_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    visit_date = MomentField(required=False, allow_null=True)
    total_amount = MoneyField()
    items_ordered = ItemSerializer(many=True, required=False)
    payment_method = serializers.ChoiceField(Visit.PaymentMethod.choices, required=False, allow_blank=True)
    discount_applied = MoneyField(required=False, default=Decimal(0))
    points_earned = serializers.IntegerField(required=False, allow_null=True)
    points_redeemed = serializers.IntegerField(required=False, default=0)
    visit_type = serializers.ChoiceField(Visit.VisitType.choices, default=Visit.VisitType.DINE_IN)
    outlet_id = serializers.UUIDField(required=False, allow_null=True)
    table_number = serializers.CharField(max_length=10, required=False, allow_blank=True)
    server_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    order_reference = serializers.CharField(max_length=100, required=False, allow_blank=True)
    notes = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    discount_code = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    voucher_codes = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=MAX_VOUCHERS
    )
    reward_id = serializers.UUIDField(required=False, allow_null=True)
    confirmation_code = serializers.CharField(
        max_length=10, required=False, allow_blank=True, allow_null=True
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("customer_id") and attrs.get("customer_phone"):
            raise serializers.ValidationError(
                {"customer_phone": [_("Give the customer by id or by phone, not both.")]}
            )
        return attrs

    def to_request(self, user: User) -> VisitRequest:
        """Return the validated body as the service's request, acting as ``user``.

        Points passed by the sender count only when the user may override the program.
        """
        data = dict(self.validated_data)
        override = data.get("points_earned") if can(user, P.LOYALTY_OVERRIDE) else None
        return VisitRequest(
            customer_id=data.get("customer_id"),
            phone=data.get("customer_phone") or None,
            customer_name=data.get("customer_name") or "",
            total_amount=data["total_amount"],
            discount_amount=data["discount_applied"],
            payment_method=data.get("payment_method") or "",
            points_to_redeem=data["points_redeemed"],
            points_override=override,
            visit_date=data.get("visit_date"),
            visit_type=data["visit_type"],
            outlet_id=data.get("outlet_id") or user.outlet_id,
            table_number=data.get("table_number") or "",
            server_name=data.get("server_name") or "",
            items=tuple(
                VisitItem(**{**item, "item_id": item.get("item_id") or ""})
                for item in data.get("items_ordered") or ()
            ),
            notes=data.get("notes") or "",
            order_reference=data.get("order_reference") or "",
            discount_code=data.get("discount_code") or "",
            voucher_codes=tuple(data.get("voucher_codes") or ()),
            reward_id=data.get("reward_id"),
        )


class VoidSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


def visit_payload(visit: Visit) -> dict[str, Any]:
    """Return one visit as the API shows it. Amounts are in the base unit."""
    return {
        "id": visit.pk,
        "customer_id": visit.customer_id,
        "visit_number": visit.visit_number,
        "visit_date": visit.visit_date,
        "outlet_id": visit.outlet_id,
        "visit_type": visit.visit_type,
        "table_number": visit.table_number or None,
        "server_name": visit.server_name or None,
        "total_amount": visit.total_amount,
        "discount_applied": visit.discount_amount,
        "final_amount": visit.total_amount - visit.discount_amount,
        "items_ordered": visit.items,
        "payment_method": visit.payment_method or None,
        "points_earned": visit.points_earned,
        "points_redeemed": visit.points_redeemed,
        "points_value": visit.points_value,
        "feedback_rating": visit.feedback_rating,
        "feedback_comment": visit.feedback_comment or None,
        "notes": visit.notes,
        "order_reference": visit.order_reference or None,
        "status": "voided" if visit.is_voided else "recorded",
        "voided_at": visit.voided_at,
        "void_reason": visit.void_reason or None,
        "created_at": visit.created_at,
    }


def standing_payload(status: LoyaltyStatus | None) -> dict[str, Any] | None:
    """Return balance and tier after the visit; None for a walk-in."""
    if status is None:
        return None
    return {
        "current_points": status.current_points,
        "tier_level": status.tier.level,
        "next_tier": status.next_tier.level if status.next_tier else None,
        "points_needed": status.points_needed,
    }


def receipt_payload(receipt: CheckoutReceipt) -> dict[str, Any]:
    """Return the answer to a recorded visit."""
    customer = receipt.customer
    loyalty = standing_payload(receipt.status)
    if loyalty is not None and receipt.earning is not None:
        change = receipt.tier_change
        loyalty |= {
            "points_earned": receipt.earning.points,
            "explanation": receipt.earning.explanation,
            "tier_changed_from": change.from_tier if change else None,
            "points_withheld": receipt.points_withheld or None,
        }
    return {
        "visit": visit_payload(receipt.visit),
        "customer": {
            "id": customer.pk,
            "phone": customer.national_phone,
            "name": customer.name,
            "segment": customer.summary.segment,
            "status": customer.status,
            "total_visits": customer.summary.total_visits,
            "is_new": receipt.is_new_customer,
        }
        if customer
        else None,
        "loyalty": loyalty,
        "receipt": extras_payload(receipt),
    }


def extras_payload(receipt: CheckoutReceipt) -> dict[str, Any]:
    """Return what a receipt prints beside the visit: discounts, parts of the points, stamps, the next expiry."""
    expiry = receipt.status.next_expiry if receipt.status else None
    return {
        "to_pay": receipt.to_pay,
        "discounts": _discount_lines(receipt.discounts),
        "points": [
            {
                "type": part.type,
                "name": part.name or None,
                "points": part.points,
                "explanation": part.explanation,
            }
            for part in (receipt.earning.parts if receipt.earning else ())
            if part.points
        ],
        "stamps": [_stamp_line(gain) for gain in receipt.stamps],
        "next_expiry": {"points": expiry.points, "date": expiry.expires_on} if expiry else None,
    }


def _discount_lines(discounts: Discounts | None) -> list[dict[str, Any]]:
    if discounts is None:
        return []
    lines: list[dict[str, Any]] = []
    if discounts.manual:
        lines.append({"kind": "manual", "code": None, "name": None, "amount": discounts.manual, "points": 0})
    if quoted := discounts.code:
        row = quoted.code
        lines.append({
            "kind": "code", "code": row.code, "name": row.name or None, "amount": quoted.discount, "points": 0,
        })  # fmt: skip
    lines += [
        {
            "kind": "voucher",
            "code": held.voucher.code,
            "name": held.voucher.name,
            "amount": held.discount,
            "points": 0,
        }
        for held in discounts.vouchers
    ]
    if bought := discounts.reward:
        lines.append({
            "kind": "reward", "code": None, "name": bought.reward.name, "amount": bought.discount,
            "points": bought.price,
        })  # fmt: skip
    return lines


def _stamp_line(gain: StampGain) -> dict[str, Any]:
    return {
        "card_id": gain.card.pk,
        "name": gain.card.name,
        "stamps": gain.stamps,
        "stamps_now": gain.stamps_now,
        "stamps_needed": gain.card.stamps_needed,
        "cards_filled": gain.filled,
        "points": gain.points,
        "vouchers": [
            {"code": voucher.code, "name": voucher.name, "expires_on": voucher.expires_on}
            for voucher in gain.vouchers
        ],
    }


def void_payload(receipt: VoidReceipt) -> dict[str, Any]:
    """Return the answer to a voided visit."""
    loyalty = standing_payload(receipt.status)
    if loyalty is not None:
        loyalty["points_not_recovered"] = receipt.shortfall
    return {
        "visit": visit_payload(receipt.visit),
        "loyalty": loyalty,
        "vouchers": [
            {
                "code": voucher.code,
                "name": voucher.name,
                "status": voucher.status,
                "expires_on": voucher.expires_on,
            }
            for voucher in receipt.vouchers
        ],
        "stamps": [
            {"card_id": loss.card.pk, "name": loss.card.name, "stamps": -loss.stamps}
            for loss in receipt.stamps
        ],
    }
