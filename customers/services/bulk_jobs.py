"""Large changes of many guests: a job in the database, done by a worker one batch after the other.

The guests are written down when the change is confirmed, so what is done is what was confirmed, however the list
changes meanwhile. Each batch is one transaction with the job's counters: a worker that dies leaves whole batches, and
another one goes on behind them; none is done twice. Whoever asked must still be allowed to, at every batch.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from customers.errors import BulkOperationNotFound, BulkSetChanged, BulkUndoImpossible
from customers.models import BulkBatch, BulkOperation, Customer
from customers.services.bulk import (
    Portion,
    claim_id,
    collect_again,
    collect_batch,
    effect_of,
    fingerprint,
    first_outcome,
    hand_over,
    ids_of,
    new_operation,
    run_bulk,
    tell,
)
from servaan_crm.accounts.permissions import can, require_permission_feature
from servaan_crm.core.actors import Actor, system
from servaan_crm.core.db import write
from servaan_crm.core.errors import DomainError
from servaan_crm.tenancy.current import get_cafe

log = logging.getLogger(__name__)
S = BulkOperation.Status

# As many guests are changed within the request; more become a job.
AT_ONCE = 500
# Guests of one batch: a till waits for a locked guest no longer than one of them takes.
BATCH = 1_000
# Seconds without a heartbeat after which another worker takes the job over.
STALE_SECONDS = 60

_WRITE_DOWN = """
INSERT INTO customers_bulkbatch
       (operation_id, number, ids, state, changed, changed_ids, before_status, before_reason)
SELECT %s, (t.place - 1) / %s, array_agg(t.id ORDER BY t.id), 0, 0, '{{}}', '{{}}', '{{}}'
  FROM (SELECT m.id, row_number() OVER (ORDER BY m.id) AS place FROM ({ids}) AS m) AS t
 GROUP BY 2
"""
_WRITTEN = "(SELECT unnest(ids) AS id FROM customers_bulkbatch WHERE operation_id = %s)"


class Superseded(Exception):
    """Another worker took the job over; this one stops without a trace."""


class Cancelled(Exception):
    """Somebody cancelled the job."""


class Disallowed(Exception):
    """Whoever asked for the change may not do it any more."""


def start_bulk(
    *,
    actor: Actor,
    action: str,
    params: Mapping[str, Any],
    matches: QuerySet[Customer],
    query: str = "",
    expected: str = "",
    bulk_id: UUID | None = None,
) -> BulkOperation:
    """Do ``action`` to every guest of ``matches``: at once when they are few, else in the background.

    The arguments and refusals are those of :func:`customers.services.bulk.run_bulk`; ``is_job`` of the answer says
    which way it went. A job acts for a person, whose right is asked for again; what nobody asked for is done at once.
    """
    few = actor.user_id is None or matches.order_by()[: AT_ONCE + 1].count() <= AT_ONCE
    if few and not _is_known_job(bulk_id):
        return run_bulk(
            actor=actor, action=action, params=params, matches=matches, query=query, expected=expected, bulk_id=bulk_id
        )  # fmt: skip
    cleaned = effect_of(action).clean(params)
    operation = new_operation(actor, action, cleaned, query, bulk_id)
    with write(actor):
        if not claim_id(operation):
            return first_outcome(operation)
        _write_down(operation, matches)
        found = fingerprint(_WRITTEN, [operation.pk])
        if expected and str(found) != expected:
            raise BulkSetChanged(details={"matched": found.count, "confirmation": str(found)})
        operation.matched = operation.goal = found.count
        operation.is_job, operation.status, operation.acts_for_id = True, S.PENDING, actor.user_id
        operation.save()
        hand_over(operation.pk)
    return operation


def cancel_bulk(*, actor: Actor, bulk_id: UUID) -> BulkOperation:
    """Stop a job before its next batch; what was changed before stays, and can be undone. Twice changes nothing.

    Raises:
        BulkOperationNotFound
        BulkUndoImpossible: it is over, or is being taken back.
    """
    with write(actor):
        operation = BulkOperation.objects.select_for_update(of=("self",)).filter(pk=bulk_id).first()
        if operation is None:
            raise BulkOperationNotFound(details={"bulk_id": str(bulk_id)})
        if operation.status == S.CANCELLED:
            return operation
        if operation.status not in (S.PENDING, S.RUNNING):
            raise BulkUndoImpossible(
                _("This operation is over: nothing is left to cancel."), details={"status": operation.status}
            )
        operation.cancel_requested = True
        if operation.claim is None:  # no worker has it in hand, so nobody else will end it
            operation.status, operation.finished_at = S.CANCELLED, timezone.now()
            tell(operation, operation.action, operation.changed)
        operation.save()
    return operation


def run_job(bulk_id: UUID) -> str:
    """Work on the job until it is done; returns its status, "" when it is not ours to work on.

    Whatever kills this process leaves the job behind its last whole batch; :func:`resume_abandoned` finds it again.
    """
    claim = _take(bulk_id)
    if claim is None:
        return ""
    try:
        while claim.one_batch():
            pass
    except Superseded:
        return ""
    except Cancelled:
        claim.end(S.CANCELLED)
    except Disallowed:
        claim.end(
            S.FAILED,
            _said(gettext_noop("You are no longer allowed to do this. What was changed before stays.")),
        )
    except (ValidationError, IntegrityError):
        log.exception("bulk change %s cannot go on", bulk_id)
        claim.end(
            S.FAILED,
            _said(gettext_noop("What this change needs is no longer there. What was changed before stays.")),
        )
    except (OperationalError, InterfaceError):
        log.exception(
            "bulk change %s: the database went away or chose another's work, it will be resumed", bulk_id
        )
        with suppress(DatabaseError):
            claim.release()
        raise
    except Exception:
        log.exception("bulk change %s failed", bulk_id)
        claim.end(
            S.FAILED, _said(gettext_noop("Something went wrong on our side. What was changed before stays."))
        )
    return str(BulkOperation.objects.values_list("status", flat=True).get(pk=bulk_id))


def resume_abandoned() -> int:
    """Hand jobs without a living worker to one; returns how many. Called by the sweep."""
    now = timezone.now()
    silent = Q(heartbeat_at__lt=now - timedelta(seconds=STALE_SECONDS))
    # A job of this moment has a message under way; the sweep is for messages that got lost.
    waiting = Q(claim=None, updated_at__lt=now - timedelta(seconds=10))
    jobs = list(
        BulkOperation.objects.filter(silent | waiting, status__in=BulkOperation.ACTIVE)
        .order_by("created_at")
        .values_list("pk", flat=True)
    )
    for bulk_id in jobs:
        hand_over(bulk_id)
    return len(jobs)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one worker to work on a job, as long as nobody took it over."""

    bulk_id: UUID
    token: UUID
    actor: Actor

    @contextmanager
    def step(self) -> Iterator[BulkOperation]:
        """Open one transaction of the job; its row is locked, so that two workers cannot do a batch twice.

        Raises Superseded, Cancelled, Disallowed.
        """
        with write(self.actor):
            rows = BulkOperation.objects.select_for_update(of=("self",)).select_related("acts_for")
            operation = rows.filter(pk=self.bulk_id).first()
            if operation is None or operation.claim != self.token or not operation.is_active:
                raise Superseded
            if operation.cancel_requested:
                raise Cancelled
            _must_be_allowed(operation)
            yield operation
            operation.heartbeat_at = timezone.now()
            operation.save()

    def one_batch(self) -> bool:
        """Do, or take back, the next batch; False when there is none and the job is complete."""
        with self.step() as operation:
            undoing = operation.status == S.UNDOING
            state = BulkBatch.State.DONE if undoing else BulkBatch.State.WAITING
            waiting = BulkBatch.objects.filter(operation=operation, state=state).order_by("number")
            batch = waiting.only("id", "state", "changed").annotate(size=F("ids__len")).first()
            if batch is None:
                _complete(operation, undoing=undoing)
                return False
            (_take_back if undoing else _do)(operation, batch, self.actor)
            operation.processed += batch.size  # type: ignore[attr-defined]
        return True

    def end(self, status: str, error: str = "") -> None:
        """End the job with ``status``, unless it is no longer ours to end."""
        with write(self.actor):
            operation = (
                BulkOperation.objects.select_for_update().filter(pk=self.bulk_id, claim=self.token).first()
            )
            if operation is None or not operation.is_active:
                return
            if operation.status == S.UNDOING:
                tell(operation, f"undo_{operation.action}", operation.undone)
            else:
                tell(operation, operation.action, operation.changed)
            operation.status, operation.error, operation.claim = status, error, None
            operation.finished_at = timezone.now()
            operation.save()

    def release(self) -> None:
        """Give the job back; the sweep hands it to another worker."""
        BulkOperation.objects.filter(pk=self.bulk_id, claim=self.token).update(claim=None)


def _is_known_job(bulk_id: UUID | None) -> bool:
    return bulk_id is not None and BulkOperation.objects.filter(pk=bulk_id, is_job=True).exists()


def _write_down(operation: BulkOperation, matches: QuerySet[Customer]) -> None:
    ids, params = ids_of(matches)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_DOWN.format(ids=ids), [operation.pk, BATCH, *params])


def _take(bulk_id: UUID) -> Claim | None:
    """Claim the job for this worker; None when it is done, or in the hands of a worker that lives."""
    token, now = uuid4(), timezone.now()
    free = Q(claim=None) | Q(heartbeat_at__lt=now - timedelta(seconds=STALE_SECONDS))
    taken = BulkOperation.objects.filter(
        free, pk=bulk_id, is_job=True, status__in=BulkOperation.ACTIVE
    ).update(claim=token, heartbeat_at=now, started_at=Coalesce(F("started_at"), now))
    if not taken:
        return None
    BulkOperation.objects.filter(pk=bulk_id, claim=token, status=S.PENDING).update(status=S.RUNNING)
    operation = BulkOperation.objects.select_related("acts_for").get(pk=bulk_id)
    person = operation.acts_for
    return Claim(bulk_id, token, person.actor if person else system("bulk change"))


def _must_be_allowed(operation: BulkOperation) -> None:
    permission = effect_of(operation.action).permission
    if operation.acts_for is None or not can(operation.acts_for, permission):
        raise Disallowed
    try:
        require_permission_feature(permission)
    except DomainError:
        raise Disallowed from None


def _do(operation: BulkOperation, batch: BulkBatch, actor: Actor) -> None:
    portion = Portion(operation, collect_batch(batch.pk), batch.pk)
    skipped: Counter[str] = Counter({entry["reason"]: entry["count"] for entry in operation.skipped})
    for entry in effect_of(operation.action).apply(portion, actor):
        skipped[entry.reason] += entry.count
    skipped["not_found"] += batch.size - portion.matched  # type: ignore[attr-defined]
    operation.skipped = [{"reason": reason, "count": count} for reason, count in skipped.items() if count]
    operation.changed += portion.changed
    BulkBatch.objects.filter(pk=batch.pk).update(state=BulkBatch.State.DONE)


def _take_back(operation: BulkOperation, batch: BulkBatch, actor: Actor) -> None:
    if batch.changed:
        collect_again("customers_bulkbatch", batch.pk)
        operation.undone += effect_of(operation.action).undo(operation, actor)
    BulkBatch.objects.filter(pk=batch.pk).update(state=BulkBatch.State.UNDONE)


def _complete(operation: BulkOperation, *, undoing: bool) -> None:
    now = timezone.now()
    if undoing:
        operation.undone_at = now
        tell(operation, f"undo_{operation.action}", operation.undone)
    else:
        tell(operation, operation.action, operation.changed)
    operation.status, operation.claim, operation.finished_at = S.COMPLETED, None, now


def _said(words: str) -> str:
    with translation.override(get_cafe().language):
        return _(words)
