"""Dates in the café's calendar and time zone; the database knows Gregorian dates and UTC only.

Conversion by ``jdatetime``, always with explicit arguments: its ``set_locale`` is global state.
All bounds are half-open: ``start <= x < end``.
"""

from __future__ import annotations

import calendar as gregorian
import datetime as dt
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

import jdatetime
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .digits import INVISIBLE, localize, to_ascii, to_persian
from .locale import CafeLocale, get_locale

JALALI_MONTHS = {
    "fa": (
        *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
        *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
    ),
    "en": (
        *("Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar"),
        *("Mehr", "Aban", "Azar", "Dey", "Bahman", "Esfand"),
    ),
}
GREGORIAN_MONTHS = {
    "fa": (
        *("ژانویه", "فوریه", "مارس", "آوریل", "مه", "ژوئن"),
        *("ژوئیه", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
# By date.weekday(): Monday is 0.
WEEKDAYS = {
    "fa": ("دوشنبه", "سه‌شنبه", "چهارشنبه", "پنج‌شنبه", "جمعه", "شنبه", "یکشنبه"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
WEEKDAYS_SHORT = {
    "fa": ("د", "س", "چ", "پ", "ج", "ش", "ی"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
SATURDAY, SUNDAY, MONDAY = 5, 6, 0
_WEEK_STARTS = {"IR": SATURDAY, "AF": SATURDAY, "IN": SUNDAY, "BD": SUNDAY}

# A year below this is Jalali in a Jalali café: no guest was born before 1700, no visit is in 2321.
_JALALI_BELOW = 1700


class DateError(ValueError):
    """A date that cannot be understood; ``message_fa`` and ``message_en`` say what is wrong."""

    code = "INVALID_DATE"

    def __init__(self, raw: str, message_fa: str, message_en: str) -> None:
        super().__init__(message_en)
        self.raw = raw
        self.message_fa = message_fa
        self.message_en = message_en

    def message(self, language: str) -> str:
        """Return the message in "fa" or "en"."""
        return self.message_fa if language.startswith("fa") else self.message_en


class CalendarDay(NamedTuple):
    """A day as numbers of some calendar."""

    year: int
    month: int
    day: int


# --- conversion


def to_jalali(date: dt.date) -> CalendarDay:
    """Return the Jalali year, month and day of a Gregorian date."""
    day = jdatetime.date.fromgregorian(year=date.year, month=date.month, day=date.day)
    return CalendarDay(day.year, day.month, day.day)


def from_jalali(year: int, month: int, day: int) -> dt.date:
    """Return the Gregorian date of a Jalali day. Raises ValueError when there is no such day."""
    date: dt.date = jdatetime.date(year, month, day).togregorian()
    return date


def is_jalali_leap(year: int) -> bool:
    """Whether Esfand of that Jalali year has 30 days."""
    return bool(jdatetime.date(year, 1, 1).isleap())


def to_calendar(date: dt.date, locale: CafeLocale | None = None) -> CalendarDay:
    """Return year, month and day of ``date`` in the locale's calendar."""
    locale = locale or get_locale()
    return to_jalali(date) if locale.is_jalali else CalendarDay(date.year, date.month, date.day)


def from_calendar(year: int, month: int, day: int, locale: CafeLocale | None = None) -> dt.date:
    """Return the Gregorian date of a day in the locale's calendar. Raises ValueError."""
    locale = locale or get_locale()
    return from_jalali(year, month, day) if locale.is_jalali else dt.date(year, month, day)


def month_length(year: int, month: int, locale: CafeLocale | None = None) -> int:
    """Return the number of days of a month of the locale's calendar."""
    locale = locale or get_locale()
    if not locale.is_jalali:
        return gregorian.monthrange(year, month)[1]
    if month <= 6:
        return 31
    return 30 if month < 12 or is_jalali_leap(year) else 29


# --- reading


def _date_error(raw: str, *, jalali: bool, shape: bool) -> DateError:
    example = "1404/08/29" if jalali else "2025-11-20"

    def say() -> str:
        if shape:
            return _("Enter a date such as %(example)s.") % {"example": example}
        return _("There is no such day in the calendar. Check the day and the month.")

    with translation.override("fa"):
        fa = to_persian(say())
    with translation.override("en"):
        return DateError(raw, fa, say())


def parse_date(raw: str, locale: CafeLocale | None = None) -> dt.date:
    """Return the Gregorian date a person or a program typed.

    raw: ``2025-11-20``, or in a Jalali café ``1404/8/29`` (a year below 1700 is Jalali); year first or
    last, separated by - / . or spaces, or eight digits; digits of any script. A time after the date
    (``2025-11-20T10:00``) is an error: an instant has no date before a zone is chosen.
    Raises DateError.
    """
    locale = locale or get_locale()
    text = to_ascii(raw or "").translate(INVISIBLE).strip()
    match = re.fullmatch(
        r"([0-9]{4})[-/.\s\u2010-\u2015]+([0-9]{1,2})[-/.\s\u2010-\u2015]+([0-9]{1,2})", text
    )
    match = match or re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", text)
    if match:
        year, month, day = map(int, match.groups())
    elif match := re.fullmatch(r"([0-9]{1,2})[-/.\s]+([0-9]{1,2})[-/.\s]+([0-9]{4})", text):
        day, month, year = map(int, match.groups())
    else:
        raise _date_error(raw, jalali=locale.is_jalali, shape=True)
    try:
        if year >= _JALALI_BELOW:
            return dt.date(year, month, day)
        if locale.is_jalali:
            return from_jalali(year, month, day)
    except ValueError:
        raise _date_error(raw, jalali=locale.is_jalali, shape=False) from None
    raise _date_error(raw, jalali=False, shape=True)


# --- writing


def month_name(month: int, locale: CafeLocale | None = None) -> str:
    """Return the name of month 1-12 of the locale's calendar, in its language."""
    return month_names(locale)[month - 1]


def month_names(locale: CafeLocale | None = None) -> tuple[str, ...]:
    """Return the twelve month names of the locale's calendar, in its language."""
    locale = locale or get_locale()
    names = JALALI_MONTHS if locale.is_jalali else GREGORIAN_MONTHS
    return names["fa" if locale.is_persian else "en"]


def weekday_name(date: dt.date, locale: CafeLocale | None = None, *, short: bool = False) -> str:
    """Return the name of the date's day of the week, in the locale's language."""
    locale = locale or get_locale()
    return (WEEKDAYS_SHORT if short else WEEKDAYS)["fa" if locale.is_persian else "en"][date.weekday()]


def week_order(locale: CafeLocale | None = None) -> tuple[int, ...]:
    """Return ``date.weekday()`` numbers in the order the country's week runs (Iran: Saturday first)."""
    locale = locale or get_locale()
    first = _WEEK_STARTS.get(locale.country, MONDAY)
    return tuple((first + offset) % 7 for offset in range(7))


def format_date(date: dt.date | None, locale: CafeLocale | None = None, style: str = "short") -> str:
    """Return ``date`` in the locale's calendar, language and digits; "" for None.

    style: "short" ۱۴۰۴/۰۸/۲۹ or 2025-11-20 (both read back by :func:`parse_date`), "long" ۲۹ آبان ۱۴۰۴,
    "day_month" ۲۹ آبان, "month_year" آبان ۱۴۰۴, "weekday" پنج‌شنبه ۲۹ آبان ۱۴۰۴.
    A datetime must be made local first; its own date is taken.
    """
    if date is None:
        return ""
    locale = locale or get_locale()
    year, month, day = to_calendar(date, locale)
    name = month_name(month, locale)
    mark = "/" if locale.is_jalali or locale.is_persian else "-"
    styles = {
        "short": f"{year:04d}{mark}{month:02d}{mark}{day:02d}",
        "long": f"{day} {name} {year}",
        "day_month": f"{day} {name}",
        "month_year": f"{name} {year}",
        "weekday": f"{weekday_name(date, locale)} {day} {name} {year}",
    }
    return localize(styles[style], locale)


def format_time(instant: dt.datetime | None, locale: CafeLocale | None = None) -> str:
    """Return hours and minutes of an aware instant in the locale's zone; "" for None."""
    if instant is None:
        return ""
    locale = locale or get_locale()
    return localize(f"{instant.astimezone(locale.tz):%H:%M}", locale)


def format_datetime(
    instant: dt.datetime | None, locale: CafeLocale | None = None, style: str = "short"
) -> str:
    """Return an aware instant in the locale's zone: ``۱۴۰۴/۰۸/۲۹ ۱۴:۳۰``, long ``۲۹ آبان ۱۴۰۴، ۱۴:۳۰``."""
    if instant is None:
        return ""
    locale = locale or get_locale()
    day = format_date(local_date(instant, locale), locale, style)
    comma = "" if style == "short" else "،" if locale.is_persian else ","
    return f"{day}{comma} {format_time(instant, locale)}"


# --- spans


def local_date(instant: dt.datetime, locale: CafeLocale | None = None) -> dt.date:
    """Return the date an aware instant falls on in the locale's zone."""
    if instant.tzinfo is None:
        raise ValueError("an aware datetime is needed to know its local date")
    return instant.astimezone((locale or get_locale()).tz).date()


def local_day_bounds(date: dt.date, tz: ZoneInfo | str) -> tuple[dt.datetime, dt.datetime]:
    """Return the UTC instants at which the local day begins and the next one begins.

    At the two ends of Python's calendar the first or the last instant there is.
    """
    zone = ZoneInfo(tz) if isinstance(tz, str) else tz
    following = _midnight(date + dt.timedelta(days=1), zone) if date < dt.date.max else _LAST
    return _midnight(date, zone), following


_FIRST, _LAST = (moment.replace(tzinfo=dt.UTC) for moment in (dt.datetime.min, dt.datetime.max))


def _midnight(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    try:
        return dt.datetime.combine(date, dt.time.min, zone).astimezone(dt.UTC)
    except OverflowError:
        return _FIRST if date.year == dt.MINYEAR else _LAST


def month_of(date: dt.date, locale: CafeLocale | None = None) -> tuple[int, int]:
    """Return (year, month) of the date in the locale's calendar."""
    return to_calendar(date, locale)[:2]


def month_bounds(date: dt.date, locale: CafeLocale | None = None) -> tuple[dt.date, dt.date]:
    """Return the first day of the date's calendar month and the first day of the next one."""
    locale = locale or get_locale()
    year, month = month_of(date, locale)
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return from_calendar(year, month, 1, locale), from_calendar(*following, 1, locale)


def year_bounds(date: dt.date, locale: CafeLocale | None = None) -> tuple[dt.date, dt.date]:
    """Return the first day of the date's calendar year and the first day of the next one."""
    locale = locale or get_locale()
    year = to_calendar(date, locale).year
    return from_calendar(year, 1, 1, locale), from_calendar(year + 1, 1, 1, locale)


def week_bounds(date: dt.date, locale: CafeLocale | None = None) -> tuple[dt.date, dt.date]:
    """Return the first day of the date's week (Saturday in Iran) and the first day of the next one."""
    first = date - dt.timedelta(days=week_order(locale).index(date.weekday()))
    return first, first + dt.timedelta(days=7)


def add_months(date: dt.date, months: int, locale: CafeLocale | None = None) -> dt.date:
    """Return the same day ``months`` later (or earlier), or the last day of a month that is too short."""
    locale = locale or get_locale()
    year, month, day = to_calendar(date, locale)
    year, month = divmod(year * 12 + month - 1 + months, 12)
    return _clamped(year, month + 1, day, locale)


def _clamped(year: int, month: int, day: int, locale: CafeLocale) -> dt.date:
    return from_calendar(year, month, min(day, month_length(year, month, locale)), locale)


def next_occurrence(birthday: dt.date, today: dt.date, locale: CafeLocale | None = None) -> dt.date:
    """Return the next birthday or anniversary, today included, in the locale's calendar.

    30 Esfand is kept on 29 Esfand in common years, 29 February on 28 February.
    """
    locale = locale or get_locale()
    born = to_calendar(birthday, locale)
    year = to_calendar(today, locale).year
    this_year = _clamped(year, born.month, born.day, locale)
    return this_year if this_year >= today else _clamped(year + 1, born.month, born.day, locale)


def days_since(instant: dt.datetime, now: dt.datetime, locale: CafeLocale | None = None) -> int:
    """Return whole days between the local dates of two aware instants (0: the same day)."""
    return (local_date(now, locale) - local_date(instant, locale)).days


def relative_day(instant: dt.datetime | None, now: dt.datetime, locale: CafeLocale | None = None) -> str:
    """Return how long ago (or ahead) an aware instant is, in words: امروز، دیروز، ۳ روز پیش، ۲ هفته پیش.

    Weeks from 7 days on, months of 30 days from 30 days on, years of 365 days; "" for None.
    """
    if instant is None:
        return ""
    locale = locale or get_locale()
    days = days_since(instant, now, locale)
    with translation.override(locale.language):
        return localize(_days_in_words(days), locale)


def _days_in_words(days: int) -> str:
    near = {0: _("today"), 1: _("yesterday"), -1: _("tomorrow")}
    if days in near:
        return near[days]
    size, count = abs(days), abs(days)
    if days > 0:
        words = ngettext("%(count)d day ago", "%(count)d days ago", count)
        if size >= 365:
            count = size // 365
            words = ngettext("%(count)d year ago", "%(count)d years ago", count)
        elif size >= 30:
            count = size // 30
            words = ngettext("%(count)d month ago", "%(count)d months ago", count)
        elif size >= 7:
            count = size // 7
            words = ngettext("%(count)d week ago", "%(count)d weeks ago", count)
    else:
        words = ngettext("in %(count)d day", "in %(count)d days", count)
    return words % {"count": count}
