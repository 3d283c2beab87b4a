"""What this room knows of one guest, for its data export."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from loyalty.models import DiscountUse, LedgerEntry, ReviewItem, StampEntry, TierChange, Voucher


def _ledger(customer: Customer) -> list[dict[str, Any]]:
    rows = LedgerEntry.objects.filter(customer=customer).order_by("sequence")
    return rows_as_dicts(rows, "created_at", "type", "points", "balance_after", "description", "notes")


def _tiers(customer: Customer) -> list[dict[str, Any]]:
    rows = TierChange.objects.filter(customer=customer).order_by("created_at")
    return rows_as_dicts(rows, "created_at", "from_tier", "to_tier", "reason")


def _vouchers(customer: Customer) -> list[dict[str, Any]]:
    rows = Voucher.objects.filter(customer=customer).order_by("created_at")
    return rows_as_dicts(
        rows,
        "created_at",
        "name",
        "code",
        "source",
        "status",
        "points_paid",
        "expires_on",
        "used_at",
        "discount_given",
    )


def _codes(customer: Customer) -> list[dict[str, Any]]:
    rows = DiscountUse.objects.filter(customer=customer).order_by("created_at")
    return rows_as_dicts(rows, "created_at", "code__code", "amount", "reversed_at")


def _stamps(customer: Customer) -> list[dict[str, Any]]:
    rows = StampEntry.objects.filter(customer=customer).order_by("card_id", "sequence")
    return rows_as_dicts(rows, "created_at", "card__name", "stamps", "total_after")


def _reviews(customer: Customer) -> list[dict[str, Any]]:
    """That and when something was looked at; who of the staff it is about and what they noted is not the guest's."""
    rows = ReviewItem.objects.filter(customer=customer).order_by("created_at")
    return rows_as_dicts(rows, "day", "signal", "status")


register_export("points", _ledger, label=_("Points"))
register_export("tiers", _tiers, label=_("Tiers"))
register_export("vouchers", _vouchers, label=_("Vouchers"))
register_export("codes_used", _codes, label=_("Codes used"))
register_export("stamps", _stamps, label=_("Stamps"))
register_export("loyalty_reviews", _reviews, label=_("Reviews"))
