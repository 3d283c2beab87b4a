"""Lots: which points of a balance expire when. Pure functions; the ledger and the accounts store what they return.

Points that expire on the same day are one lot, so an account has at most one open lot per month of validity.
Used points come from the lot that expires first; points that never expire are used last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from servaan_crm.l10n.jalali import add_months, month_bounds

# Points that come back after their lot ran out can be used this many days more.
RETURN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Lot:
    """Points that can be used up to and including ``expires_on``; None: for ever."""

    expires_on: date | None
    points: int


def last_valid_day(earned_on: date, months: int | None) -> date | None:
    """Return until when points earned on a day are valid: the end of that month of the café's calendar, N later.

    Whole months keep the number of lots small and give the guest one date to remember.
    """
    if months is None:
        return None
    return month_bounds(add_months(earned_on, months))[1] - timedelta(days=1)


def read(total: int, expiries: Sequence[date | None], points: Sequence[int]) -> tuple[Lot, ...]:
    """Return the lots stored beside ``total``; nothing stored means one lot that never expires."""
    if not points:
        return (Lot(None, total),) if total else ()
    return tuple(Lot(day, count) for day, count in zip(expiries, points, strict=True))


def store(lots: Iterable[Lot]) -> tuple[list[date | None], list[int]]:
    """Return the two parallel lists to store; both empty when nothing of it expires."""
    kept = [lot for lot in lots if lot.points]
    if all(lot.expires_on is None for lot in kept):
        return [], []
    return [lot.expires_on for lot in kept], [lot.points for lot in kept]


def add(lots: Iterable[Lot], more: Iterable[Lot]) -> tuple[Lot, ...]:
    """Return both together, one lot per day, the one that expires first in front."""
    sums: dict[date | None, int] = {}
    for lot in (*lots, *more):
        sums[lot.expires_on] = sums.get(lot.expires_on, 0) + lot.points
    ordered = sorted(sums, key=lambda day: (day is None, day or date.max))
    return tuple(Lot(day, sums[day]) for day in ordered if sums[day])


def take(
    lots: Sequence[Lot], points: int, first: Iterable[Lot] = ()
) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """Take ``points`` out of ``lots``; returns what is left and what was taken.

    Args:
        points: at most the sum of the lots.
        first: lots to take from before all others, as far as they are still open.

    Raises:
        ValueError: the lots hold fewer points.
    """
    left = {lot.expires_on: lot.points for lot in lots}
    wanted = [(lot.expires_on, lot.points) for lot in first] + [(lot.expires_on, points) for lot in lots]
    taken: dict[date | None, int] = {}
    for day, most in wanted:
        count = min(points, most, left.get(day, 0))
        if count:
            left[day] -= count
            taken[day] = taken.get(day, 0) + count
            points -= count
    if points:
        raise ValueError(f"{points} points more than the lots hold")
    return (
        tuple(Lot(day, count) for day, count in left.items() if count),
        tuple(Lot(day, count) for day, count in taken.items()),
    )


def due(lots: Iterable[Lot], today: date) -> int:
    """Return how many points have run out by ``today``."""
    return sum(lot.points for lot in lots if lot.expires_on is not None and lot.expires_on < today)


def given_back(lots: Iterable[Lot], today: date) -> tuple[Lot, ...]:
    """Return the lots that open when used points come back: what ran out meanwhile gets some days more."""
    return add(
        (),
        (
            Lot(today + timedelta(days=RETURN_DAYS), abs(lot.points))
            if lot.expires_on is not None and lot.expires_on < today
            else Lot(lot.expires_on, abs(lot.points))
            for lot in lots
        ),
    )
