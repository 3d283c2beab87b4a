"""Birthdays and anniversaries ahead, of guests and their families, in the café's calendar.

Dates are stored as Gregorian ones, and 15 Mehr falls on another one from year to year. So the days ahead are
turned into every stored date that is kept on them, and the indexes on birthday and anniversary do the rest:
one table of (stored date, days until), joined with the guests. :func:`born_dates_of` is the only definition of
"kept on this day"; it agrees with :func:`servaan_crm.l10n.jalali.next_occurrence`.

Guests who were deleted or erased are left out, and so are blocked ones: nobody is going to congratulate them.
Their families are left out with them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from servaan_crm.l10n.jalali import from_calendar, local_date, month_length, to_calendar
from servaan_crm.l10n.locale import CafeLocale, get_locale

OLDEST = 110  # years
MAX_DAYS = 366


class EventType(models.TextChoices):
    BIRTHDAY = "birthday", _("Birthday")
    ANNIVERSARY = "anniversary", _("Anniversary")
    FAMILY_BIRTHDAY = "family_birthday", _("Birthday in the family")


@dataclass(frozen=True, slots=True)
class UpcomingEvent:
    """One event. ``name`` is who celebrates; for the family, ``customer_name`` is the guest to greet.

    phone: E.164 of the guest. years: how old the person becomes, or how long they have been married.
    """

    event_date: dt.date
    years: int
    customer_id: UUID
    name: str
    customer_name: str
    relationship: str
    email: str
    phone: str
    tier: str
    allow_marketing: bool
    event_type: str
    born: dt.date
    days_until: int

    @property
    def is_family(self) -> bool:
        return self.event_type == EventType.FAMILY_BIRTHDAY


@lru_cache(maxsize=2048)
def born_dates_of(day: dt.date, locale: CafeLocale) -> tuple[dt.date, ...]:
    """Return every Gregorian date of the last 110 years whose birthday is kept on ``day``.

    The day itself is included: a guest born today. Those born on 30 Esfand (or 29 February) celebrate on the
    29th (28th) in years without it.
    """
    year, month, number = to_calendar(day, locale)
    dates = _dates(month, number, year, locale)
    if number == month_length(year, month, locale):
        dates += _dates(month, number + 1, year, locale)
    return tuple(dates)


def _dates(month: int, number: int, last_year: int, locale: CafeLocale) -> list[dt.date]:
    years = range(last_year - OLDEST, last_year + 1)
    if not locale.is_jalali:
        kept = (year for year in years if number <= month_length(year, month, locale))
        return [dt.date(year, month, number) for year in kept]
    if month == 12 and number == 30:
        years_with = [year for year in years if month_length(year, 12, locale) == 30]
    elif number > month_length(last_year, month, locale):
        return []  # the month before Esfand ends on the same day every year
    else:
        years_with = list(years)
    # The leap day is the last of the Jalali year, so the n-th day of a year is the same date every year.
    nth = (month - 1) * 31 - max(0, month - 7) + number - 1
    return [_new_year(year, locale) + dt.timedelta(days=nth) for year in years_with]


@lru_cache(maxsize=1024)
def _new_year(year: int, locale: CafeLocale) -> dt.date:
    return from_calendar(year, 1, 1, locale)


def days_ahead(first: dt.date, days: int) -> list[dt.date]:
    """Return ``first`` and the ``days`` days after it. Raises ValueError beyond a year."""
    if not 0 <= days <= MAX_DAYS:
        raise ValueError(f"0 to {MAX_DAYS} days")
    return [first + dt.timedelta(days=offset) for offset in range(days + 1)]


def kept_within(today: dt.date, days: int, locale: CafeLocale | None = None) -> dict[dt.date, int]:
    """Return stored date → days until it is next kept, for all that are kept today or within ``days`` days."""
    locale = locale or get_locale()
    kept: dict[dt.date, int] = {}
    for offset, day in enumerate(days_ahead(today, days)):
        for born in born_dates_of(day, locale):
            kept.setdefault(born, offset)
    return kept


_GUESTS = """
SELECT c.id, c.name, c.name AS customer_name, '' AS relationship, c.email, c.phone, c.sort_key, c.allow_marketing,
       '{event}' AS event_type, k.born, k.days_until, c.id AS person
  FROM kept k JOIN customers_customer c ON c.{column} = k.born
 WHERE c.{column} {near} AND c.deleted_at IS NULL AND c.erased_at IS NULL AND c.status <> 'blocked'
"""
_FAMILY = """
SELECT c.id, f.name, c.name AS customer_name, f.relationship, c.email, c.phone, c.sort_key, c.allow_marketing,
       'family_birthday' AS event_type, k.born, k.days_until, f.id AS person
  FROM kept k JOIN customers_familymember f ON f.birthday = k.born
  JOIN customers_customer c ON c.id = f.customer_id
 WHERE f.birthday {near} AND c.deleted_at IS NULL AND c.erased_at IS NULL AND c.status <> 'blocked'
"""
_PARTS = {
    EventType.BIRTHDAY: _GUESTS.replace("{event}", "birthday").replace("{column}", "birthday"),
    EventType.ANNIVERSARY: _GUESTS.replace("{event}", "anniversary").replace("{column}", "anniversary"),
    EventType.FAMILY_BIRTHDAY: _FAMILY,
}
# Said once more as a list, so that the planner knows how few guests a few weeks are and takes the index; for
# most of a year it reads them all anyway.
_NEAR, _ANY = "= ANY(%(born)s::date[])", "IS NOT NULL"
_NEAR_MOST = 8_000
_KEPT = "WITH kept AS (SELECT * FROM unnest(%(born)s::date[], %(until)s::int[]) AS kept(born, days_until))"


class UpcomingEvents:
    """Events ahead, soonest first: what a paginator counts and slices, a query each."""

    ordered = True  # what Django's paginator asks for

    def __init__(self, today: dt.date, days: int, types: Iterable[str] = EventType.values) -> None:
        """Raises ValueError for more than a year of days and KeyError for an unknown type."""
        self.today = today
        self._kept = kept_within(today, days)
        near = _NEAR if len(self._kept) <= _NEAR_MOST else _ANY
        parts = " UNION ALL ".join(_PARTS[EventType(kind)] for kind in types)
        self._parts = parts.replace("{near}", near)

    def count(self) -> int:
        """Return how many events there are."""
        return self.counts()[1]

    def counts(self) -> tuple[int, int]:
        """Return how many events there are today, and in all."""
        figures = "count(*) FILTER (WHERE e.days_until = 0), count(*)"
        now, total = self._run(f"{_KEPT} SELECT {figures} FROM ({self._parts}) AS e")[0]
        return now, total

    def __getitem__(self, part: slice) -> list[UpcomingEvent]:
        first, last = part.start or 0, part.stop
        order = "ORDER BY e.days_until, e.sort_key, e.event_type, e.person"
        # The summaries of one page are joined, not those of all who celebrate.
        page = f"(SELECT * FROM ({self._parts}) AS e {order} LIMIT %(limit)s OFFSET %(offset)s) AS e"
        columns = (
            "e.id, e.name, e.customer_name, e.relationship, e.email, e.phone, s.tier, e.allow_marketing,"
            " e.event_type, e.born, e.days_until"
        )
        summaries = "JOIN customers_customersummary s ON s.customer_id = e.id"
        limit = None if last is None else max(0, last - first)
        query = f"{_KEPT} SELECT {columns} FROM {page} {summaries} {order}"
        rows = self._run(query, limit=limit, offset=first)
        return [self._event(row) for row in rows]

    def _run(self, query: str, **more: Any) -> list[tuple[Any, ...]]:
        values = {"born": list(self._kept), "until": list(self._kept.values()), **more}
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def _event(self, row: tuple[Any, ...]) -> UpcomingEvent:
        born, until = row[9], row[10]
        date = self.today + dt.timedelta(days=until)
        return UpcomingEvent(date, to_calendar(date).year - to_calendar(born).year, *row)


def upcoming_events(days: int, *, today: dt.date | None = None, types: Iterable[str] = ()) -> UpcomingEvents:
    """Return the events from today to ``days`` days ahead, both included; each once, at its next date.

    types: values of :class:`EventType`; all when empty. Raises ValueError beyond a year.
    """
    return UpcomingEvents(today or local_date(timezone.now()), days, list(types) or EventType.values)
