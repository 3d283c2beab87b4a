"""Which segments there are, and how many guests each has."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import OperationalError, connection, transaction

from segments.errors import SegmentNotFound
from segments.language import compile_segments
from segments.language.compiler import fetch
from segments.language.sql import joined, sql
from segments.models import Segment

# What a page may wait for counts that no calculation has written yet.
LIVE_TIMEOUT_MS = 800


def get_segment(name: str) -> Segment:
    """Return a segment by id or key. Raises SegmentNotFound."""
    found = Segment.objects.filter(key=name).first()
    if found is None:
        try:
            found = Segment.objects.filter(pk=UUID(name)).first()
        except ValueError:
            found = None
    if found is None:
        raise SegmentNotFound(details={"segment": name})
    return found


def is_up_to_date(segment: Segment) -> bool:
    """Say whether the stored members follow from the criteria as they are now."""
    if segment.is_static:
        return True
    return segment.last_calculated_at is not None and segment.updated_at <= segment.last_calculated_at


def list_segments_with_counts(*, inactive_too: bool = False) -> list[tuple[Segment, int | None]]:
    """Return the segments in display order with the number of their guests now.

    Members are counted as they are stored; a segment whose criteria are newer than its members is counted by its
    criteria, or has None when that takes too long.
    """
    segments = list(Segment.objects.all())
    counts = count_members()
    fresh = live_counts([one for one in segments if one.is_active and not is_up_to_date(one)])
    return [
        (one, fresh[one.pk] if one.pk in fresh else counts.get(one.pk, 0))
        for one in segments
        if one.is_active or inactive_too
    ]


_COUNT = """
SELECT segment_id, sum(guests)::bigint FROM (
    SELECT segment_id, count(*) AS guests FROM segments_segmentmembership WHERE {only} GROUP BY 1
    UNION ALL
    SELECT member.segment_id, -count(*) FROM customers_customer guest
      JOIN segments_segmentmembership member ON member.customer_id = guest.id
     WHERE guest.deleted_at IS NOT NULL AND {only} GROUP BY 1
) counted GROUP BY 1
"""


def count_members(segment_id: UUID | None = None) -> dict[UUID, int]:
    """Return segment → stored members, of all segments or of one, by the index alone.

    Members who were deleted a moment ago and are still on the list are taken off.
    """
    only = "segment_id = %(segment)s" if segment_id else "TRUE"
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(only=only), {"segment": segment_id})
        return dict(cursor.fetchall())


def live_counts(segments: Sequence[Segment]) -> dict[UUID, int | None]:
    """Return segment → guests who match its criteria now, all counted in one query; None: that takes too long.

    Criteria that cannot be read any more are left out.
    """
    if not segments:
        return {}
    every = {one.pk: one for one in Segment.objects.all()}
    compiled = compile_segments(list(every.values()))
    wanted = {one.pk for one in segments}
    pairs = [(pk, test) for pk, test in zip(compiled.ids, compiled.tests, strict=True) if pk in wanted]
    if not pairs:
        return {}
    columns = joined(", ", (sql("count(*) FILTER (WHERE {})", test) for _pk, test in pairs))
    try:
        with transaction.atomic(), limited(LIVE_TIMEOUT_MS):
            found = fetch(sql("SELECT {} FROM {}", columns, compiled.plan.source()))[0]
    except OperationalError:
        return {pk: None for pk, _test in pairs}
    return dict(zip((pk for pk, _test in pairs), found, strict=True))


class limited:
    """Stop statements of the surrounding (inner) transaction after so many milliseconds, with OperationalError."""

    def __init__(self, milliseconds: int) -> None:
        self._limit = milliseconds
        self._before = ""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            self._before = cursor.fetchone()[0]
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(self._limit)])

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [self._before])
