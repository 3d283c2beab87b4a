"""The two statistics of seed 002. Guests that were deleted count nowhere, in none of the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Count, Q, Sum, Value
from django.db.models.functions import Coalesce

from analytics.periods import Period, this_month
from customers.models import Customer, CustomerSummary
from customers.selectors.figures import Figure, figures_of_book
from loyalty.models import LoyaltyAccount
from loyalty.selectors.flow import get_flow, get_flow_and_held, get_taken_off


def get_customer_statistics(period: Period | None = None) -> dict[str, Any]:
    """Return the customer statistics, from two queries.

    ``period`` (default: the month that runs now, in the café's calendar) restricts the figures of flow:
    ``new_this_month`` is who became a guest within it, and ``monthly_growth`` the percentage by which the
    number of guests grew within it, None when there was nobody before. All other figures are of today.
    ``average_lifetime_value`` is in the base unit of the currency, both averages have two decimals.
    """
    return get_customer_overview(period)[0]


def get_customer_overview(
    period: Period | None = None, **also: Period
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the customer statistics, and by name how many became guests within each period of ``also``.

    Two queries that do not read the book: the database keeps its sums, indexes count the rest.
    """
    period = period or this_month()
    kept = figures_of_book()
    whole = sum(kept.values(), Figure())
    row = _flows(period, also)
    total = whole.guests
    statistics = {
        "total": total,
        "active": total - row["not_active"],
        "new_this_month": row["new"],
        "monthly_growth": percent_of(row["new"], total - row["since"]),
        "average_lifetime_value": _average(whole.spent, total),
        "average_visits_per_customer": _average(Decimal(whole.visits), total),
        "by_segment": _spread(kept, 0, CustomerSummary.Segment.values),
        "by_tier": _spread(kept, 1, CustomerSummary.TierLevel.values),
    }
    return statistics, {name: row[f"also_{name}"] for name in also}


def _flows(period: Period, also: Mapping[str, Period]) -> dict[str, int]:
    """Count the guests who are not active, and those who came since or within the periods.

    One query, from two indexes alone; the periods lie side by side, so that one walk counts them all.
    """
    guests = _customers().order_by()
    wanted = {
        "new": Q(created_at__gte=period.start, created_at__lt=period.end),
        "since": Q(created_at__gte=period.start),
    } | {
        f"also_{name}": Q(created_at__gte=span.start, created_at__lt=span.end) for name, span in also.items()
    }
    earliest = min(span.start for span in (period, *also.values()))
    came = {name: Count("pk", filter=condition) for name, condition in wanted.items()}
    # Named one by one, because an index does not answer "other than".
    away = guests.filter(status__in=set(Customer.Status.values) - {"active"})
    rest = {name: Value(0) for name in [*wanted][1:]}
    # Two counts side by side: joined by OR, neither could be answered from its index alone.
    rows: Any = (
        guests.filter(created_at__gte=earliest)
        .values_list(Value("came"))
        .annotate(**came)
        .union(away.values_list(Value("away")).annotate(count=Count("pk"), **rest), all=True)
    )
    found = {kind: counts for kind, *counts in rows}
    return {"not_active": found["away"][0], **dict(zip(wanted, found["came"], strict=True))}


def _spread(kept: Mapping[tuple[str, str], Figure], place: int, values: list[str]) -> dict[str, int]:
    return {name: sum(f.guests for key, f in kept.items() if key[place] == name) for name in values}


def get_loyalty_statistics(period: Period | None = None) -> dict[str, Any]:
    """Return the statistics of the club, from four queries.

    Issued and redeemed as :mod:`loyalty.selectors.flow` says: issued less what was taken back, redeemed less what was
    given back. What ran out or was taken off by hand is neither, so issued - redeemed is the active points plus
    those. ``period`` (default: the month that runs now) restricts the two ``…_this_month`` figures.
    """
    period = period or this_month()
    totals = LoyaltyAccount.objects.filter(customer__deleted_at=None).aggregate(
        issued=Coalesce(Sum("points_earned_total"), 0),
        redeemed=Coalesce(Sum("points_redeemed_total"), 0),
        active=Coalesce(Sum("balance"), 0),
    )
    flow = get_points_flow(period)
    guests = _customers().aggregate(total=Count("pk"), **_counts("tier", CustomerSummary.TierLevel.values))
    return {
        "total_points_issued": totals["issued"],
        "total_points_redeemed": totals["redeemed"] - get_taken_off(),
        "active_points": totals["active"],
        "average_points_per_customer": _average(Decimal(totals["active"]), guests["total"]),
        "tier_distribution": {name: guests[f"tier_{name}"] for name in CustomerSummary.TierLevel.values},
        "points_issued_this_month": flow["issued"],
        "points_redeemed_this_month": flow["redeemed"],
    }


def get_points_flow(period: Period) -> dict[str, int]:
    """Return the points ``issued``, ``redeemed``, ``expired`` and ``corrected`` within ``period``."""
    return asdict(get_flow(period.start, period.end))


def get_points_now(period: Period) -> tuple[dict[str, int], int]:
    """Return what :func:`get_points_flow` tells, and the points that guests hold now; one query."""
    flow, held = get_flow_and_held(period.start, period.end)
    return asdict(flow), held


def percent_of(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    """Return ``part`` in percent of ``whole`` with one decimal; None when there is no whole."""
    if not whole:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def change_in_percent(now: int | Decimal, before: int | Decimal) -> Decimal | None:
    """Return by how many percent ``now`` is more (or less) than ``before``; None without a before."""
    return percent_of(now - before, before)


def _customers() -> Any:
    return Customer.objects.filter(deleted_at=None)


def _counts(field: str, values: list[str]) -> dict[str, Count]:
    return {f"{field}_{value}": Count("pk", filter=Q(**{f"summary__{field}": value})) for value in values}


def _average(total: Decimal, count: int) -> Decimal:
    return (total / count).quantize(Decimal("0.01"), ROUND_HALF_UP) if count else Decimal(0)
