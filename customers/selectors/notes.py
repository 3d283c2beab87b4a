"""Reading what staff noted about a guest."""

from uuid import UUID

from django.db.models import QuerySet

from customers.models import CustomerNote

SHOWN_FIRST = 3


def list_notes(customer_id: UUID) -> QuerySet[CustomerNote]:
    """Return the notes of the guest, pinned ones first, then newest first."""
    rows = CustomerNote.objects.filter(customer_id=customer_id).select_related("author")
    return rows.order_by("-is_pinned", "-created_at", "-pk")


def newest_notes(customer_id: UUID) -> list[CustomerNote]:
    """Return all pinned notes, or the newest ones up to three in all."""
    rows = list(list_notes(customer_id)[:10])
    pinned = [note for note in rows if note.is_pinned]
    return rows[: max(len(pinned), SHOWN_FIRST)]


def pinned_notes(customer_id: UUID) -> list[CustomerNote]:
    """Return the pinned notes of the guest, newest first, at most five: what the counter must see."""
    return list(list_notes(customer_id).filter(is_pinned=True)[:5])
