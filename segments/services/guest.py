"""The segments of one guest, brought up to date with one query at every checkout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from customers.models import CustomerSummary
from segments.events import SegmentEntered, SegmentLeft
from segments.language.compiler import Compiled, fetch
from segments.language.sql import Sql
from segments.models import Segment, SegmentChange, SegmentMembership
from segments.services.plans import fresh_plan, get_plan
from servaan_crm.core import events

# What the guest is in now, and which version of the segments is in force: with the verdicts, in one query.
_ALONGSIDE = Sql(
    "(SELECT array_agg(member.segment_id) FROM segments_segmentmembership member"
    " WHERE member.customer_id = customers_customer.id),"
    " (SELECT state.version FROM segments_segmentsstate state)"
)


def refresh_customer(summary: CustomerSummary) -> str:
    """Bring one guest's base segment and memberships up to date: one query, and writes only for what changed.

    The caller holds the guest's lock and has saved the summary. Returns the base segment. A deleted guest keeps
    the base segment and its place on fixed lists (it may come back), and is in no other segment.
    """
    plan = get_plan()
    rows = _judge(plan, summary.pk)
    if rows and (rows[0][4] or 0) != plan.version:
        plan = fresh_plan()
        rows = _judge(plan, summary.pk)
    if not rows:
        SegmentMembership.objects.filter(customer_id=summary.pk, segment_id__in=plan.ids).delete()
        return summary.segment
    _guest, base, wanted, present, _version = rows[0]
    _write(plan, summary.pk, set(wanted), set(present or []))
    if base != summary.segment:
        summary.segment = base
        CustomerSummary.objects.filter(pk=summary.pk).update(segment=base)
    return str(base)


def _judge(plan: Compiled, customer_id: UUID) -> list[tuple[Any, ...]]:
    return fetch(plan.verdicts([customer_id], extra=_ALONGSIDE))


def _write(plan: Compiled, customer_id: UUID, wanted: set[UUID], present: set[UUID]) -> None:
    judged = set(plan.ids)
    entered, left = wanted - present, (present & judged) - wanted
    if not entered and not left:
        return
    now = timezone.now()
    if entered:
        SegmentMembership.objects.bulk_create(
            [SegmentMembership(segment_id=pk, customer_id=customer_id, entered_at=now) for pk in entered],
            ignore_conflicts=True,
        )
    if left:
        SegmentMembership.objects.filter(customer_id=customer_id, segment_id__in=left).delete()
    note_changes([(pk, customer_id, True) for pk in entered] + [(pk, customer_id, False) for pk in left])


def note_changes(changes: Iterable[tuple[UUID, UUID, bool]]) -> None:
    """Write (segment, guest, entered) into the history and tell the subscribers.

    A segment that was never calculated has no history yet: its first members did not "enter" it.
    """
    found = list(changes)
    names = dict(
        Segment.objects.filter(
            pk__in={pk for pk, _guest, _in in found}, last_calculated_at__isnull=False
        ).values_list("pk", "key")
    )
    kept = [change for change in found if change[0] in names]
    if not kept:
        return
    SegmentChange.objects.bulk_create(
        [SegmentChange(segment_id=pk, customer_id=guest, entered=came) for pk, guest, came in kept]
    )
    events.publish(*_events(kept, names))


def _events(changes: Sequence[tuple[UUID, UUID, bool]], names: dict[UUID, str]) -> list[events.Event]:
    groups: dict[tuple[UUID, bool], list[str]] = {}
    for pk, guest, came in changes:
        groups.setdefault((pk, came), []).append(str(guest))
    return [
        (SegmentEntered if came else SegmentLeft)(segment_id=pk, key=names[pk], customer_ids=guests)
        for (pk, came), guests in groups.items()
    ]
