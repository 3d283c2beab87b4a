"""Locking a guest, and keeping the visit figures of its summary."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, Min, Sum

from customers.errors import CustomerNotFound
from customers.models import Customer, CustomerSummary, Visit

# Where a visit number waits while its neighbours are renumbered.
FAR = 1_000_000_000


def lock_customer(
    *, customer_id: UUID | None = None, phone: str | None = None, deleted_too: bool = False
) -> Customer:
    """Lock one guest and return it with its summary.

    The lock on the customer row is the lock on everything that belongs to the guest: visits, summary,
    account. It lets others go on referring to the row. What belongs to the guest must be read after this
    call or be locked in it: a row merely joined would still be the one from before the wait.

    Args:
        phone: E.164; used when ``customer_id`` is None.
        deleted_too: also find a soft-deleted guest, to correct its past.

    Raises:
        CustomerNotFound: there is no such guest. One who lost the number, or was deleted, while this waited is
            locked all the same: whoever goes on to another guest must begin a new transaction.
    """
    rows = CustomerSummary.objects.select_related("customer")
    rows = (
        rows.filter(customer_id=customer_id)
        if customer_id is not None
        else rows.filter(customer__phone=phone)
    )
    if not deleted_too:
        rows = rows.filter(customer__deleted_at=None)
    summary = rows.select_for_update(of=("customer", "self"), no_key=True).first()
    if summary is None:
        raise CustomerNotFound(details={"customer_id": str(customer_id)} if customer_id else {"phone": phone})
    summary.customer.summary = summary
    return summary.customer


def lock_owners(owners: Callable[[], set[UUID]]) -> dict[UUID, Customer]:
    """Lock the guests something belongs to now, deleted ones too, the lower id first.

    While this waits, a merge or a move may give it to somebody else. Then the locks go back before it begins anew: to
    hold one guest and wait for another out of order is half of a deadlock.

    Args:
        owners: reads the ids; asked before and again under the locks. What it raises passes through.

    Raises CustomerNotFound.
    """
    wanted = owners()
    while True:
        attempt = transaction.savepoint()
        locked = {pk: lock_customer(customer_id=pk, deleted_too=True) for pk in sorted(wanted)}
        found = owners()
        if found == wanted:
            transaction.savepoint_commit(attempt)
            return locked
        transaction.savepoint_rollback(attempt)
        wanted = found


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


def close_number_gap(customer_id: UUID, number: int) -> None:
    """Let the visits after ``number`` move up by one. The caller holds the lock.

    In two steps through numbers nobody uses: the database checks uniqueness row by row.
    """
    later = Visit.objects.filter(customer_id=customer_id, visit_number__gt=number)
    later.update(visit_number=F("visit_number") + FAR)
    Visit.objects.filter(customer_id=customer_id, visit_number__gt=FAR).update(
        visit_number=F("visit_number") - FAR - 1
    )
