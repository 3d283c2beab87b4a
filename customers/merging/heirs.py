"""Numbers of guests that are part of another guest now."""

from __future__ import annotations

from uuid import UUID

from customers.models import Customer

# A shorter beginning of a number says nothing about one guest.
_WHOLE = 11


def heir_of(phone: str) -> UUID | None:
    """Return the guest who is found by the number ``phone`` (E.164) of a record merged into it, if any.

    A guest who has the number today comes first; the caller has looked for one.
    """
    rows = Customer.objects.filter(phone=phone, merged_into__deleted_at=None).exclude(merged_into=None)
    return rows.order_by("-deleted_at").values_list("merged_into_id", flat=True).first()


def heirs_of_prefix(prefix: str) -> list[UUID]:
    """Return the guests found by numbers of merged records that begin with ``prefix`` (E.164), nearly whole."""
    if len(prefix) < _WHOLE:
        return []
    rows = Customer.objects.filter(phone__startswith=prefix, merged_into__deleted_at=None)
    return list(rows.exclude(merged_into=None).values_list("merged_into_id", flat=True)[:20])
