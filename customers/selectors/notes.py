"""Reading what staff noted about a guest."""

from uuid import UUID

from django.db.models import QuerySet

from customers.models import CustomerNote

SHOWN_FIRST = 3


def list_notes(customer_id: UUID) -> QuerySet[CustomerNote]:
    """Return the notes of the guest, pinned ones first, then newest first."""
    rows = CustomerNote.objects.filter(customer_id=customer_id).select_related("author")
    return rows.order_by("-is_pinned", "-created_at", "-pk")


def newest_notes(customer_id: UUID) -> tuple[list[CustomerNote], list[CustomerNote]]:
    """Return the pinned notes (at most five) and the newest of the others (at most three); two queries."""
    others = list_notes(customer_id).filter(is_pinned=False)
    return pinned_notes(customer_id), list(others[:SHOWN_FIRST])


def pinned_notes(customer_id: UUID) -> list[CustomerNote]:
    """Return the pinned notes of the guest, newest first, at most five: what the counter must see."""
    return list(list_notes(customer_id).filter(is_pinned=True)[:5])
