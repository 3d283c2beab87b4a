"""Changing messages, and telling the other rooms whom a message reached or did not reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import connection, transaction

from servaan_crm.core.events import Event, is_heard, publish
from servaan_crm.messaging.services.conflicts import once_more

MOST_GUESTS = 500

_RETURNING = "\nRETURNING m.state, m.customer_id, m.kind, m.group_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesDelivered(Event):
    """Messages of one kind (and group) reached these guests, at most 500."""

    name: ClassVar[str] = "message.delivered"
    customer_ids: list[str]
    kind: str
    group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesFailed(Event):
    """Messages of one kind (and group) will not reach these guests, at most 500."""

    name: ClassVar[str] = "message.failed"
    customer_ids: list[str]
    kind: str
    group_id: str | None = None


_EVENT_OF: dict[str, type[MessagesDelivered] | type[MessagesFailed]] = {
    "delivered": MessagesDelivered,
    "failed": MessagesFailed,
    "undelivered": MessagesFailed,
    "blocked": MessagesFailed,
}


def change_and_tell(sql: str, params: Sequence[Any]) -> int:
    """Run an UPDATE of ``messaging_message AS m``; returns how many rows changed.

    Where somebody listens, the end of messages to known guests is published in the same transaction: one event per
    batch, state, kind and group. Where nobody does, it costs nothing. What a conflict in the database broke off is
    done once more: an answer of a provider that is not written down is lost.
    """
    return once_more(lambda: _change(sql, params))


def _change(sql: str, params: Sequence[Any]) -> int:
    if not (is_heard(MessagesDelivered.name) or is_heard(MessagesFailed.name)):
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return int(cursor.rowcount)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql + _RETURNING, params)
        rows = cursor.fetchall()
        events = _events(rows)
        if events:
            publish(*events)
    return len(rows)


def _events(rows: Sequence[tuple[Any, ...]]) -> list[Event]:
    told: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for state, customer_id, kind, group_id in rows:
        event = _EVENT_OF.get(state)
        if customer_id is not None and event is not None and is_heard(event.name):
            told[event, kind, group_id].append(str(customer_id))
    events: list[Event] = []
    for (event, kind, group_id), guests in told.items():
        for start in range(0, len(guests), MOST_GUESTS):
            part = guests[start : start + MOST_GUESTS]
            group = None if group_id is None else str(group_id)
            events.append(event(customer_ids=part, kind=kind, group_id=group))
    return events
