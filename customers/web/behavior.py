"""The behaviour tab of the profile: the rhythm in words, favourites, hours and spend as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer, Visit
from customers.selectors.behavior import Behavior, DayPart, Month, Trend, get_behavior, preferred
from customers.selectors.next_visit import HORIZON_DAYS, get_next_visit
from customers.selectors.rhythm import ENOUGH_GAPS, Rhythm
from customers.web.profile import rounded
from customers.web.tabs import TabPage
from servaan_crm.accounts.permissions import P
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.jalali import WEEKDAYS, WEEKDAYS_SHORT, format_date, month_name, month_of, week_order
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import format_number, to_screen

# The heat map in units of its viewBox: a column of names beside one square an hour.
CELL, NAMES, HEAD = 14, 52, 16
# Hours at which nobody comes are left out at both ends, down to a café's usual day.
OPENS, CLOSES = 8, 22


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of one weekday: its place in the drawing, its strength 0-1 and its words."""

    x: int
    y: int
    strength: str
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word on an axis."""

    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """When a guest comes: 7 rows in the order of the country's week, hours in reading direction."""

    cells: list[Cell]
    hours: list[Mark]
    days: list[Mark]
    rows: list[tuple[str, str, int]]
    is_rtl: bool
    width: int
    height: int = HEAD + 7 * CELL


def heat_map(behavior: Behavior) -> HeatMap:
    """Return the geometry of the hours; ``rows`` are (weekday, hours, visits) for the table beside it."""
    locale = get_locale()
    language = "fa" if locale.is_persian else "en"
    counts = behavior.patterns.hours
    most = max((count.visits for count in counts.values()), default=0)

    first = min([OPENS, *(hour for _weekday, hour in counts)])
    last = max([CLOSES, *(hour for _weekday, hour in counts)])
    width = NAMES + (last - first + 1) * CELL

    def left(hour: int) -> int:
        return (last - hour) * CELL if locale.is_persian else NAMES + (hour - first) * CELL

    cells, rows = [], []
    for line, weekday in enumerate(week_order()):
        day = WEEKDAYS[language][weekday]
        for hour in range(first, last + 1):
            count = counts.get((weekday, hour))
            visits = count.visits if count else 0
            span = localize(f"{hour}–{hour + 1}")
            strength = f"{0.2 + 0.8 * visits / most:.2f}" if visits else ""
            words = f"{day} {span}: {format_number(visits)}"
            cells.append(Cell(left(hour), HEAD + line * CELL, strength, words))
            if visits:
                rows.append((day, span, visits))
    edge = width if locale.is_persian else 0
    days = [
        Mark(edge, HEAD + line * CELL + 10, WEEKDAYS[language][weekday] if locale.is_persian
             else WEEKDAYS_SHORT["en"][weekday])
        for line, weekday in enumerate(week_order())
    ]  # fmt: skip
    hours = [
        Mark(left(hour) + CELL // 2, 11, localize(hour)) for hour in range(first, last + 1) if hour % 3 == 0
    ]
    return HeatMap(cells, hours, days, rows, locale.is_persian, width)


def month_bars(months: tuple[Month, ...]) -> list[tuple[str, float]]:
    """Return (month name, spend in the unit of the screen), oldest first."""
    return [(month_name(month_of(month.first)[1]), float(to_screen(month.spent))) for month in months]


def rhythm_words(behavior: Behavior) -> list[str]:
    """Return the guest's rhythm in sentences, as staff would say it to each other."""
    rhythm, visits = behavior.rhythm, behavior.customer.summary.total_visits
    if not visits:
        return []
    habit = _habit(behavior)
    if not rhythm.is_known:
        missing = ENOUGH_GAPS - rhythm.gaps
        more = ngettext(
            "Not enough visits for a rhythm yet: %(count)s more will do.",
            "Not enough visits for a rhythm yet: %(count)s more will do.",
            missing,
        )
        return [more % {"count": format_number(missing)}, *habit]
    return [_every(rhythm), *habit, *_due(behavior)]


def _every(rhythm: Rhythm) -> str:
    days = rhythm.own_days or 1
    named = {
        1: _("Comes nearly every day."),
        7: _("Comes about once a week."),
        14: _("Comes about every two weeks."),
        30: _("Comes about once a month."),
    }
    close = next((usual for usual in named if abs(days - usual) <= usual // 15), None)
    if close is not None:
        return named[close]
    spread = round(rhythm.spread or 0)
    if spread < 1:
        return _("Usually comes every %(days)s days.") % {"days": format_number(days)}
    words = _("Usually comes every %(days)s days, give or take %(spread)s.")
    return words % {"days": format_number(days), "spread": format_number(spread)}


def _habit(behavior: Behavior) -> list[str]:
    """Say the weekday and the part of the day, when they stand out."""
    patterns, visits = behavior.patterns, behavior.customer.summary.total_visits
    weekday, part = preferred(patterns.weekdays), preferred(patterns.day_parts)
    if visits < ENOUGH_GAPS + 1 or weekday is None or part is None:
        return []
    day = WEEKDAYS["fa" if get_locale().is_persian else "en"][weekday]
    names = {"day": day, "part": str(DayPart(part).label).lower()}
    often_day = patterns.weekdays[weekday].visits * 3 >= visits
    often_part = patterns.day_parts[part].visits * 2 >= visits
    if often_day and often_part:
        return [_("Mostly on %(day)s, in the %(part)s.") % names]
    if often_part:
        return [_("Mostly in the %(part)s.") % names]
    return [_("Mostly on %(day)s.") % names] if often_day else []


def _due(behavior: Behavior) -> list[str]:
    rhythm, today = behavior.rhythm, behavior.today
    due, late = rhythm.next_expected, rhythm.late_from
    if due is None or late is None:
        return []
    date = format_date(due, style="day_month")
    if due > today:
        return [_("Expected around %(date)s.") % {"date": date}]
    if today < late:
        return [_("Expected these days, since %(date)s.") % {"date": date}]
    days = (today - due).days
    words = ngettext(
        "%(count)s day later than usual by now.", "%(count)s days later than usual by now.", days
    )
    return [words % {"count": format_number(days)}]


def trend_words(trend: Trend) -> tuple[str, str]:
    """Return what to say of the trend, and its tone: "ok", "bad" or ""."""
    change = trend.percent
    if change is None:
        return _("Not enough data to compare the last 90 days with the 90 before."), ""
    shown = {"percent": format_number(abs(change), places=0)}
    if abs(change) < 10:
        return _("Spends about as much as in the 90 days before."), ""
    if change > 0:
        return _("Spends %(percent)s percent more than in the 90 days before.") % shown, "ok"
    return _("Spends %(percent)s percent less than in the 90 days before.") % shown, "bad"


class BehaviorTab(TabPage):
    """``/customers/<id>/tab/behavior/``."""

    tab = "behavior"
    template_name = "customers/tabs/behavior.html"
    permission = P.CUSTOMERS_VIEW

    def context(self, customer: Customer) -> dict[str, Any]:
        """Return the behaviour and its pictures; at most ten queries whatever the guest's history."""
        behavior = get_behavior(customer)
        trend, tone = trend_words(behavior.spending.trend)
        patterns = behavior.patterns
        said, error = get_next_visit(customer.pk)
        payment, kind = preferred(patterns.payments), preferred(patterns.visit_types)
        return {
            "behavior": behavior,
            "next_visit": None if said is None else round(100 * said),
            "next_error": error,
            "next_days": HORIZON_DAYS,
            "words": rhythm_words(behavior),
            "is_late": _is_late(behavior),
            "trend": trend,
            "trend_tone": tone,
            "average_bill": rounded(customer.summary.average_spend),
            "heat": heat_map(behavior),
            "months": month_bars(behavior.spending.months),
            "has_spent": any(month.visits for month in behavior.spending.months),
            "part": DayPart(behavior.peak_order_time).label if behavior.peak_order_time else "",
            "payment": Visit.PaymentMethod(payment).label if payment else "",
            "visit_type": Visit.VisitType(kind).label if kind else "",
            "items": behavior.items.recent or behavior.items.lifetime,
            "lately": bool(behavior.items.recent),
        }


def _is_late(behavior: Behavior) -> bool:
    late = behavior.rhythm.late_from
    return late is not None and behavior.today >= late
