"""How one guest behaves: when, what, how they pay, how often, and which way the spend goes.

All figures are of visits that were not voided, in the café's time zone and calendar, and come from a fixed
number of queries. Where a figure would be an accident it is None, and the reader is told "not enough data".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer
from customers.selectors.favourites import Favourites, favourite_categories, favourite_items
from customers.selectors.rhythm import Rhythm, get_rhythm
from servaan_crm.l10n.jalali import add_months, local_date, local_day_bounds, month_bounds
from servaan_crm.l10n.locale import get_locale

K = TypeVar("K")
L = TypeVar("L")

TREND_DAYS = 90
# Fewer visits in the earlier span, and its spend says nothing.
TREND_MIN_VISITS = 2
MONTHS = 12


class DayPart(models.TextChoices):
    """Parts of the day in the café's time: from 5, 12, 17 and 21 o'clock."""

    MORNING = "morning", pgettext_lazy("part of the day", "Morning")
    AFTERNOON = "afternoon", pgettext_lazy("part of the day", "Afternoon")
    EVENING = "evening", pgettext_lazy("part of the day", "Evening")
    NIGHT = "night", pgettext_lazy("part of the day", "Night")


class TrendStatus(models.TextChoices):
    OK = "ok", _("Enough data")
    NOT_ENOUGH = "not_enough_data", _("Not enough data")


def day_part(hour: int) -> str:
    """Return the part of the day an hour 0-23 belongs to; the night runs over midnight."""
    if hour < 5 or hour >= 21:
        return DayPart.NIGHT
    return DayPart.MORNING if hour < 12 else DayPart.AFTERNOON if hour < 17 else DayPart.EVENING


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened, what it brought (base unit), and when last."""

    visits: int
    spent: Decimal
    last_at: dt.datetime

    def __add__(self, other: Count) -> Count:
        last = max(self.last_at, other.last_at)
        return Count(self.visits + other.visits, self.spent + other.spent, last)


@dataclass(frozen=True)
class Patterns:
    """Counts by (weekday, hour), by payment method and by visit type. Weekdays as ``date.weekday()``."""

    hours: Mapping[tuple[int, int], Count]
    payments: Mapping[str, Count]
    visit_types: Mapping[str, Count]

    @cached_property
    def day_parts(self) -> dict[str, Count]:
        """Counts by part of the day."""
        return _summed({key: day_part(key[1]) for key in self.hours}, self.hours)

    @cached_property
    def weekdays(self) -> dict[int, Count]:
        """Counts by weekday."""
        return _summed({key: key[0] for key in self.hours}, self.hours)


def _summed(groups: Mapping[K, L], counts: Mapping[K, Count]) -> dict[L, Count]:
    sums: dict[L, Count] = {}
    for key, group in groups.items():
        sums[group] = sums[group] + counts[key] if group in sums else counts[key]
    return sums


def preferred(counts: Mapping[K, Count]) -> K | None:
    """Return what happened most often, of equals the one that happened last; None without any."""
    return max(counts, key=lambda key: (counts[key].visits, counts[key].last_at), default=None)


_PATTERNS = """
SELECT weekday, hour, payment_method, visit_type, grouping(hour, payment_method, visit_type) AS kind,
       count(*), coalesce(sum(final_amount), 0), max(visit_date)
  FROM (SELECT extract(isodow FROM visit_date AT TIME ZONE %(zone)s)::int - 1 AS weekday,
               extract(hour FROM visit_date AT TIME ZONE %(zone)s)::int AS hour,
               payment_method, visit_type, final_amount, visit_date
          FROM customers_visit WHERE customer_id = %(customer)s AND voided_at IS NULL) AS visits
 GROUP BY GROUPING SETS ((weekday, hour), (payment_method), (visit_type))
"""
# Bits of "kind" say which columns a row is not grouped by.
_BY_HOUR, _BY_PAYMENT, _BY_TYPE = 0b011, 0b101, 0b110


def get_patterns(customer_id: UUID) -> Patterns:
    """Return when, how and for what the guest comes; one query over the guest's visits."""
    hours: dict[tuple[int, int], Count] = {}
    payments: dict[str, Count] = {}
    types: dict[str, Count] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PATTERNS, {"customer": customer_id, "zone": get_locale().time_zone})
        for weekday, hour, payment, visit_type, kind, visits, spent, last_at in cursor.fetchall():
            count = Count(visits, spent, last_at)
            if kind == _BY_HOUR:
                hours[weekday, hour] = count
            elif kind == _BY_PAYMENT and payment:
                payments[payment] = count
            elif kind == _BY_TYPE:
                types[visit_type] = count
    return Patterns(hours, payments, types)


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the café's calendar, by its first day; spend in the base unit."""

    first: dt.date
    visits: int = 0
    spent: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trend:
    """Spend of the last 90 days (today included) and of the 90 before, in the base unit."""

    recent: Decimal
    previous: Decimal
    recent_visits: int
    previous_visits: int
    known_days: int  # since the first visit

    @property
    def status(self) -> str:
        """Whether both spans say something: the guest came before them, and often enough in the earlier one."""
        known = self.known_days >= 2 * TREND_DAYS and self.previous_visits >= TREND_MIN_VISITS
        return TrendStatus.OK if known and self.previous > 0 else TrendStatus.NOT_ENOUGH

    @property
    def percent(self) -> Decimal | None:
        """By how many percent the spend rose (or fell), one decimal; None without enough data."""
        if self.status != TrendStatus.OK:
            return None
        change = (self.recent - self.previous) * 100 / self.previous
        return change.quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Spending:
    """The last twelve months, oldest first and this one last, and the trend."""

    months: tuple[Month, ...]
    trend: Trend


_SPENDING = """
SELECT width_bucket(visit_date, %(bounds)s::timestamptz[]) AS month, count(*), coalesce(sum(final_amount), 0),
       coalesce(sum(final_amount) FILTER (WHERE visit_date >= %(recent)s), 0),
       count(*) FILTER (WHERE visit_date >= %(recent)s),
       coalesce(sum(final_amount) FILTER (WHERE visit_date >= %(previous)s AND visit_date < %(recent)s), 0),
       count(*) FILTER (WHERE visit_date >= %(previous)s AND visit_date < %(recent)s)
  FROM customers_visit
 WHERE customer_id = %(customer)s AND voided_at IS NULL AND visit_date >= %(first)s
 GROUP BY month
"""


def get_spending(customer: Customer, now: dt.datetime | None = None) -> Spending:
    """Return spend by month of the café's calendar and its trend; one query. ``customer`` has its summary."""
    now = now or timezone.now()
    today, zone = local_date(now), get_locale().tz
    this_month = month_bounds(today)[0]
    firsts = [add_months(this_month, -back) for back in range(MONTHS - 1, -1, -1)]
    bounds = [local_day_bounds(first, zone)[0] for first in firsts]
    recent, previous = (
        local_day_bounds(today - dt.timedelta(days=spans * TREND_DAYS - 1), zone)[0] for spans in (1, 2)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _SPENDING,
            {
                "customer": customer.pk,
                "bounds": bounds,
                "recent": recent,
                "previous": previous,
                "first": min(bounds[0], previous),
            },
        )
        rows = cursor.fetchall()
    by_month = {row[0]: row for row in rows}
    months = [
        Month(first, *by_month[number][1:3]) if number in by_month else Month(first)
        for number, first in enumerate(firsts, start=1)
    ]
    first_visit = customer.summary.first_visit_at
    trend = Trend(
        recent=sum((row[3] for row in rows), Decimal(0)),
        recent_visits=sum(row[4] for row in rows),
        previous=sum((row[5] for row in rows), Decimal(0)),
        previous_visits=sum(row[6] for row in rows),
        known_days=(today - local_date(first_visit)).days if first_visit else 0,
    )
    return Spending(tuple(months), trend)


@dataclass(frozen=True)
class Behavior:
    """Everything the behaviour tab and the API say of one guest."""

    customer: Customer
    today: dt.date
    rhythm: Rhythm
    patterns: Patterns
    items: Favourites
    categories: Favourites
    spending: Spending

    @property
    def peak_order_time(self) -> str | None:
        """The part of the day the guest comes in most; None without a visit."""
        return preferred(self.patterns.day_parts)

    @property
    def overdue_factor(self) -> float | None:
        """How many times the own rhythm the guest has stayed away; None while that is not known."""
        return self.rhythm.overdue_factor(self.today)


def get_behavior(customer: Customer) -> Behavior:
    """Return the behaviour of one guest, loaded with its summary; five queries whatever its history."""
    ids = [customer.pk]
    return Behavior(
        customer=customer,
        today=local_date(timezone.now()),
        rhythm=get_rhythm(customer.pk),
        patterns=get_patterns(customer.pk),
        items=favourite_items(ids).get(customer.pk, Favourites()),
        categories=favourite_categories(ids).get(customer.pk, Favourites()),
        spending=get_spending(customer),
    )
