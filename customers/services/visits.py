"""Locking a guest, and keeping the visit figures of its summary."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Max, Min, Sum

from customers.errors import CustomerNotFound
from customers.models import Customer, CustomerSummary, Visit


def lock_customer(
    *, customer_id: UUID | None = None, phone: str | None = None, related: tuple[str, ...] = ()
) -> Customer:
    """Lock one guest that is not deleted and return it with its summary.

    The lock on the customer row is the lock on everything that belongs to the guest: visits, summary,
    account. It lets others go on referring to the row.

    Args:
        phone: E.164; used when ``customer_id`` is None.
        related: further one-to-one relations to load in the same query.

    Raises:
        CustomerNotFound: there is no such guest.
    """
    wanted = {"pk": customer_id} if customer_id is not None else {"phone": phone}
    customer = (
        Customer.objects.select_related("summary", *related)
        .select_for_update(of=("self",), no_key=True)
        .filter(deleted_at=None, **wanted)
        .first()
    )
    if customer is None:
        raise CustomerNotFound(details={key: str(value) for key, value in wanted.items()})
    return customer


def add_visit_to_summary(summary: CustomerSummary, *, amount: Decimal, at: datetime) -> None:
    """Count one more visit of ``amount`` (base unit). The caller holds the lock and saves."""
    summary.total_visits += 1
    summary.last_visit_number += 1
    summary.lifetime_spent += amount
    summary.first_visit_at = min(summary.first_visit_at or at, at)
    summary.last_visit_at = max(summary.last_visit_at or at, at)


def recount_summary(summary: CustomerSummary) -> None:
    """Work the visit figures out again from the visits that count. The caller holds the lock and saves."""
    figures = Visit.objects.filter(customer_id=summary.pk, voided_at=None).aggregate(
        visits=Count("pk"), spent=Sum("final_amount"), first=Min("visit_date"), last=Max("visit_date")
    )
    summary.total_visits = figures["visits"]
    summary.lifetime_spent = figures["spent"] or Decimal(0)
    summary.first_visit_at = figures["first"]
    summary.last_visit_at = figures["last"]
