"""Reading changes of many guests: one of them, how far it is, and which are under way."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from customers.errors import BulkOperationNotFound
from customers.models import BulkOperation

# The lists of guests can be long, and nobody looks at them.
HEAVY = ("changed_ids", "before_status", "before_reason")


@dataclass(frozen=True, slots=True)
class Progress:
    """Guests done of all, ``rate`` in guests per second, ``remaining`` in seconds; None while that is unknown."""

    done: int
    total: int
    percent: int
    rate: int = 0
    remaining: int | None = None


def find_operation(bulk_id: UUID) -> BulkOperation:
    """Return an operation without its list of guests. Raises BulkOperationNotFound."""
    found = _light().filter(pk=bulk_id).first()
    if found is None:
        raise BulkOperationNotFound(details={"bulk_id": str(bulk_id)})
    return found


def running_operations() -> list[BulkOperation]:
    """Return the large changes that wait or run, the oldest first."""
    return list(_light().filter(status__in=BulkOperation.ACTIVE).order_by("created_at")[:5])


def progress_of(operation: BulkOperation) -> Progress:
    """Return how far an operation is, as of its last batch."""
    total = operation.goal if operation.is_job else operation.matched
    if not operation.is_active:
        done = operation.processed if operation.is_job else total
        return Progress(done, total, 100 * done // total if total else 100)
    done = min(operation.processed, total)
    percent = 100 * done // total if total else 0
    if operation.started_at is None:
        return Progress(done, total, percent)
    seconds = ((operation.heartbeat_at or timezone.now()) - operation.started_at).total_seconds()
    rate = int(done / seconds) if seconds > 0.5 else 0
    return Progress(done, total, percent, rate, (total - done) // rate + 1 if rate else None)


def _light() -> QuerySet[BulkOperation]:
    return BulkOperation.objects.defer(*HEAVY)
