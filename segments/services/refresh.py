"""Who is judged again, and when: single guests at once, everybody by a run in the background."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from customers.models import CustomerSummary
from segments.models import RfmMove, Segment, SegmentChange, SegmentDay, SegmentMembership, SegmentRun
from segments.services.guest import refresh_customer
from segments.services.run import claim_run, request_run, work_off
from servaan_crm.core.tasks import enqueue
from servaan_crm.l10n.jalali import local_date

KEEP_CHANGES = timedelta(days=400)
KEEP_DAYS = timedelta(days=3 * 366)
KEEP_RUNS = timedelta(days=90)
MOST_RUNS = 3


def ask_for_run(reason: str) -> SegmentRun:
    """Ask for a calculation and ring for a worker once the surrounding transaction commits.

    A run that waits already is held until then, so that no worker takes it before it can see the change.
    """
    from segments.tasks import calculate_segments

    waiting = SegmentRun.objects.select_for_update().filter(status=SegmentRun.Status.PENDING)
    with transaction.atomic():
        run = None
        while run is None:
            run = waiting.filter(pk=request_run(reason).pk).first()
        enqueue(calculate_segments)
    return run


def work_off_runs() -> int:
    """Do the calculations that wait, or whose worker died; returns how many were finished.

    One that is asked for while another is at work is done right after it, by the same worker.
    """
    done = 0
    while done < MOST_RUNS and (run := claim_run()) is not None:
        work_off(run)
        done += 1
    return done


def refresh_guests(customer_ids: Iterable[UUID | str]) -> int:
    """Judge these guests again, each under its own lock, in a fixed order; returns how many there were.

    Meant for what one person or one event changes; for a whole book there is :func:`ask_for_run`.
    """
    with transaction.atomic():
        # With the guest, whom what is written refers to: waiting for a merge with the summary in hand is a deadlock.
        rows = CustomerSummary.objects.select_related("customer")
        rows = rows.select_for_update(no_key=True, of=("self", "customer"))
        found = list(rows.filter(pk__in=list(customer_ids)).order_by("pk"))
        # Leaves a new version of each row: a calculation that judged the guests before the change sees that they
        # were judged since, also when their figures stay as they are.
        CustomerSummary.objects.filter(pk__in=[summary.pk for summary in found]).update(segment=F("segment"))
        for summary in found:
            refresh_customer(summary)
    return len(found)


def purge_history() -> int:
    """Delete what nobody looks at any more: old changes, days, movements and runs; returns how many rows."""
    now = timezone.now()
    today = local_date(now)
    ended = (SegmentRun.Status.COMPLETED, SegmentRun.Status.FAILED)
    deleted = SegmentChange.objects.filter(at__lt=now - KEEP_CHANGES).delete()[0]
    # No reference ties them to their segment: what a checkout wrote while the segment was deleted goes here.
    for rows in (SegmentMembership.objects.all(), SegmentChange.objects.all()):
        left_over = rows.exclude(segment_id__in=Segment.objects.values("pk"))
        deleted += left_over._raw_delete(using="default") or 0
    deleted += SegmentDay.objects.filter(day__lt=today - KEEP_DAYS).delete()[0]
    deleted += RfmMove.objects.filter(day__lt=today - KEEP_DAYS).delete()[0]
    return deleted + SegmentRun.objects.filter(status__in=ended, created_at__lt=now - KEEP_RUNS).delete()[0]
