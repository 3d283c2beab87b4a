"""Set-based work on many guests: found once, then done a few thousand at a time, each batch in its own transaction.

Nothing is remembered between batches. What is due is read again under the locks, so a round may be killed at any
point, repeated, and run by two workers at once: whoever comes second finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from servaan_crm.core import events
from servaan_crm.core.actors import system
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.tasks import dispatch_events, enqueue

BATCH = 5000
MOST_PER_EVENT = 500
# The rows that ``lock_customer`` takes for one guest, in the order in which everybody takes several.
_LOCK = "SELECT 1 FROM customers_customer WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


def run(name: str, *, find: str, apply: str, params: dict[str, Any], tells: type[events.Event]) -> int:
    """Do the work on every guest found; returns the sum of what ``apply`` says it did.

    Args:
        find: a query of guests' ids in ascending order.
        apply: one statement for the guests ``%(ids)s``, whose rows are locked; returns one number. It also knows
            ``%(now)s``, ``%(id_head)s`` (see :func:`new_id`) and ``%(told)s`` (see :func:`insert_events`).
        tells: the event it writes.
    """
    done = 0
    for ids in _batches(find, params):
        now = timezone.now()
        told = None if events.is_heard(tells.name) else now
        values = {**params, "ids": ids, "now": now, "told": told, "id_head": _id_head(now)}
        done += _apply(name, apply, values)
    return done


def _batches(find: str, params: dict[str, Any]) -> Iterator[list[UUID]]:
    # Outside a transaction the cursor is held by the server across the commits of the batches.
    with connection.chunked_cursor() as cursor:
        cursor.execute(find, params)
        while rows := cursor.fetchmany(BATCH):
            yield [row[0] for row in rows]


@survives_deadlock
def _apply(name: str, apply: str, values: dict[str, Any]) -> int:
    with write(system(name)), connection.cursor() as cursor:
        cursor.execute(_LOCK, [values["ids"]])
        cursor.execute(apply, values)
        (count,) = cursor.fetchone()
        if count and values["told"] is None:
            enqueue(dispatch_events)
        return int(count)


def insert_events(event: type[events.Event], payload: str, source: str) -> str:
    """Return the statement that writes one event for each row of ``source`` (a FROM clause with what follows).

    ``payload``: SQL of the JSON object. Events nobody listens to are born delivered: at a month's end there may be
    as many as guests, and the dispatcher would hand them to nobody one by one while visits wait behind them.
    """
    return (
        "INSERT INTO core_event (name, payload, created_at, dispatched_at, handled, attempts, next_attempt_at,"
        f" last_error) SELECT '{event.name}', {payload}, %(now)s, %(told)s::timestamptz, '{{}}', 0, %(now)s, ''"
        f" FROM {source}"
    )


def insert_batches(event: type[events.Event], source: str) -> str:
    """Return the statement that writes one event for each 500 guests of ``source``, with their ``customer_ids``."""
    return (
        "INSERT INTO core_event (name, payload, created_at, handled, attempts, next_attempt_at, last_error)"
        f" SELECT '{event.name}', jsonb_build_object('customer_ids', jsonb_agg(customer_id)), %(now)s, '{{}}', 0,"
        f" %(now)s, '' FROM (SELECT customer_id, (row_number() OVER (ORDER BY customer_id) - 1) / {MOST_PER_EVENT}"
        f" AS part FROM {source}) AS parts GROUP BY part"
    )


def new_id() -> str:
    """Return the SQL of a new time-ordered key (UUID version 7), on every PostgreSQL from 15 on."""
    return "overlay(gen_random_uuid()::text PLACING %(id_head)s FROM 1 FOR 15)::uuid"


def _id_head(now: datetime) -> str:
    stamp = f"{int(now.timestamp() * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7"
