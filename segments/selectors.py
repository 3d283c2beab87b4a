"""Reads of the segments room."""

from typing import Any

from segments.language import compile_segments
from segments.language.compiler import fetch
from segments.language.sql import joined, sql
from segments.models import Segment


def list_segments_with_counts() -> list[tuple[Segment, int]]:
    """Return the active segments with how many guests match now, all counted in one query."""
    segments = list(Segment.objects.all())
    compiled = compile_segments(segments)
    counts: dict[Any, int] = {}
    if compiled.ids:
        columns = joined(", ", (sql("count(*) FILTER (WHERE {})", test) for test in compiled.tests))
        found = fetch(sql("SELECT {} FROM {}", columns, compiled.plan.source()))[0]
        counts = dict(zip(compiled.ids, found, strict=True))
    return [
        (segment, counts.get(segment.pk, segment.customer_count)) for segment in segments if segment.is_active
    ]
