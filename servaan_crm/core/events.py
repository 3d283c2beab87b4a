"""Domain events: rows written with the change they tell of, handed over after commit.

The broker only rings the bell. With the broker gone, the periodic sweep still delivers.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from servaan_crm.core.db import nobody
from servaan_crm.core.models import Event as EventRow
from servaan_crm.core.tasks import dispatch_events, enqueue

log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any]], None]

MAX_ATTEMPTS = 12
KEEP_DAYS = 30
# Events of one claim and commit; fewer when their handlers take longer than this together.
BATCH, BATCH_SECONDS = 50, 0.2
# A batch holds the guests of all its events, in no order that anybody else keeps. It gives up waiting long before
# PostgreSQL looks for deadlocks (after a second), so that it is never a till that has to.
BATCH_PATIENCE = 0.2
_OUTCOME = ("handled", "attempts", "last_error", "dispatched_at", "failed_at", "next_attempt_at")
_subscribers: dict[str, dict[str, Handler]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events: plain values that survive JSON. ``name`` is "subject.happened"."""

    name: ClassVar[str]


def subscribe(name: str) -> Callable[[Handler], Handler]:
    """Register a handler for events called ``name``; it gets the payload with ``event_id`` and ``event_at`` added.

    A handler runs in a worker inside the café, in a savepoint of its own, once per event: its
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
    """Take up to ``limit`` due events in small batches; returns how many all handlers finished with.

    A batch is one claim and one commit, and lasts at most about ``BATCH_SECONDS``: what its handlers lock is not kept
    from a till for longer. Several dispatchers may run at once: a locked row is somebody else's work. A batch that the
    database refuses as a whole (a deadlock, a reference that is missing at commit) is done again event by event, so
    that one bad event holds nobody up.
    """
    finished = taken = alone = 0
    while taken < limit:
        size = 1 if alone else min(BATCH, limit - taken)
        try:
            took, done = _dispatch_batch(size, careful=alone > 0)
        except (IntegrityError, OperationalError):
            if alone or not connection.is_usable():
                raise
            log.warning("a batch of events was refused, its events are tried one by one", exc_info=True)
            alone = size
            continue
        if not took:
            break
        taken, finished, alone = taken + took, finished + done, max(0, alone - took)
    return finished


def _dispatch_batch(size: int, *, careful: bool) -> tuple[int, int]:
    """Hand over up to ``size`` events in one transaction; returns how many were taken, and how many are finished."""
    taken: list[EventRow] = []
    finished = 0
    with transaction.atomic(), _patience(None if careful else BATCH_PATIENCE):
        rows = (
            EventRow.objects.select_for_update(skip_locked=True)
            .filter(dispatched_at=None, failed_at=None, next_attempt_at__lte=timezone.now())
            .order_by("id")[:size]
        )
        until = time.monotonic() + BATCH_SECONDS
        for row in rows:
            finished += _deliver(row, careful=careful)
            taken.append(row)
            if time.monotonic() > until:
                break  # the rest is claimed again after this commit
        EventRow.objects.bulk_update(taken, _OUTCOME)
        connection.check_constraints()  # what commit would ask for and wait for, while the patience lasts
    return len(taken), finished


@contextmanager
def _patience(seconds: float | None) -> Iterator[None]:
    """Wait no longer than so many seconds for any lock; None: as long as it takes."""
    if seconds is None:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])
        yield
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _deliver(row: EventRow, *, careful: bool) -> bool:
    errors: list[str] = []
    for key, handler in _subscribers.get(row.name, {}).items():
        if key in row.handled:
            continue
        try:
            _call(handler, row, careful=careful)
        except Exception as error:
            if isinstance(error, OperationalError) and not careful:
                raise  # a deadlock: the locks of the events before are part of it
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
    return not errors


def _call(handler: Handler, row: EventRow, *, careful: bool) -> None:
    with transaction.atomic():
        nobody()  # who acted for the event before has nothing to do with this one
        handler({**row.payload, "event_id": row.pk, "event_at": row.created_at})
        if careful:
            connection.check_constraints()


def purge() -> int:
    """Delete events delivered more than ``KEEP_DAYS`` days ago; failed ones stay for a person to see.

    Returns how many were deleted.
    """
    before = timezone.now() - timedelta(days=KEEP_DAYS)
    return EventRow.objects.filter(dispatched_at__lt=before).delete()[0]
