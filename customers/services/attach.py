"""Attaching something to a guest without the guest's lock: a contact, an answer, a message.

The row that is written only refers to the guest, so it need not wait for tills. But a merge moves everything of one
guest to another, and what is written beside it must not stay behind. A merge and the undo of an import take the
guest's row ``FOR UPDATE``; whoever attaches takes it ``FOR KEY SHARE`` here first, which waits for those two alone,
and goes on with the guest the record has become part of.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction

from customers.errors import CustomerNotFound

_HOLD = """
SELECT id, merged_into_id, deleted_at IS NULL FROM customers_customer WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE
"""
_WITH_PARTS = "SELECT id FROM customers_customer WHERE id = ANY(%(ids)s) OR merged_into_id = ANY(%(ids)s)"


def hold_guest(customer_id: UUID, *, deleted_too: bool = False) -> UUID:
    """Return the id of the guest to attach to, held against merging until the transaction ends.

    A record that was merged leads to the guest it is part of.

    Args:
        deleted_too: also for a guest who was deleted.

    Raises CustomerNotFound.
    """
    held, alive = _follow({customer_id}).get(customer_id, (None, False))
    if held is None or not (alive or deleted_too):
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    return held


def hold_guests(customer_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Like :func:`hold_guest` for many, deleted ones too: id → id to attach to. Ids nobody has stay as they are."""
    wanted = set(customer_ids)
    found = _follow(wanted)
    return {pk: found[pk][0] if pk in found else pk for pk in wanted}


def lock_for_merge(customer_ids: Iterable[UUID]) -> None:
    """Keep everybody from attaching anything to these guests until the transaction ends; take it before any other lock
    on them.

    The records merged into them earlier are locked with them, in one order: a merge makes those part of another guest,
    and to wait for one of them later would be out of order.
    """
    pair = {"ids": list(customer_ids)}
    while True:
        attempt = transaction.savepoint()
        with connection.cursor() as cursor:
            cursor.execute(f"{_WITH_PARTS} ORDER BY id FOR UPDATE", pair)
            locked = set(cursor.fetchall())
            cursor.execute(_WITH_PARTS, pair)
            found = set(cursor.fetchall())
        if found <= locked:
            transaction.savepoint_commit(attempt)
            return
        transaction.savepoint_rollback(attempt)


def _follow(wanted: set[UUID]) -> dict[UUID, tuple[UUID, bool]]:
    """Return id → (id of the guest it is by now, whether that one is not deleted), all rows held.

    All rows are held by one statement, the lower id first: whoever turns out to be part of another guest is given
    back, and held again together with that one. To hold one and wait for the other is half of a deadlock.
    """
    rows: dict[UUID, tuple[UUID | None, bool]] = {}
    asked = set(wanted)
    while asked:
        attempt = transaction.savepoint()
        with connection.cursor() as cursor:
            cursor.execute(_HOLD, [sorted(asked)])
            rows = {pk: (heir, alive) for pk, heir, alive in cursor.fetchall()}
        heirs = {heir for heir, _alive in rows.values() if heir is not None} - asked
        if not heirs:
            transaction.savepoint_commit(attempt)
            break
        transaction.savepoint_rollback(attempt)
        asked |= heirs
    found: dict[UUID, tuple[UUID, bool]] = {}
    for pk in wanted & rows.keys():
        at: UUID = pk
        while (heir := rows[at][0]) is not None and heir in rows:
            at = heir
        found[pk] = (at, rows[at][1])
    return found
