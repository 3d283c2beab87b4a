"""How often a guest comes: the days between visits, worked out in SQL for one guest or a page of them.

A gap is the number of days between two days with a visit, in the café's time zone; two bills on one day are
one coming. A guest's own rhythm is the median of the gaps, which one long journey does not spoil, and its
spread is the median distance from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from servaan_crm.l10n.locale import get_locale

# With fewer gaps a median is an accident, and we say that there is not enough data.
ENOUGH_GAPS = 3
# "Late" begins where the wait is longer than the usual gap by this many spreads (at least two days).
LATE_SPREADS = 2

_QUERY = """
WITH days AS (
    SELECT DISTINCT customer_id, (visit_date AT TIME ZONE %(zone)s)::date AS day
      FROM customers_visit
     WHERE customer_id = ANY(%(customers)s) AND voided_at IS NULL
), gaps AS (
    SELECT customer_id, day, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap FROM days
), middles AS (
    SELECT customer_id, count(*) AS days, count(gap) AS gaps, avg(gap)::float8 AS mean,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS median, max(day) AS last_day
      FROM gaps GROUP BY customer_id
)
SELECT m.customer_id, m.days, m.gaps, m.mean, m.median,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(g.gap - m.median)) AS spread, m.last_day
  FROM middles m JOIN gaps g USING (customer_id)
 GROUP BY m.customer_id, m.days, m.gaps, m.mean, m.median, m.last_day
"""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The gaps of one guest in days. ``mean``, ``median`` and ``spread`` are None without a gap."""

    visit_days: int = 0
    gaps: int = 0
    mean: float | None = None
    median: float | None = None
    spread: float | None = None
    last_day: dt.date | None = None

    @property
    def is_known(self) -> bool:
        """Whether there are enough gaps to speak of a rhythm."""
        return self.gaps >= ENOUGH_GAPS

    @property
    def average_days(self) -> int | None:
        """The mean gap in whole days, as seed 003's ``avg_days_between_orders``; None without a gap."""
        return None if self.mean is None else round(self.mean)

    @property
    def own_days(self) -> int | None:
        """The guest's own rhythm in whole days, at least one; None when it is not known."""
        return max(1, round(self.median)) if self.is_known and self.median is not None else None

    @property
    def next_expected(self) -> dt.date | None:
        """The day the next visit is due by the own rhythm, past or not; None when that is not known."""
        if self.own_days is None or self.last_day is None:
            return None
        return self.last_day + dt.timedelta(days=self.own_days)

    @property
    def late_from(self) -> dt.date | None:
        """The first day on which staying away is unusual for this guest."""
        if self.next_expected is None or self.spread is None:
            return None
        return self.next_expected + dt.timedelta(days=max(2, round(LATE_SPREADS * self.spread)))

    def overdue_factor(self, today: dt.date) -> float | None:
        """Return how many times the own rhythm the guest has stayed away by ``today``, to one decimal."""
        if self.own_days is None or self.last_day is None:
            return None
        return round((today - self.last_day).days / self.own_days, 1)


def get_rhythms(customers: Iterable[UUID]) -> dict[UUID, Rhythm]:
    """Return the rhythm of each of these guests who has visits that count; one query."""
    ids = list(customers)
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"customers": ids, "zone": get_locale().time_zone})
        return {row[0]: Rhythm(*row[1:]) for row in cursor.fetchall()}


def get_rhythm(customer_id: UUID) -> Rhythm:
    """Return the rhythm of one guest; an empty one without a visit."""
    return get_rhythms([customer_id]).get(customer_id, Rhythm())
