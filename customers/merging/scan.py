"""The table of possible duplicates: filled by a search through the whole book, kept by the changes of single guests.

The search may run twice, at once, or be killed: it writes its result in one transaction, over rows that are older than
itself, and whoever was changed meanwhile is looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from customers.merging import candidates_sql as sql
from customers.merging.candidates import (
    Findings,
    Pair,
    calling_code,
    collect,
    find_pairs_of,
    ranked,
)
from customers.models import Customer, DuplicatePair, DuplicateScan

# No step of a search takes that long; a worker that is silent for longer is dead.
SILENCE = timedelta(minutes=10)
STEPS = len(sql.steps(0))
_ONLY = 1

_STORE = """
INSERT INTO customers_duplicatepair (first_id, second_id, reasons, score, found_at)
SELECT first.id, second.id, string_to_array(found.reasons, ','), found.score, %(now)s
  FROM unnest(%(first)s::uuid[], %(second)s::uuid[], %(reasons)s::text[], %(score)s::int[])
       AS found(first, second, reasons, score)
  JOIN customers_customer AS first ON first.id = found.first AND first.deleted_at IS NULL
  JOIN customers_customer AS second ON second.id = found.second AND second.deleted_at IS NULL
 ORDER BY first.id, second.id
    ON CONFLICT (first_id, second_id) DO UPDATE
   SET reasons = EXCLUDED.reasons, score = EXCLUDED.score, found_at = EXCLUDED.found_at
 WHERE customers_duplicatepair.found_at <= %(older)s
"""


@dataclass(frozen=True, slots=True)
class ScanState:
    """How far the search is: ``state`` is "never", "waiting", "running" or "done"; ``percent`` 0-100."""

    state: str
    percent: int
    found: int
    finished_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether a result is to come."""
        return self.state in ("waiting", "running")


def scan_state() -> ScanState:
    """Return how far the search of this café is."""
    row = DuplicateScan.objects.filter(pk=_ONLY).first()
    if row is None:
        return ScanState("never", 0, 0, None)
    if row.claim is not None:
        return ScanState("running", 100 * row.step // (STEPS + 1), row.found, row.finished_at)
    state = "waiting" if row.requested_at else "done" if row.finished_at else "never"
    return ScanState(state, 0, row.found, row.finished_at)


def request_scan() -> None:
    """Ask for a search through the whole book; one that is waiting or at work is enough."""
    from customers.merging.tasks import scan_duplicates
    from servaan_crm.core.tasks import enqueue

    now = timezone.now()
    with transaction.atomic():
        DuplicateScan.objects.get_or_create(pk=_ONLY)
        DuplicateScan.objects.filter(_free(now), pk=_ONLY, requested_at=None).update(requested_at=now)
        enqueue(scan_duplicates)


def is_wanted() -> bool:
    """Whether somebody asked for a search that nobody works on."""
    return DuplicateScan.objects.filter(_free(timezone.now()), pk=_ONLY, requested_at__isnull=False).exists()


def run_scan() -> int | None:
    """Search the whole book and store the pairs.

    Returns:
        How many there are; None when another worker has the search in hand.
    """
    claim, started = uuid4(), timezone.now()
    DuplicateScan.objects.get_or_create(pk=_ONLY)
    taken = DuplicateScan.objects.filter(_free(started), pk=_ONLY).update(
        claim=claim, started_at=started, heartbeat_at=started, step=0, found=0
    )
    if not taken:
        return None
    try:
        return _search(claim, started)
    except BaseException:
        DuplicateScan.objects.filter(pk=_ONLY, claim=claim).update(claim=None)
        raise


def refresh_pairs_of(customer_id: UUID) -> None:
    """Look again whom this guest may be the same person as. Cheap; safe to repeat and to run at once."""
    with transaction.atomic():
        # Of two at once for one guest, the second reads what the first one left, and the guest as it is then.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || %s, 7))",
                [str(customer_id)],
            )
        mine = DuplicatePair.objects.filter(Q(first_id=customer_id) | Q(second_id=customer_id))
        known = {key for row in mine for key in (row.first_id, row.second_id)} - {customer_id}
        customer = Customer.objects.filter(pk=customer_id, deleted_at=None).first()
        pairs = find_pairs_of(customer, holders=sorted(known)) if customer else []
        still = {pair.first_id for pair in pairs} | {pair.second_id for pair in pairs}
        mine.exclude(first_id__in=still, second_id__in=still).delete()
        now = timezone.now()
        _store(pairs, now=now, older=now)


def forget_pairs_of(customer_ids: Sequence[UUID]) -> None:
    """Remove all pairs with these guests."""
    DuplicatePair.objects.filter(Q(first_id__in=customer_ids) | Q(second_id__in=customer_ids)).delete()


def _search(claim: UUID, started: datetime) -> int | None:
    found: Findings = {}
    for number, statement in enumerate(sql.steps(calling_code()), 1):
        collect(found, statement)
        if not _still_mine(claim, step=number, found=len(found)):
            return None
    pairs = ranked(found)
    with transaction.atomic():
        now = timezone.now()
        finished = DuplicateScan.objects.filter(pk=_ONLY, claim=claim).update(
            claim=None, requested_at=None, found=len(pairs), finished_at=now
        )
        if not finished:
            return None
        _store(pairs, now=now, older=started)
        DuplicatePair.objects.filter(found_at__lt=started).delete()
    _look_again_at_changed(pairs, started)
    return len(pairs)


def _still_mine(claim: UUID, *, step: int, found: int) -> bool:
    rows = DuplicateScan.objects.filter(pk=_ONLY, claim=claim)
    return bool(rows.update(step=step, found=found, heartbeat_at=timezone.now()))


def _look_again_at_changed(pairs: Sequence[Pair], started: datetime) -> None:
    """What the search read of a guest may be older than what was found out about the guest meanwhile."""
    ids = {key for pair in pairs for key in (pair.first_id, pair.second_id)}
    changed = Customer.objects.filter(pk__in=ids, updated_at__gte=started).values_list("pk", flat=True)
    for customer_id in list(changed):
        refresh_pairs_of(customer_id)


def _store(pairs: Sequence[Pair], *, now: datetime, older: datetime) -> None:
    """Write ``pairs`` over rows found until ``older``; newer ones know better."""
    if not pairs:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "first": [pair.first_id for pair in pairs],
                "second": [pair.second_id for pair in pairs],
                "reasons": [",".join(pair.reasons) for pair in pairs],
                "score": [pair.score for pair in pairs],
                "now": now,
                "older": older,
            },
        )


def _free(now: datetime) -> Q:
    """Return the condition for a search that no living worker has in hand."""
    return Q(claim=None) | Q(heartbeat_at__lt=now - SILENCE)
