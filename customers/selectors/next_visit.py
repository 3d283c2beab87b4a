"""How probable it is that a guest comes back within some days, from the guest's rhythm and the café's.

Method. The café's gaps between visit days, the ones still open included as censored, give a survival curve by the
product-limit estimator (Kaplan and Meier, "Nonparametric Estimation from Incomplete Observations", JASA 53, 1958).
For a guest who has stayed away ``e`` days the café's answer is ``1 - S(e + N) / S(e)``: only gaps longer than the wait
so far say something. The guest's own gaps longer than ``e`` are tries of the same question, and are added to the
café's answer as to a prior worth ``PRIOR`` tries (the mean of a beta-binomial model): with few gaps the café speaks,
with many the guest does. Below three visit days nothing is said.

How good that is, is measured on the café itself: the answer of ``N`` days ago, from what was known then, against what
happened since (Brier score: the mean squared error of a probability, 0 is perfect), beside the score of always saying
the average rate.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from customers.selectors.counts import count_all_guests
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import get_locale

HORIZON_DAYS = 30
ENOUGH_DAYS = 3
PRIOR = 4
# Guests looked at for the café's curve; more do not change it visibly.
SAMPLE = 4_000
# Fewer outcomes, and the measured error is an accident.
ENOUGH_OUTCOMES = 50
CACHE_SECONDS = 3600
_KEY = "customers.next_visit.v1"
Days = Sequence[dt.date]

_GUESTS = """
SELECT v.customer_id, array_agg(DISTINCT (v.visit_date AT TIME ZONE %(zone)s)::date)
  FROM customers_visit AS v
 WHERE v.voided_at IS NULL AND v.customer_id IN (
       SELECT s.customer_id FROM customers_customersummary AS s TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (1)
        WHERE s.total_visits >= %(enough)s LIMIT %(sample)s)
 GROUP BY v.customer_id
"""
_ONE = """
SELECT array_agg(DISTINCT (visit_date AT TIME ZONE %(zone)s)::date)
  FROM customers_visit WHERE customer_id = %(customer)s AND voided_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """The share of gaps longer than a number of days: a step at each of ``days``; 1 before the first."""

    days: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()

    def at(self, days: int) -> float:
        """Return the share of gaps longer than ``days``."""
        place = bisect_right(self.days, days)
        return self.shares[place - 1] if place else 1.0


@dataclass(frozen=True, slots=True)
class Backtest:
    """How right the answers of 30 days ago were; ``brier`` against ``plain``, the average rate for everybody."""

    guests: int
    brier: float
    plain: float


def curve_of(gaps: Iterable[int], still_open: Iterable[int]) -> Curve:
    """Return the product-limit estimate; ``gaps`` and ``still_open`` in days."""
    ended, censored = Counter(gaps), Counter(still_open)
    at_risk, share = sum(ended.values()) + sum(censored.values()), 1.0
    days, shares = [], []
    for day in sorted(ended.keys() | censored.keys()):
        if ended[day]:
            share *= 1 - ended[day] / at_risk
            days.append(day)
            shares.append(share)
        at_risk -= ended[day] + censored[day]
    return Curve(tuple(days), tuple(shares))


def probability(own: Days, today: dt.date, curve: Curve, horizon: int = HORIZON_DAYS) -> float | None:
    """Return the probability of a visit in the next ``horizon`` days (0-1); None below three visit days.

    Args:
        own: the guest's visit days, oldest first.
        curve: the café's.
    """
    if len(own) < ENOUGH_DAYS:
        return None
    waited = (today - own[-1]).days
    left = curve.at(waited)
    cafes = 1 - curve.at(waited + horizon) / left if left > 0 else 0.0
    longer = [gap for gap in _gaps(own) if gap > waited]
    hits = sum(gap <= waited + horizon for gap in longer)
    return (hits + PRIOR * cafes) / (len(longer) + PRIOR)


def backtest(guests: Sequence[Days], today: dt.date, horizon: int = HORIZON_DAYS) -> Backtest | None:
    """Return how right the answers of ``horizon`` days ago were; None with too few guests known then."""
    cut = today - dt.timedelta(days=horizon)
    known = [(days, [day for day in days if day <= cut]) for days in guests]
    curve = _curve([before for _days, before in known], cut)
    pairs = []
    for days, before in known:
        said = probability(before, cut, curve, horizon)
        if said is not None:
            pairs.append((said, len(days) > len(before)))
    if len(pairs) < ENOUGH_OUTCOMES:
        return None
    rate = sum(came for _said, came in pairs) / len(pairs)
    brier = sum((said - came) ** 2 for said, came in pairs) / len(pairs)
    return Backtest(len(pairs), brier, rate * (1 - rate))


def get_next_visit(customer_id: UUID) -> tuple[float | None, Backtest | None]:
    """Return the probability that the guest comes within 30 days, and how right such answers are in this café.

    One query for the guest. The café's curve and its error are worked out at most once an hour.
    """
    today = local_date(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_ONE, {"customer": customer_id, "zone": get_locale().time_zone})
        own = sorted(cursor.fetchone()[0] or [])
    if len(own) < ENOUGH_DAYS:
        return None, None
    curve, error = _cafe(today)
    return probability(own, today, curve), error


def _cafe(today: dt.date) -> tuple[Curve, Backtest | None]:
    key = f"{_KEY}:{today.isoformat()}"
    kept: tuple[Curve, Backtest | None] | None = cache.get(key)
    if kept is None:
        guests = _sample()
        kept = (_curve(guests, today), backtest(guests, today))
        cache.set(key, kept, CACHE_SECONDS)
    return kept


def _sample() -> list[list[dt.date]]:
    percent = min(100.0, 100.0 * 2 * SAMPLE / max(1, count_all_guests()))
    values: dict[str, Any] = {
        "zone": get_locale().time_zone,
        "percent": percent,
        "enough": ENOUGH_DAYS,
        "sample": SAMPLE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GUESTS, values)
        return [sorted(days) for _customer, days in cursor.fetchall()]


def _curve(guests: Iterable[Days], today: dt.date) -> Curve:
    gaps: list[int] = []
    still_open: list[int] = []
    for days in guests:
        if days:
            gaps += _gaps(days)
            still_open.append((today - days[-1]).days)
    return curve_of(gaps, still_open)


def _gaps(days: Days) -> list[int]:
    return [(later - earlier).days for earlier, later in pairwise(days)]
