"""How far the guests of a list are on the way to the next tier. The club lives above this room and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from customers.models import Customer

# guests of one page → id → percent of the way, None at the top; guests it says nothing of are left out
TierProgress = Callable[[Sequence[Customer]], Mapping[UUID, int | None]]
_ways: list[TierProgress] = []


def register_tier_progress(way: TierProgress) -> None:
    """Let ``way`` tell how far guests are; it must ask a fixed number of queries, whatever the guests."""
    if way not in _ways:
        _ways.append(way)


def tier_progress(guests: Sequence[Customer]) -> dict[UUID, int | None]:
    """Return id → percent of the way to the next tier, None at the top."""
    return {pk: percent for way in _ways for pk, percent in way(guests).items()}
