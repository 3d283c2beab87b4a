"""The two statistics of seed 002. Guests that were deleted count nowhere, in none of the figures."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from analytics.periods import Period, this_month
from customers.models import Customer, CustomerSummary
from loyalty.models import LedgerEntry, LoyaltyAccount


def get_customer_statistics(period: Period | None = None) -> dict[str, Any]:
    """Return the customer statistics, from one query.

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

    One query for both.
    """
    period = period or this_month()
    row = _customers().aggregate(
        total=Count("pk"),
        active=Count("pk", filter=Q(status=Customer.Status.ACTIVE)),
        new=_created(period),
        before=Count("pk", filter=Q(created_at__lt=period.start)),
        spent=Coalesce(Sum("summary__lifetime_spent"), Decimal(0)),
        visits=Coalesce(Sum("summary__total_visits"), 0),
        **_counts("segment", CustomerSummary.Segment.values),
        **_counts("tier", CustomerSummary.TierLevel.values),
        **{f"also_{name}": _created(span) for name, span in also.items()},
    )
    statistics = {
        "total": row["total"],
        "active": row["active"],
        "new_this_month": row["new"],
        "monthly_growth": percent_of(row["new"], row["before"]),
        "average_lifetime_value": _average(row["spent"], row["total"]),
        "average_visits_per_customer": _average(Decimal(row["visits"]), row["total"]),
        "by_segment": {name: row[f"segment_{name}"] for name in CustomerSummary.Segment.values},
        "by_tier": {name: row[f"tier_{name}"] for name in CustomerSummary.TierLevel.values},
    }
    return statistics, {name: row[f"also_{name}"] for name in also}


def get_loyalty_statistics(period: Period | None = None) -> dict[str, Any]:
    """Return the statistics of the club, from three queries.

    Issued are the earning entries of the ledger less what was taken back of them; redeemed are all others
    (redemptions, expiry, corrections) less what was given back; issued - redeemed = active. ``period``
    (default: the month that runs now) restricts the two ``…_this_month`` figures.
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
        "total_points_redeemed": totals["redeemed"],
        "active_points": totals["active"],
        "average_points_per_customer": _average(Decimal(totals["active"]), guests["total"]),
        "tier_distribution": {name: guests[f"tier_{name}"] for name in CustomerSummary.TierLevel.values},
        "points_issued_this_month": flow["issued"],
        "points_redeemed_this_month": flow["redeemed"],
    }


def get_points_flow(period: Period) -> dict[str, int]:
    """Return ``issued`` and ``redeemed`` points of the ledger entries made within ``period``."""
    earning = Q(type__in=LedgerEntry.EARNING_TYPES)
    entries = LedgerEntry.objects.filter(
        created_at__gte=period.start, created_at__lt=period.end, customer__deleted_at=None
    )
    return entries.aggregate(
        issued=Coalesce(Sum("points", filter=earning), 0),
        redeemed=Coalesce(Sum(-F("points"), filter=~earning), 0),
    )


def get_active_points() -> int:
    """Return the points that guests hold now."""
    accounts = LoyaltyAccount.objects.filter(customer__deleted_at=None)
    return int(accounts.aggregate(points=Coalesce(Sum("balance"), 0))["points"])


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


def _created(period: Period) -> Count:
    return Count("pk", filter=Q(created_at__gte=period.start, created_at__lt=period.end))


def _counts(field: str, values: list[str]) -> dict[str, Count]:
    return {f"{field}_{value}": Count("pk", filter=Q(**{f"summary__{field}": value})) for value in values}


def _average(total: Decimal, count: int) -> Decimal:
    return (total / count).quantize(Decimal("0.01"), ROUND_HALF_UP) if count else Decimal(0)
