"""The figures of the whole book, exact and without reading it: guests, visits and spend by segment and tier."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from customers.models import CustomerSummary, GuestFigure


@dataclass(frozen=True, slots=True)
class Figure:
    """Guests who are not deleted, their visits, and what they spent in the base unit."""

    guests: int = 0
    visits: int = 0
    spent: Decimal = Decimal(0)

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.guests + other.guests, self.visits + other.visits, self.spent + other.spent)

    def __neg__(self) -> Figure:
        return Figure(-self.guests, -self.visits, -self.spent)


def figures_of_book() -> dict[tuple[str, str], Figure]:
    """Return (segment, tier) → figure as this transaction sees it; two queries.

    The database keeps the sums of all summaries; those of deleted guests, who are few, are read and taken off.
    """
    found: dict[tuple[str, str], Figure] = defaultdict(Figure)
    kept = GuestFigure.objects.values_list("segment", "tier").order_by()
    for segment, tier, guests, visits, spent in kept.annotate(Sum("guests"), Sum("visits"), Sum("spent")):
        found[segment, tier] += Figure(guests, visits, spent)
    deleted = CustomerSummary.objects.filter(customer__deleted_at__isnull=False).values_list(
        "segment", "tier"
    )
    sums = deleted.order_by().annotate(Count("pk"), Sum("total_visits"), Sum("lifetime_spent"))
    for segment, tier, guests, visits, spent in sums:
        found[segment, tier] += -Figure(guests, visits, spent)
    return dict(found)


def count_guests(*, segment: str = "", tier: str = "") -> int:
    """Return how many guests belong to a segment, a tier, or both; "" stands for any."""
    return sum(
        figure.guests
        for (of_segment, of_tier), figure in figures_of_book().items()
        if segment in ("", of_segment) and tier in ("", of_tier)
    )
