"""The wire format of segments."""

from typing import Any

from segments.models import Segment


def segment_payload(segment: Segment, count: int) -> dict[str, Any]:
    """Return one segment as seed 000 prints it; ``id`` is its key."""
    return {
        "id": segment.key,
        "name": segment.name,
        "description": segment.description,
        "count": count,
        "criteria": segment.criteria,
    }
