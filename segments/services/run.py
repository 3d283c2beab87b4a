"""A full calculation: all segments judged by one query, and only the difference written, in short transactions.

Two steps. First the verdicts of everybody are compared with the memberships there are, and the guests for whom they
differ are put on a list (``segments_work``). Then the list is worked off: a batch of guests is locked, whoever was
changed since the first step (by a checkout, which holds the same lock) is judged again, and the difference is written
together with its history and events. So no lock is held for long, a killed run leaves nothing half done, and a run
during checkouts ends where a run at rest would.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from segments.events import SegmentEntered, SegmentLeft
from segments.language import Compiled
from segments.language.plan import SUMMARY
from segments.language.sql import Sql, sql, value
from segments.models import Segment, SegmentChange, SegmentMembership, SegmentRun
from segments.services.plans import compile_now
from servaan_crm.core import events
from servaan_crm.core.ids import uuid7
from servaan_crm.l10n.jalali import local_date

BATCH = 20_000
# A run that has not been heard of for so long is dead, and its place is free.
DEAD_AFTER = timedelta(minutes=3)
MOST_ATTEMPTS = 5
MOST_PER_EVENT = 500


def request_run(reason: str) -> SegmentRun:
    """Ask for a calculation. One that already waits will see what changed as well, so it is enough."""
    waiting = SegmentRun.objects.filter(status=SegmentRun.Status.PENDING).first()
    if waiting is not None:
        return waiting
    try:
        with transaction.atomic():
            return SegmentRun.objects.create(reason=reason)
    except IntegrityError:
        return SegmentRun.objects.filter(status=SegmentRun.Status.PENDING).latest("created_at")


def claim_run() -> SegmentRun | None:
    """Take the waiting calculation, or a dead one; None when there is nothing to do or one is at work."""
    now = timezone.now()
    with transaction.atomic():
        dead = Q(heartbeat_at__lt=now - DEAD_AFTER)
        running = SegmentRun.objects.select_for_update(skip_locked=True).filter(
            status=SegmentRun.Status.RUNNING
        )
        run = running.filter(dead).first()
        if run is None:
            if SegmentRun.objects.filter(status=SegmentRun.Status.RUNNING).exists():
                return None
            pending = SegmentRun.objects.select_for_update(skip_locked=True)
            run = pending.filter(status=SegmentRun.Status.PENDING).order_by("created_at").first()
        if run is None:
            return None
        run.attempts += 1
        if run.attempts > MOST_ATTEMPTS:
            run.status, run.error, run.finished_at = SegmentRun.Status.FAILED, "gave up", now
            run.save()
            return None
        run.status, run.claim, run.heartbeat_at = SegmentRun.Status.RUNNING, uuid7(), now
        run.started_at, run.total, run.processed = now, 0, 0
        try:
            with transaction.atomic():
                run.save()
        except IntegrityError:
            return None  # another worker was faster
    return run


def calculate(reason: str = "on demand", *, batch: int = BATCH) -> SegmentRun | None:
    """Calculate all segments of the café now; None when a run is at work already (it, or the next, will do)."""
    request_run(reason)
    run = claim_run()
    return work_off(run, batch=batch) if run else None


def work_off(run: SegmentRun, *, batch: int = BATCH) -> SegmentRun:
    """Do a claimed run to its end. Raises whatever stops it; a later claim starts it over."""
    compiled = compile_now()
    _list_differences(run, compiled)
    after: UUID | None = _NOBODY
    while after is not None:
        after = _next_batch(run, compiled, batch, after)
    _finish(run, compiled)
    return run


def _still_ours(run: SegmentRun, **changes: Any) -> bool:
    """Note progress; False when another worker has taken the run over."""
    now = timezone.now()
    owned = SegmentRun.objects.filter(pk=run.pk, claim=run.claim, status=SegmentRun.Status.RUNNING)
    return bool(owned.update(heartbeat_at=now, updated_at=now, **changes))


def _present(compiled: Compiled, guests: Sql) -> Sql:
    """Return the memberships of the judged segments per guest; ``guests`` narrows them, or is empty."""
    return sql(
        "SELECT customer_id, array_agg(segment_id ORDER BY segment_id) AS segs FROM segments_segmentmembership"
        " WHERE segment_id = ANY({}::uuid[]){} GROUP BY customer_id",
        value(compiled.ids),
        guests,
    )


_COMPARE = """
INSERT INTO segments_work (claim, customer_id, mark, base, segs, present)
SELECT {}, v.id, v.mark, CASE WHEN v.base <> v.old_base THEN v.base ELSE '' END, v.segs,
       COALESCE(m.segs, ARRAY[]::uuid[])
  FROM ({}) v LEFT JOIN ({}) m ON m.customer_id = v.id
 WHERE v.segs <> COALESCE(m.segs, ARRAY[]::uuid[]) OR v.base <> v.old_base
"""


def _list_differences(run: SegmentRun, compiled: Compiled) -> None:
    extra = Sql(f"{SUMMARY}.xmin::text AS mark, {SUMMARY}.segment AS old_base")
    query = sql(
        _COMPARE, value(run.claim), compiled.verdicts(extra=extra), _present(compiled, Sql(""))
    )  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        # The run stays locked while its list is made, so nobody takes it over; and one that was taken over while
        # this worker slept does not lose the list of its new owner.
        if not _still_ours(run):
            return
        cursor.execute("DELETE FROM segments_work WHERE claim <> %s", [run.claim])
        cursor.execute(query.text, query.params)
        run.total = cursor.rowcount
        _still_ours(run, total=run.total)
    with connection.cursor() as cursor:
        # Without figures of its size the batches are joined row by row.
        cursor.execute("ANALYZE segments_work")
        # Members that were deleted since: their rows go without a trace, as the guests did. Nobody would put a
        # guest who comes back on a fixed list again, so those rows stay, and count nowhere.
        cursor.execute(_DELETED)


# Whoever holds one of the rows is taking it away already.
_DELETED = """
DELETE FROM segments_segmentmembership gone USING (
    SELECT member.segment_id, member.customer_id FROM segments_segmentmembership member
      JOIN customers_customer guest ON guest.id = member.customer_id
     WHERE guest.deleted_at IS NOT NULL AND member.segment_id IN
           (SELECT id FROM segments_segment WHERE kind <> 'static')
       FOR UPDATE OF member SKIP LOCKED) found
 WHERE gone.segment_id = found.segment_id AND gone.customer_id = found.customer_id
"""
# The next guests of the list, up to the last of a batch.
_UPTO = """
SELECT max(customer_id::text)::uuid FROM (
    SELECT customer_id FROM segments_work WHERE claim = %s AND customer_id > %s ORDER BY customer_id LIMIT %s) next
"""
# Lock them as a checkout does, lowest id first, and say who was changed since the list was made.
_LOCK = f"""
WITH locked AS (
    SELECT customer_id, xmin::text AS mark FROM {SUMMARY}
     WHERE customer_id IN (SELECT customer_id FROM segments_work WHERE {{batch}})
     ORDER BY customer_id FOR NO KEY UPDATE
)
SELECT work.customer_id FROM segments_work work LEFT JOIN locked ON locked.customer_id = work.customer_id
 WHERE {{batch}} AND work.mark IS DISTINCT FROM locked.mark
"""
_IN_BATCH = "claim = %(claim)s AND {table}customer_id > %(after)s AND {table}customer_id <= %(upto)s"
_NOBODY = UUID(int=0)


def _next_batch(run: SegmentRun, compiled: Compiled, size: int, after: UUID) -> UUID | None:
    """Work off the guests that follow ``after``; returns the last of them, None when there is nothing left to do."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_UPTO, [run.claim, after, size])
        upto: UUID | None = cursor.fetchone()[0]
        if upto is None:
            return None
        values = {"claim": run.claim, "after": after, "upto": upto}
        cursor.execute(
            _LOCK.replace("{batch}", _IN_BATCH.format(table=""), 1).replace(
                "{batch}", _IN_BATCH.format(table="work.")
            ),
            values,
        )
        changed = [row[0] for row in cursor.fetchall()]
        if changed:
            _judge_again(cursor, run, compiled, changed)
        entered, left, done = _write(cursor, values, with_history=compiled.has_history)
        run.processed += done
        run.entered += entered
        run.left += left
        ours = _still_ours(run, processed=run.processed, entered=run.entered, left=run.left)
        return upto if ours else None


def _judge_again(cursor: Any, run: SegmentRun, compiled: Compiled, guests: list[UUID]) -> None:
    cursor.execute(
        "DELETE FROM segments_work WHERE claim = %s AND customer_id = ANY(%s)", [run.claim, guests]
    )
    extra = Sql(f"{SUMMARY}.xmin::text AS mark, {SUMMARY}.segment AS old_base")
    narrowed = sql(" AND customer_id = ANY({})", value(guests))
    query = sql(
        _COMPARE, value(run.claim), compiled.verdicts(guests, extra=extra), _present(compiled, narrowed)
    )
    cursor.execute(query.text, query.params)


_ENTER = """
INSERT INTO segments_segmentmembership (segment_id, customer_id, entered_at)
SELECT seg, work.customer_id, now() FROM segments_work work, unnest(work.segs) AS seg
 WHERE {batch} AND NOT seg = ANY(work.present)
 ORDER BY seg, work.customer_id
"""
_LEAVE = """
DELETE FROM segments_segmentmembership member USING segments_work work
 WHERE {batch} AND NOT work.present <@ work.segs AND member.customer_id = work.customer_id
   AND member.segment_id = ANY(work.present) AND NOT member.segment_id = ANY(work.segs)
"""
_BASE = f"""
UPDATE {SUMMARY} summary SET segment = work.base FROM segments_work work
 WHERE {{batch}} AND work.base <> '' AND summary.customer_id = work.customer_id
"""
# Segments with a history: the others are calculated for the first time.
_HISTORY = """
WITH moved AS (
    SELECT seg, work.customer_id, TRUE AS entered FROM segments_work work, unnest(work.segs) AS seg
     WHERE {batch} AND NOT seg = ANY(work.present)
    UNION ALL
    SELECT seg, work.customer_id, FALSE FROM segments_work work, unnest(work.present) AS seg
     WHERE {batch} AND NOT seg = ANY(work.segs)
), noted AS (
    INSERT INTO segments_segmentchange (segment_id, customer_id, entered, at)
    SELECT moved.seg, moved.customer_id, moved.entered, now() FROM moved
      JOIN segments_segment segment ON segment.id = moved.seg AND segment.last_calculated_at IS NOT NULL
    RETURNING segment_id, customer_id, entered
)
SELECT noted.segment_id, segment.key, noted.entered, array_agg(noted.customer_id::text)
  FROM noted JOIN segments_segment segment ON segment.id = noted.segment_id GROUP BY 1, 2, 3
"""


def _write(cursor: Any, values: dict[str, Any], *, with_history: bool) -> tuple[int, int, int]:
    """Write the difference of one batch; returns how many memberships began and ended, and of how many guests."""

    def run(statement: str) -> int:
        cursor.execute(statement.replace("{batch}", "work." + _IN_BATCH.format(table="work.")), values)
        return int(cursor.rowcount)

    try:
        with transaction.atomic():
            entered = run(_ENTER)
    except IntegrityError:
        # Whoever holds a guest's lock is alone with its memberships, so this is the exception. Asking for conflicts
        # always makes the writing a third dearer.
        entered = run(_ENTER + "ON CONFLICT DO NOTHING")
    left = run(_LEAVE)
    run(_BASE)
    if with_history:
        run(_HISTORY)
        _tell(cursor.fetchall())
    cursor.execute(f"SELECT count(*) FROM segments_work WHERE {_IN_BATCH.format(table='')}", values)
    return entered, left, int(cursor.fetchone()[0])


def _tell(moved: list[tuple[UUID, str, bool, list[str]]]) -> None:
    told: list[events.Event] = []
    for pk, key, came, members in moved:
        kind = SegmentEntered if came else SegmentLeft
        told += [
            kind(segment_id=pk, key=key, customer_ids=members[start : start + MOST_PER_EVENT])
            for start in range(0, len(members), MOST_PER_EVENT)
        ]
    if told:
        events.publish(*told)


_COUNTED = """
WITH counts AS (
    SELECT segment_id, sum(guests) AS members FROM (
        SELECT segment_id, count(*) AS guests FROM segments_segmentmembership GROUP BY 1
        UNION ALL
        SELECT member.segment_id, -count(*) FROM customers_customer guest
          JOIN segments_segmentmembership member ON member.customer_id = guest.id
         WHERE guest.deleted_at IS NOT NULL GROUP BY 1
    ) counted GROUP BY 1
), updated AS (
    UPDATE segments_segment segment SET customer_count = COALESCE(counts.members, 0), last_calculated_at = %(now)s
      FROM segments_segment other LEFT JOIN counts ON counts.segment_id = other.id
     WHERE other.id = segment.id AND (segment.kind = 'static'
           OR (segment.id, segment.version) IN (SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::int[])))
    RETURNING segment.id, segment.customer_count
)
INSERT INTO segments_segmentday (segment_id, day, customer_count) SELECT id, %(day)s, customer_count FROM updated
ON CONFLICT (segment_id, day) DO UPDATE SET customer_count = excluded.customer_count
"""


def forget_members(segments: list[UUID]) -> int:
    """Take away members and history of segments that were deleted while a calculation wrote them."""
    gone = [
        SegmentMembership.objects.filter(segment_id__in=segments),
        SegmentChange.objects.filter(segment_id__in=segments),
    ]
    return sum(rows._raw_delete(using="default") or 0 for rows in gone) if segments else 0


def _finish(run: SegmentRun, compiled: Compiled) -> None:
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        if not _still_ours(run):
            return
        cursor.execute("DELETE FROM segments_work WHERE claim = %s", [run.claim])
        # In the order in which everybody locks several segments; one whose criteria changed meanwhile stays due.
        cursor.execute("SELECT id FROM segments_segment ORDER BY id FOR NO KEY UPDATE")
        there = {row[0] for row in cursor.fetchall()}
        forget_members([pk for pk in compiled.ids if pk not in there])
        values: dict[str, Any] = {
            "now": now,
            "ids": compiled.ids,
            "versions": compiled.versions,
            "day": local_date(now),
        }
        cursor.execute(_COUNTED, values)
        Segment.objects.filter(pk__in=compiled.ids).exclude(problem="").update(problem="")
        for pk, problem in compiled.broken.items():
            Segment.objects.filter(pk=pk).update(problem=problem[:500])
        _still_ours(run, status=SegmentRun.Status.COMPLETED, finished_at=now)
    run.refresh_from_db()
