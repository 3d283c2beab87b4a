"""One change for many guests: a filtered list or chosen rows, by set-based SQL.

A small set is changed in one transaction, here; a large one becomes a job (:mod:`customers.services.bulk_jobs`) that
does the same with one part of the set after the other.

The guests are found and locked first, in the order of their ids, so that two such changes never wait for each other
in a circle. What was confirmed is named by a fingerprint of the set; another set is refused, nothing is guessed.
Rooms above add actions of their own with :func:`register_effect`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from customers.errors import BulkOperationNotFound, BulkSetChanged, BulkUndoImpossible
from customers.events import CustomersBulkChanged
from customers.models import BulkBatch, BulkOperation, Customer
from servaan_crm.accounts.permissions import P
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import survives_deadlock, write
from servaan_crm.core.errors import IdempotencyKeyReused
from servaan_crm.core.events import publish
from servaan_crm.core.ids import uuid7
from servaan_crm.core.tasks import enqueue

# The table of the guests in hand: id, and what a change of the status overwrites.
TARGETS = "pg_temp.bulk_target"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How many guests a set has, and a sum over their ids that another set does not have."""

    count: int
    checksum: str

    def __str__(self) -> str:
        return f"{self.count}:{self.checksum}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """How many guests are left out for a reason; ``reason`` is a code."""

    reason: str
    count: int


@dataclass(slots=True)
class Portion:
    """The guests in ``TARGETS``: all of an operation, or one batch of it. ``changed`` is for the effect to fill."""

    operation: BulkOperation
    matched: int
    batch_id: int | None = None
    changed: int = 0

    @property
    def pk(self) -> UUID:
        """The id of the operation."""
        return self.operation.pk

    @property
    def params(self) -> dict[str, Any]:
        """The cleaned parameters of the operation."""
        return self.operation.params  # type: ignore[no-any-return]


class Effect(Protocol):
    """What an action does to the guests in ``TARGETS``."""

    action: ClassVar[str]
    label: ClassVar[str | Promise]
    permission: ClassVar[P]
    can_undo: ClassVar[bool]

    def clean(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters in the form that is stored. Raises ValidationError naming each wrong one."""

    def preview(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> list[Skipped]:
        """Return who of ``matches`` would be left out, without changing anything."""

    def weigh(self, matches: QuerySet[Customer], params: Mapping[str, Any]) -> Any:
        """Return what the confirmation shows while the parameters are typed; None when there is nothing."""

    def apply(self, portion: Portion, actor: Actor) -> list[Skipped]:
        """Change the guests in ``TARGETS``, remember whom it reached, return who was left out."""

    def undo(self, operation: BulkOperation, actor: Actor) -> int:
        """Take it back where nobody changed it since; returns for how many guests."""


_effects: dict[str, Effect] = {}


def register_effect(effect: Effect) -> Effect:
    """Make ``effect`` available as an action; registering it again changes nothing."""
    _effects[effect.action] = effect
    return effect


def effects() -> dict[str, Effect]:
    """Return action → effect of everything that can be done to many guests."""
    return dict(_effects)


def effect_of(action: str) -> Effect:
    """Return the effect of ``action``. Raises ValidationError that lists the actions there are."""
    if action not in _effects:
        raise ValidationError({"action": [_("Choose one of: %(values)s.") % {"values": ", ".join(_effects)}]})
    return _effects[action]


def may_undo(operation: BulkOperation) -> bool:
    """Whether an operation can still be taken back."""
    known = _effects.get(operation.action)
    return bool(known and known.can_undo and operation.undone_at is None and not operation.is_active)


def fingerprint_of(matches: QuerySet[Customer]) -> Fingerprint:
    """Return the fingerprint of a set of guests; one query."""
    sql, params = ids_of(matches)
    return fingerprint(f"({sql})", params)


def preview_bulk(
    *, action: str, params: Mapping[str, Any], matches: QuerySet[Customer]
) -> tuple[Fingerprint, list[Skipped]]:
    """Return the set ``matches`` is now and who of it would be left out; changes nothing.

    Raises ValidationError for wrong parameters.
    """
    effect = effect_of(action)
    cleaned = effect.clean(params)
    return fingerprint_of(matches), effect.preview(matches, cleaned)


@survives_deadlock
def run_bulk(
    *,
    actor: Actor,
    action: str,
    params: Mapping[str, Any],
    matches: QuerySet[Customer],
    query: str = "",
    expected: str = "",
    bulk_id: UUID | None = None,
) -> BulkOperation:
    """Do ``action`` to every guest of ``matches`` at once, in one transaction, and return what happened.

    Args:
        query: the filters in words of the address, kept for the record.
        expected: the fingerprint that was confirmed; "" takes the set as it is.
        bulk_id: names this operation; the same one twice is done once, the first outcome is returned.

    Raises:
        ValidationError: an unknown action, or wrong parameters.
        BulkSetChanged: ``matches`` is no longer what was confirmed.
        IdempotencyKeyReused: ``bulk_id`` named another operation before.
    """
    effect = effect_of(action)
    cleaned = effect.clean(params)
    operation = new_operation(actor, action, cleaned, query, bulk_id)
    with write(actor):
        if not claim_id(operation):
            return first_outcome(operation)
        collect(matches)
        found = fingerprint(TARGETS, [])
        if expected and str(found) != expected:
            raise BulkSetChanged(details={"matched": found.count, "confirmation": str(found)})
        operation.matched = operation.processed = found.count
        portion = Portion(operation, found.count)
        skipped = [entry for entry in effect.apply(portion, actor) if entry.count]
        operation.changed = portion.changed
        operation.skipped = [{"reason": entry.reason, "count": entry.count} for entry in skipped]
        operation.save(update_fields=["matched", "processed", "changed", "skipped", "updated_at"])
        tell(operation, action, operation.changed)
    return operation


@survives_deadlock
def undo_bulk(*, actor: Actor, bulk_id: UUID) -> BulkOperation:
    """Take an operation back for the guests nobody changed since in the same respect; once.

    A large one is taken back by a worker: the answer then is "undoing".

    Raises:
        BulkOperationNotFound: there is no such operation.
        BulkUndoImpossible: it runs, was taken back already, or this kind cannot be taken back.
    """
    with write(actor):
        operation = BulkOperation.objects.select_for_update().defer("changed_ids").filter(pk=bulk_id).first()
        if operation is None:
            raise BulkOperationNotFound(details={"bulk_id": str(bulk_id)})
        effect = effect_of(operation.action)
        if operation.undone_at is not None or operation.is_active or not effect.can_undo:
            raise BulkUndoImpossible(details={"bulk_id": str(bulk_id), "status": operation.status})
        if operation.is_job:
            begin_undo(operation, actor)
            return operation
        collect_again("customers_bulkoperation", operation.pk)
        operation.undone = effect.undo(operation, actor)
        operation.undone_at = timezone.now()
        operation.save(update_fields=["undone", "undone_at", "updated_at"])
        tell(operation, f"undo_{operation.action}", operation.undone)
    return operation


def begin_undo(operation: BulkOperation, actor: Actor) -> None:
    """Hand a large operation, locked by the caller, to a worker that takes it back in the name of ``actor``."""
    done = BulkBatch.objects.filter(operation=operation, state=BulkBatch.State.DONE)
    operation.goal = done.aggregate(guests=Sum("ids__len"))["guests"] or 0
    operation.status, operation.processed, operation.acts_for_id = (
        BulkOperation.Status.UNDOING,
        0,
        actor.user_id,
    )
    operation.claim = operation.started_at = operation.heartbeat_at = operation.finished_at = None
    operation.cancel_requested, operation.error = False, ""
    operation.save()
    hand_over(operation.pk)


def hand_over(bulk_id: UUID) -> None:
    """Ring for a worker to go on with a large operation, after commit."""
    from customers.tasks import run_bulk_task  # tasks adapt services, so they import us

    enqueue(run_bulk_task, str(bulk_id))


def tell(operation: BulkOperation, action: str, changed: int) -> None:
    """Publish that ``changed`` guests were changed by ``action``; nothing is told of nobody."""
    if changed:
        publish(CustomersBulkChanged(bulk_id=str(operation.pk), action=action, changed=changed))


def new_operation(
    actor: Actor, action: str, cleaned: dict[str, Any], query: str, bulk_id: UUID | None
) -> BulkOperation:
    """Return an operation that is not written yet."""
    return BulkOperation(
        id=bulk_id or uuid7(),
        action=action,
        params=cleaned,
        query=query[:2000],
        actor_name=actor.name,
        created_by_id=actor.user_id,
    )


def claim_id(operation: BulkOperation) -> bool:
    """Insert the operation unless it is there; a second submit waits here for the first one's commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_bulkoperation (id, created_at, updated_at, action, params, query, matched, changed,"
            " skipped, changed_ids, before_status, before_reason, actor_name, created_by_id, undone)"
            " VALUES (%s, %s, %s, %s, %s, %s, 0, 0, '[]', '{}', '{}', '{}', %s, %s, 0)"
            " ON CONFLICT (id) DO NOTHING RETURNING id",
            [
                operation.pk, operation.created_at, operation.created_at, operation.action,
                json.dumps(operation.params), operation.query, operation.actor_name, operation.created_by_id,
            ],
        )  # fmt: skip
        is_new = cursor.fetchone() is not None
    operation._state.adding = False
    return is_new


def first_outcome(again: BulkOperation) -> BulkOperation:
    """Return what the first run under this id did. Raises IdempotencyKeyReused when it was something else."""
    first = BulkOperation.objects.defer("changed_ids").get(pk=again.pk)
    same = (first.action, first.params, first.query) == (again.action, again.params, again.query)
    if not same or first.created_by_id != again.created_by_id:
        raise IdempotencyKeyReused(details={"bulk_id": str(again.pk)})
    return first


def ids_of(matches: QuerySet[Customer]) -> tuple[str, tuple[Any, ...]]:
    """Return the query of the ids of ``matches``, and its parameters."""
    try:
        return matches.order_by().values("id").query.sql_with_params()
    except EmptyResultSet:  # Django knows without asking that nobody matches
        return "SELECT NULL::uuid AS id WHERE false", ()


def fingerprint(source: str, params: Any) -> Fingerprint:
    """Return the fingerprint of the column ``id`` of ``source``, a table or a query in brackets."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), COALESCE(sum(uuid_hash_extended(t.id, 0)), 0)::text FROM {source} AS t",
            params,
        )
        count, checksum = cursor.fetchone()
    return Fingerprint(count, checksum)


_PREPARE = (
    f"DROP TABLE IF EXISTS {TARGETS}",
    f"CREATE TEMPORARY TABLE {TARGETS.split('.')[1]}"
    " (id uuid PRIMARY KEY, status text, block_reason text, ordinal bigint) ON COMMIT DROP",
)


def collect(matches: QuerySet[Customer]) -> None:
    """Lock the guests of ``matches`` and put them into ``TARGETS``."""
    sql, params = ids_of(matches)
    _fill(
        "SELECT c.id, c.status, c.block_reason, 0 FROM customers_customer AS c"
        f" WHERE c.deleted_at IS NULL AND c.id IN ({sql}) ORDER BY c.id FOR NO KEY UPDATE OF c",
        params,
    )


def collect_batch(batch_id: int) -> int:
    """Lock the guests of a batch who are still in the book, put them into ``TARGETS`` and return how many they are."""
    return _fill(
        "SELECT c.id, c.status, c.block_reason, 0 FROM customers_customer AS c"
        " WHERE c.deleted_at IS NULL AND c.id IN (SELECT unnest(b.ids) FROM customers_bulkbatch AS b WHERE b.id = %s)"
        " ORDER BY c.id FOR NO KEY UPDATE OF c",
        [batch_id],
    )


def collect_again(memory: str, memory_id: Any) -> None:
    """Lock the guests a row of the table ``memory`` remembers; status and reason are those from before."""
    _fill(
        "SELECT c.id, t.status, t.reason, t.ordinal"
        f" FROM customers_customer AS c JOIN (SELECT u.* FROM {memory} AS o,"
        " unnest(o.changed_ids, o.before_status, o.before_reason)"
        " WITH ORDINALITY AS u(id, status, reason, ordinal) WHERE o.id = %s) AS t ON t.id = c.id"
        " WHERE c.erased_at IS NULL ORDER BY c.id FOR NO KEY UPDATE OF c",
        [memory_id],
    )


def _fill(select: str, params: Any) -> int:
    with connection.cursor() as cursor:
        for statement in _PREPARE:
            cursor.execute(statement)
        cursor.execute(f"INSERT INTO {TARGETS} {select}", params)
        found = cursor.rowcount
        cursor.execute(f"ANALYZE {TARGETS}")
    return int(found)
