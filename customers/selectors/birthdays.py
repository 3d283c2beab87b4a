"""Whose birthday it is, in the café's calendar, found through the index on the birthday."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from customers.models import Customer
from servaan_crm.l10n.jalali import from_calendar, month_length, next_occurrence, to_calendar
from servaan_crm.l10n.locale import CafeLocale, get_locale

OLDEST = 110  # years


@dataclass(frozen=True, slots=True)
class Birthdays:
    """How many guests celebrate today, and today or within the days asked for; the next of them by day."""

    today: int
    upcoming: int
    guests: list[tuple[Customer, dt.date]]


def list_birthdays(first: dt.date, last: dt.date) -> QuerySet[Customer]:
    """Return the guests who celebrate on a day from ``first`` to ``last`` (both included, at most a year)."""
    dates = [date for day in _days(first, last) for date in birth_dates_of(day, get_locale())]
    return Customer.objects.filter(deleted_at=None, birthday__in=dates)


def get_birthdays(today: dt.date, days: int = 7, limit: int = 5) -> Birthdays:
    """Return who celebrates today or within the next ``days`` days, from two queries.

    Blocked guests are left out: nobody is going to congratulate them.
    """
    locale = get_locale()
    guests = list_birthdays(today, today + dt.timedelta(days=days)).exclude(status=Customer.Status.BLOCKED)
    counted = guests.aggregate(
        today=Count("pk", filter=Q(birthday__in=birth_dates_of(today, locale))), upcoming=Count("pk")
    )
    order = [
        When(birthday__in=birth_dates_of(day, locale), then=Value(number))
        for number, day in enumerate(_days(today, today + dt.timedelta(days=days)))
    ]
    soonest = guests.annotate(turn=Case(*order, output_field=IntegerField())).order_by(
        "turn", "sort_key", "pk"
    )
    rows = soonest.select_related("summary")[:limit] if counted["upcoming"] else []
    return Birthdays(
        today=counted["today"],
        upcoming=counted["upcoming"],
        guests=[(guest, next_occurrence(guest.birthday, today, locale)) for guest in rows if guest.birthday],
    )


@lru_cache(maxsize=512)
def birth_dates_of(day: dt.date, locale: CafeLocale) -> tuple[dt.date, ...]:
    """Return every Gregorian date of the last 110 years whose birthday is kept on ``day``.

    Birthdays are stored as Gregorian dates, and 15 Mehr falls on another one from year to year; so this lists
    them, and the index on the birthday does the rest. The day itself is included: a guest born today.
    Those born on 30 Esfand (or 29 February) celebrate on the 29th (28th) in years without it.
    """
    year, month, number = to_calendar(day, locale)
    dates = [
        from_calendar(born, month, number, locale)
        for born in range(year - OLDEST, year + 1)
        if number <= month_length(born, month, locale)
    ]
    if number == month_length(year, month, locale):
        dates += [
            from_calendar(born, month, number + 1, locale)
            for born in range(year - OLDEST, year + 1)
            if number + 1 <= month_length(born, month, locale)
        ]
    return tuple(dates)


def _days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=offset) for offset in range((last - first).days + 1)]
