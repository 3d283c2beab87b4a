"""The ``customer_summary`` of the database design (seed 001) as a selector: the same columns for any guests.

Differences of definition, all settled by the product page: deleted guests stand for ``is_active = false``; days
are whole days of the café's calendar; the average spend is rounded down to the base unit, as everywhere.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Avg, OuterRef, QuerySet, Subquery

from customers.models import Customer
from customers.selectors.customers import all_customers
from customers.selectors.derived import Facts, get_facts


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One row. ``days_since_last_visit`` is 0 for who never came, as the design has it."""

    id: UUID
    phone: str
    name: str
    status: str
    segment: str
    created_at: dt.datetime
    current_points: int
    tier_level: str
    lifetime_spent: Decimal
    total_visits: int
    last_visit_date: dt.datetime | None
    last_visit: dt.datetime | None
    avg_rating: Decimal | None
    days_since_last_visit: int
    avg_spend_per_visit: int


def customer_summary(
    customers: QuerySet[Customer] | None = None, facts: Facts | None = None
) -> list[SummaryRow]:
    """Return the summary of ``customers`` (default: all that are not deleted; slice it for a page); one query.

    ``avg_rating`` is over everything the guest answered; None without an answer.
    """
    facts = facts or get_facts()
    rows = all_customers() if customers is None else customers
    ratings = Customer.objects.filter(pk=OuterRef("pk")).order_by().values("pk")
    rated = ratings.annotate(mean=Avg("feedback__rating")).values("mean")
    rows = rows.select_related("summary").annotate(avg_rating=Subquery(rated))
    return [_row(customer, facts) for customer in rows]


def _row(customer: Customer, facts: Facts) -> SummaryRow:
    summary = customer.summary
    mean = getattr(customer, "avg_rating", None)
    return SummaryRow(
        id=customer.pk,
        phone=customer.phone,
        name=customer.name,
        status=customer.status,
        segment=summary.segment,
        created_at=customer.created_at,
        current_points=summary.points,
        tier_level=summary.tier,
        lifetime_spent=summary.lifetime_spent,
        total_visits=summary.total_visits,
        last_visit_date=summary.last_visit_at,
        last_visit=summary.last_visit_at,
        avg_rating=None if mean is None else Decimal(mean).quantize(Decimal("0.01")),
        days_since_last_visit=facts.days(summary) or 0,
        avg_spend_per_visit=summary.average_spend,
    )
