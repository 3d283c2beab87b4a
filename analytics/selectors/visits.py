"""The visits of a period in figures (seed 002 ``VisitAnalytics``)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour
from django.utils import timezone

from analytics.periods import Period, this_month
from analytics.selectors.today import list_days
from customers.models import Visit
from servaan_crm.l10n.locale import get_locale

TOP = 10
HOURS = range(24)


def get_visit_analytics(period: Period, outlet_id: UUID | None = None) -> dict[str, Any]:
    """Return the figures of the visits that count; walk-ins bring revenue, but are nobody's visits.

    The figures "of this month" are of the café's current calendar month, whatever ``period`` is.
    Amounts are in the base unit; hours and days are the café's. Five queries, however many visits.
    """
    rows = _visits(period, outlet_id)
    totals = rows.aggregate(
        visits=Count("pk"),
        revenue=Sum("final_amount"),
        known=Count("pk", filter=Q(customer__isnull=False)),
        guests=Count("customer_id", distinct=True),
    )
    month = _visits(this_month(), outlet_id).aggregate(visits=Count("pk"), revenue=Sum("final_amount"))
    revenue = totals["revenue"] or Decimal(0)
    return {
        "total_visits": totals["visits"],
        "total_revenue": revenue,
        "average_order_value": _mean(revenue, totals["visits"]),
        "visits_this_month": month["visits"],
        "revenue_this_month": month["revenue"] or Decimal(0),
        "average_visits_per_customer": _mean(totals["known"], totals["guests"]),
        "top_customers": _top_customers(rows),
        "peak_hours": _peak_hours(rows),
        "daily_revenue": [
            {"date": day.date, "revenue": day.revenue, "visit_count": day.visits}
            for day in list_days(period, outlet_id)
        ],
        "generated_at": timezone.now(),
    }


def _visits(period: Period, outlet_id: UUID | None) -> QuerySet[Visit]:
    rows = Visit.objects.filter(visit_date__gte=period.start, visit_date__lt=period.end, voided_at=None)
    return rows.filter(outlet_id=outlet_id) if outlet_id else rows


def _top_customers(rows: QuerySet[Visit]) -> list[dict[str, Any]]:
    """Return who spent most; guests that were deleted are not named."""
    known = rows.filter(customer__isnull=False, customer__deleted_at=None)
    best = (
        known.values("customer_id", customer_name=F("customer__name"))
        .annotate(total_spent=Sum("final_amount"), visit_count=Count("pk"))
        .order_by("-total_spent", "-visit_count", "customer_id")
    )
    return [dict(row) for row in best[:TOP]]


def _peak_hours(rows: QuerySet[Visit]) -> list[dict[str, Any]]:
    """Return all 24 hours of the café's day, so that a chart needs no filling in."""
    counted = (
        rows.annotate(hour=ExtractHour("visit_date", tzinfo=get_locale().tz))
        .values("hour")
        .annotate(visit_count=Count("pk"), revenue=Sum("final_amount"))
        .order_by("hour")
    )
    found = {row["hour"]: row for row in counted}
    empty = {"visit_count": 0, "revenue": Decimal(0)}
    return [{**empty, **found.get(hour, {}), "hour": hour} for hour in HOURS]


def _mean(total: Decimal | int, count: int) -> Decimal:
    return (Decimal(total) / count).quantize(Decimal("0.01"), ROUND_HALF_UP) if count else Decimal(0)
