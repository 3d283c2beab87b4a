"""The span a figure of flow covers: a calendar month of the café, the last N days, or free dates."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from servaan_crm.l10n.jalali import add_months, local_date, local_day_bounds, month_bounds
from servaan_crm.l10n.locale import get_locale

TIME_RANGES = {"7d": 7, "30d": 30, "90d": 90, "1y": 365}


@dataclass(frozen=True, slots=True)
class Period:
    """Days ``first`` … ``last`` of the café, both included."""

    first: dt.date
    last: dt.date

    @property
    def start(self) -> dt.datetime:
        """The UTC instant at which the first day begins in the café's zone."""
        return local_day_bounds(self.first, get_locale().tz)[0]

    @property
    def end(self) -> dt.datetime:
        """The UTC instant at which the day after the last one begins."""
        return local_day_bounds(self.last, get_locale().tz)[1]

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def today() -> dt.date:
    """Return the café's date of now."""
    return local_date(timezone.now())


def this_month() -> Period:
    """Return the month that runs now, in the café's calendar, to its last day."""
    first, following = month_bounds(today())
    return Period(first, following - dt.timedelta(days=1))


def last_days(count: int) -> Period:
    """Return the last ``count`` days, today included."""
    end = today()
    return Period(end - dt.timedelta(days=count - 1), end)


def month_so_far() -> tuple[Period, Period]:
    """Return this month up to today, and the same number of days of the month before (or all it has)."""
    now = today()
    first, _following = month_bounds(now)
    before = add_months(first, -1)
    last_before = min(before + (now - first), first - dt.timedelta(days=1))
    return Period(first, now), Period(before, last_before)
