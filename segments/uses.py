"""Where a segment is used: rooms above register what they know, so that nothing in use is deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from segments.language.tree import GROUPS, IN_SEGMENT
from segments.models import Segment


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that needs a segment. kind: "segment", "campaign", "automation". url: its page, "" without one."""

    kind: str
    name: str
    url: str = ""


Finder = Callable[[Segment], Iterable[Use]]
_finders: list[Finder] = []


def register_uses(finder: Finder) -> Finder:
    """Let ``finder(segment)`` say what uses a segment; campaigns and automations register theirs. A decorator too."""
    _finders.append(finder)
    return finder


def where_used(segment: Segment) -> list[Use]:
    """Return everything that uses ``segment``: other segments that name it, campaigns, automations."""
    others = Segment.objects.exclude(pk=segment.pk).exclude(criteria={})
    found = [
        Use("segment", other.name, f"/segments/{other.key}/")
        for other in others
        if names_segment(other.criteria, segment.key)
    ]
    for finder in _finders:
        found += finder(segment)
    return found


def names_segment(criteria: Any, key: str) -> bool:
    """Say whether ``criteria`` name the segment ``key`` anywhere."""
    if isinstance(criteria, list):
        return any(names_segment(item, key) for item in criteria)
    if not isinstance(criteria, Mapping):
        return False
    for name, given in criteria.items():
        if name == IN_SEGMENT:
            items = list(given.values()) if isinstance(given, Mapping) else [given]
            if any(key == item or (isinstance(item, list) and key in item) for item in items):
                return True
        elif name in GROUPS and names_segment(given, key):
            return True
    return False
