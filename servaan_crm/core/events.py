"""Domain events: rows written with the change they tell of, handed over after commit.

The broker only rings the bell. With the broker gone, the periodic sweep still delivers.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from servaan_crm.core.models import Event as EventRow
from servaan_crm.core.tasks import dispatch_events, enqueue

log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any]], None]

MAX_ATTEMPTS = 12
KEEP_DAYS = 30
_subscribers: dict[str, dict[str, Handler]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events: plain values that survive JSON. ``name`` is "subject.happened"."""

    name: ClassVar[str]


def subscribe(name: str) -> Callable[[Handler], Handler]:
    """Register a handler for events called ``name``; it gets the payload with ``event_id`` added.

    A handler runs in a worker inside the café, in a transaction of its own, once per event: its
    effects and the note that it ran commit together. It must not call other systems; it writes rows.
    """

    def register(handler: Handler) -> Handler:
        _subscribers.setdefault(name, {})[f"{handler.__module__}.{handler.__qualname__}"] = handler
        return handler

    return register


def publish(*events: Event) -> None:
    """Write the events in the current transaction and ring for the dispatcher after commit."""
    rows = [EventRow(name=event.name, payload=_as_json(event)) for event in events]
    EventRow.objects.bulk_create(rows)
    enqueue(dispatch_events)


def is_heard(name: str) -> bool:
    """Say whether anybody subscribed to events called ``name``."""
    return bool(_subscribers.get(name))


def _as_json(event: Event) -> dict[str, Any]:
    encoder = DjangoJSONEncoder()
    plain = (str, int, float, bool, type(None), list, dict)
    return {
        key: value if isinstance(value, plain) else encoder.default(value)
        for key, value in asdict(event).items()
    }


def dispatch_pending(limit: int = 500) -> int:
    """Take up to ``limit`` due events, each in its own transaction; returns how many all handlers finished with.

    Several dispatchers may run at once: a locked row is somebody else's work.
    """
    finished = 0
    for _ in range(limit):
        with transaction.atomic():
            row = (
                EventRow.objects.select_for_update(skip_locked=True)
                .filter(dispatched_at=None, failed_at=None, next_attempt_at__lte=timezone.now())
                .order_by("id")
                .first()
            )
            if row is None:
                break
            finished += _deliver(row)
    return finished


def _deliver(row: EventRow) -> bool:
    errors: list[str] = []
    for key, handler in _subscribers.get(row.name, {}).items():
        if key in row.handled:
            continue
        try:
            with transaction.atomic():
                handler({**row.payload, "event_id": row.pk})
        except Exception as error:
            log.exception("event %s: %s failed", row.pk, key)
            errors.append(f"{key}: {type(error).__name__}: {error}")
        else:
            row.handled.append(key)
    row.attempts += 1
    row.last_error = "\n".join(errors)[:4000]
    now = timezone.now()
    if not errors:
        row.dispatched_at = now
    elif row.attempts >= MAX_ATTEMPTS:
        row.failed_at = now
    else:
        row.next_attempt_at = now + timedelta(seconds=min(5 * 2**row.attempts, 3600))
    row.save()
    return not errors


def purge() -> int:
    """Delete events delivered more than ``KEEP_DAYS`` days ago; failed ones stay for a person to see.

    Returns how many were deleted.
    """
    before = timezone.now() - timedelta(days=KEEP_DAYS)
    return EventRow.objects.filter(dispatched_at__lt=before).delete()[0]
