"""What this room knows of one guest, for its data export."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from segments.models import RfmScore, SegmentChange, SegmentMembership


def _memberships(customer: Customer) -> list[dict[str, Any]]:
    rows = SegmentMembership.objects.filter(customer=customer).order_by("entered_at")
    return rows_as_dicts(rows, "segment__key", "segment__name", "entered_at")


def _changes(customer: Customer) -> list[dict[str, Any]]:
    rows = SegmentChange.objects.filter(customer=customer).order_by("pk")
    return rows_as_dicts(rows, "segment__key", "entered", "at")


def _rfm(customer: Customer) -> list[dict[str, Any]]:
    rows = RfmScore.objects.filter(customer=customer)
    return rows_as_dicts(rows, "recency", "frequency", "monetary", "group", "group_since")


register_export("segments", _memberships, label=_("Segments"))
register_export("segment_changes", _changes, label=_("Changes of segments"))
register_export("rfm", _rfm, label=_("RFM scores"))
