"""Triggers of the calendar, looked at once a day: birthdays, anniversaries, absence, points that run out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.automations.trigger_events import day_of
from campaigns.automations.triggers import Occasion, Option, Trigger, register_trigger
from campaigns.models import Automation
from customers.models import Customer, CustomerSummary
from customers.selectors.events import born_dates_of
from customers.selectors.rhythm import ENOUGH_GAPS, get_rhythms
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import format_number

CHUNK = 5_000
# Whoever has not come for longer is not missed by an automation any more.
LONGEST_ABSENCE = 400


class DailyTrigger(Trigger):
    """Base of the triggers of the calendar."""

    daily = True

    def heard(self, automation: Automation, payload: Mapping[str, Any]) -> Iterable[Occasion]:
        return ()


class YearlyTrigger(DailyTrigger):
    """Base of birthday and anniversary: a number of days before the day it is kept in the café's calendar."""

    column: ClassVar[str]
    variables = ("birthday",)
    options: ClassVar[tuple[Option, ...]] = (
        Option("days", "number", gettext_lazy("Days before"), default=3, least=0, most=60),
    )

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        ahead = dt.timedelta(days=self.value(automation, "days"))
        # What should have been told on an earlier day is told today, unless the day itself is over.
        first = max(since + ahead, day)
        kept: dict[dt.date, dt.date] = {}
        while first <= day + ahead:
            for born in born_dates_of(first, get_locale()):
                kept.setdefault(born, first)
            first += dt.timedelta(days=1)
        rows = Customer.objects.filter(
            **{f"{self.column}__in": list(kept)}, deleted_at=None, erased_at=None
        ).exclude(status=Customer.Status.BLOCKED)
        for guest, born in rows.order_by("pk").values_list("pk", self.column).iterator(chunk_size=CHUNK):
            yield Occasion(guest, f"{self.column}:{kept[born]}", {"date": str(kept[born])})


@register_trigger
class Birthday(YearlyTrigger):
    """Some days before the birthday."""

    code = Automation.Trigger.BIRTHDAY
    column = "birthday"

    def say(self, automation: Automation) -> str:
        days = self.value(automation, "days")
        if not days:
            return _("On a guest's birthday")
        words = ngettext("%(n)s day before a guest's birthday", "%(n)s days before a guest's birthday", days)
        return words % {"n": format_number(days)}


@register_trigger
class Anniversary(YearlyTrigger):
    """Some days before the anniversary."""

    code = Automation.Trigger.ANNIVERSARY
    column = "anniversary"

    def say(self, automation: Automation) -> str:
        days = self.value(automation, "days")
        if not days:
            return _("On a guest's anniversary")
        words = ngettext(
            "%(n)s day before a guest's anniversary", "%(n)s days before a guest's anniversary", days
        )
        return words % {"n": format_number(days)}


@register_trigger
class Absent(DailyTrigger):
    """A guest stays away longer than the own rhythm says, or so many days while there is no rhythm yet."""

    code = Automation.Trigger.ABSENT
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "own_rhythm", "flag", gettext_lazy("By the guest's own rhythm, where there is one"), default=True
        ),
        Option("days", "number", gettext_lazy("Otherwise after so many days"), default=30, least=3, most=365),
    )

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        days, rhythmic = self.value(automation, "days"), self.value(automation, "own_rhythm")
        fixed = CustomerSummary.objects.filter(customer__deleted_at=None)
        if rhythmic:
            yield from self._by_rhythm(fixed, days, day, since)
            # Three gaps need four days with a visit; with fewer visits there is no rhythm to ask for.
            fixed = fixed.filter(total_visits__lte=ENOUGH_GAPS)
        yield from self._by_days(fixed, days, day, since)

    def _by_days(
        self, rows: QuerySet[CustomerSummary], days: int, day: dt.date, since: dt.date
    ) -> Iterator[Occasion]:
        wait = dt.timedelta(days=days)
        begin, end = day_of(since - wait)[0], day_of(day - wait)[1]
        found = rows.filter(last_visit_at__gte=begin, last_visit_at__lt=end, total_visits__gte=1)
        for guest, last in found.order_by("pk").values_list("pk", "last_visit_at").iterator(chunk_size=CHUNK):
            assert last is not None
            yield self._occasion(guest, local_date(last))

    def _by_rhythm(
        self, rows: QuerySet[CustomerSummary], days: int, day: dt.date, since: dt.date
    ) -> Iterator[Occasion]:
        begin = day_of(day - dt.timedelta(days=LONGEST_ABSENCE))[0]
        found = rows.filter(total_visits__gt=ENOUGH_GAPS, last_visit_at__gte=begin)
        guests = found.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=CHUNK)
        for chunk in _chunks(guests):
            for guest, rhythm in get_rhythms(chunk).items():
                late = rhythm.late_from
                if late is None and rhythm.last_day is not None:  # many bills, few days: no rhythm after all
                    late = rhythm.last_day + dt.timedelta(days=days)
                if late is not None and rhythm.last_day is not None and since <= late <= day:
                    yield self._occasion(guest, rhythm.last_day)

    def _occasion(self, guest: UUID, last: dt.date) -> Occasion:
        # One absence is one occasion, however long it lasts.
        return Occasion(guest, f"absent:{last}", {"last_visit": str(last)})

    def say(self, automation: Automation) -> str:
        days = format_number(self.value(automation, "days"))
        if self.value(automation, "own_rhythm"):
            words = _("When a guest stays away longer than usual (or %(n)s days, while no rhythm is known)")
            return words % {"n": days}
        return _("When a guest has not been here for %(n)s days") % {"n": days}


def _chunks(guests: Iterable[UUID]) -> Iterator[list[UUID]]:
    rest = iter(guests)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


_EXPIRING = """
SELECT a.customer_id, lot.day, lot.points
  FROM loyalty_loyaltyaccount AS a CROSS JOIN LATERAL unnest(a.lot_expiries, a.lot_points) AS lot(day, points)
  JOIN customers_customer AS c ON c.id = a.customer_id AND c.deleted_at IS NULL
 WHERE a.next_expiry_on <= %(last)s AND lot.day BETWEEN %(first)s AND %(last)s
 ORDER BY a.customer_id, lot.day
"""


@register_trigger
class PointsExpiring(DailyTrigger):
    """Points run out in so many days."""

    code = Automation.Trigger.POINTS_EXPIRING
    variables = ("points_expiring", "expiry_date")
    is_service = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("days", "number", gettext_lazy("Days before"), default=7, least=0, most=90),
    )

    def on_day(self, automation: Automation, day: dt.date, since: dt.date) -> Iterable[Occasion]:
        ahead = dt.timedelta(days=self.value(automation, "days"))
        first = max(since + ahead, day)
        with connection.chunked_cursor() as cursor:
            cursor.execute(_EXPIRING, {"first": first, "last": day + ahead})
            while rows := cursor.fetchmany(CHUNK):
                for guest, last, points in rows:
                    yield Occasion(guest, f"expiring:{last}", {"expiring": points, "expires_on": str(last)})

    def say(self, automation: Automation) -> str:
        days = self.value(automation, "days")
        if not days:
            return _("On the last day of a guest's points")
        words = ngettext(
            "%(n)s day before points of a guest run out", "%(n)s days before points of a guest run out", days
        )
        return words % {"n": format_number(days)}
