"""The RFM groups as a map: how many guests each has, what they spent, and who moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, F, Sum

from segments.models import RfmMove, RfmScore
from segments.rfm import GRID, GROUPS, LEAST_GUESTS

# How many shades a cell of the map may have, by the guests in it.
SHADES = 5


@dataclass(frozen=True, slots=True)
class RfmGroup:
    """One group: guests, their share of all in percent, spend over all time in the base unit, mean scores."""

    key: str
    label: str
    guests: int
    share: float
    lifetime_spent: Decimal
    recency: float | None
    frequency: float | None
    monetary: float | None


@dataclass(frozen=True, slots=True)
class RfmCell:
    """The guests of one score of recency and one of worth (the mean of frequency and spend, rounded up).

    shade: 0 for nobody up to ``SHADES`` - 1 for the fullest cell.
    """

    worth: int
    group: str
    label: str
    guests: int
    shade: int


@dataclass(frozen=True, slots=True)
class RfmMap:
    """All eleven groups, best first, and the cells they consist of: ``rows`` of (recency, cells), 5 first.

    Without scores (``is_ready`` False) the café has too few guests as yet.
    """

    is_ready: bool
    guests: int
    needed: int
    groups: list[RfmGroup]
    rows: list[tuple[int, list[RfmCell]]]


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
                key, str(label), row["guests"], 100 * row["guests"] / total if total else 0.0,
                row["spent"] or Decimal(0), row["r"], row["f"], row["m"],
            )
        )  # fmt: skip
    return RfmMap(total > 0, total, LEAST_GUESTS, groups, _cells())


def _cells() -> list[tuple[int, list[RfmCell]]]:
    scores = RfmScore.objects.filter(customer__deleted_at=None).annotate(
        worth=(F("frequency") + F("monetary") + 1) / 2
    )
    counted = scores.values("recency", "worth").annotate(guests=Count("pk"))
    guests = {(row["recency"], row["worth"]): row["guests"] for row in counted}
    most, labels = max(guests.values(), default=1), dict(GROUPS)
    rows = []
    for recency, groups in zip(range(5, 0, -1), GRID, strict=True):
        cells = []
        for worth, group in enumerate(groups, start=1):
            here = guests.get((recency, worth), 0)
            shade = -(-here * (SHADES - 1) // most)  # rounded up: a guest is never shown as nobody
            cells.append(RfmCell(worth, group, str(labels[group]), here, shade))
        rows.append((recency, cells))
    return rows


def list_moves(first: date, last: date) -> list[tuple[str, str, int]]:
    """Return (from, to, guests) summed over local days ``first`` to ``last``; "" stands for came or went."""
    rows = RfmMove.objects.filter(day__range=(first, last)).values("from_group", "to_group")
    summed = rows.annotate(total=Sum("guests")).order_by("-total", "from_group", "to_group")
    return [(row["from_group"], row["to_group"], row["total"]) for row in summed]
