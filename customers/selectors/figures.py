"""The figures of the whole book, exact and without reading it: guests, visits and spend by segment and tier."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from customers.models import CustomerSummary, GuestFigure


@dataclass(frozen=True, slots=True)
class Figure:
    """Guests who are not deleted, their visits, and what they spent in the base unit."""

    guests: int = 0
    visits: int = 0
    spent: Decimal = Decimal(0)

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.guests + other.guests, self.visits + other.visits, self.spent + other.spent)


def figures_of_book() -> dict[tuple[str, str], Figure]:
    """Return (segment, tier) → figure as this transaction sees it; one query.

    The database keeps the sums of all summaries; those of deleted guests, who are few, are read and taken off.
    """
    kept = GuestFigure.objects.order_by().values_list("segment", "tier")
    kept = kept.annotate(g=Sum("guests"), v=Sum("visits"), s=Sum("spent"))
    deleted = CustomerSummary.objects.filter(customer__deleted_at__isnull=False).order_by()
    taken_off = deleted.values_list("segment", "tier").annotate(
        g=-Count("pk"), v=-Sum("total_visits"), s=-Sum("lifetime_spent")
    )
    found: dict[tuple[str, str], Figure] = defaultdict(Figure)
    rows: QuerySet[Any, Any] = kept.union(taken_off, all=True)
    for segment, tier, guests, visits, spent in rows:
        found[segment, tier] += Figure(guests, visits, spent)
    return dict(found)


def count_guests(*, segment: str = "", tier: str = "") -> int:
    """Return how many guests belong to a segment, a tier, or both; "" stands for any."""
    return sum(
        figure.guests
        for (of_segment, of_tier), figure in figures_of_book().items()
        if segment in ("", of_segment) and tier in ("", of_tier)
    )
