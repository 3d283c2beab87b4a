"""What this room knows of one guest, for its data export."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from loyalty.models import LedgerEntry, TierChange


def _ledger(customer: Customer) -> list[dict[str, Any]]:
    rows = LedgerEntry.objects.filter(customer=customer).order_by("sequence")
    return rows_as_dicts(rows, "created_at", "type", "points", "balance_after", "description", "notes")


def _tiers(customer: Customer) -> list[dict[str, Any]]:
    rows = TierChange.objects.filter(customer=customer).order_by("created_at")
    return rows_as_dicts(rows, "created_at", "from_tier", "to_tier", "reason")


register_export("points", _ledger, label=_("Points"))
register_export("tiers", _tiers, label=_("Tiers"))
