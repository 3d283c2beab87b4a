"""The RFM groups as a map: how many guests each has, what they spent, and who moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Sum

from segments.models import RfmMove, RfmScore
from segments.rfm import GROUPS, LEAST_GUESTS


@dataclass(frozen=True, slots=True)
class RfmGroup:
    """One group: guests, their spend over all time in the base unit, and their mean scores."""

    key: str
    label: str
    guests: int
    share: float
    lifetime_spent: Decimal
    recency: float | None
    frequency: float | None
    monetary: float | None


@dataclass(frozen=True, slots=True)
class RfmMap:
    """All eleven groups, best first. Without scores (``is_ready`` False) the café has too few guests as yet."""

    is_ready: bool
    guests: int
    needed: int
    groups: list[RfmGroup]


def get_rfm_map() -> RfmMap:
    """Return the groups as the last calculation left them."""
    rows = RfmScore.objects.filter(customer__deleted_at=None).values("group")
    found: dict[str, Any] = {
        row["group"]: row
        for row in rows.annotate(
            guests=Count("pk"), spent=Sum("customer__summary__lifetime_spent"), r=Avg("recency"),
            f=Avg("frequency"), m=Avg("monetary"),
        )
    }  # fmt: skip
    total = sum(row["guests"] for row in found.values())
    groups = []
    for key, label in GROUPS:
        row: dict[str, Any] = found.get(key, {"guests": 0, "spent": None, "r": None, "f": None, "m": None})
        groups.append(
            RfmGroup(
                key, str(label), row["guests"], row["guests"] / total if total else 0.0,
                row["spent"] or Decimal(0), row["r"], row["f"], row["m"],
            )
        )  # fmt: skip
    return RfmMap(total > 0, total, LEAST_GUESTS, groups)


def list_moves(first: date, last: date) -> list[tuple[str, str, int]]:
    """Return (from, to, guests) summed over local days ``first`` to ``last``; "" stands for came or went."""
    rows = RfmMove.objects.filter(day__range=(first, last)).values("from_group", "to_group")
    summed = rows.annotate(total=Sum("guests")).order_by("-total", "from_group", "to_group")
    return [(row["from_group"], row["to_group"], row["total"]) for row in summed]
