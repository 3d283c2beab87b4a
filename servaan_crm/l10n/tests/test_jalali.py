import datetime as dt
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servaan_crm.l10n import jalali, locale
from servaan_crm.l10n.jalali import DateError, format_date, from_jalali, parse_date, to_jalali

DAY = dt.date(2025, 11, 20)
IR_EN = locale.CafeLocale("IR", "IR", "IRR", True, "jalali", "en", "Asia/Tehran")
years = st.integers(1300, 1500)
dates = st.dates(dt.date(1921, 3, 21), dt.date(2122, 3, 20))
locales = st.sampled_from([locale.IR, locale.IN, locale.BD, IR_EN])


@pytest.mark.parametrize(
    ("year", "nowruz"),
    [(1403, "2024-03-20"), (1404, "2025-03-21"), (1405, "2026-03-21"), (1408, "2029-03-20")],
)
def test_nowruz(year, nowruz):
    assert from_jalali(year, 1, 1) == dt.date.fromisoformat(nowruz)
    assert to_jalali(dt.date.fromisoformat(nowruz)) == (year, 1, 1)


def test_leap_years():
    leap = [year for year in range(1395, 1412) if jalali.is_jalali_leap(year)]
    assert leap == [1395, 1399, 1403, 1408]
    with pytest.raises(ValueError, match="day"):
        from_jalali(1404, 12, 30)


@given(dates)
def test_conversion_round_trip(date):
    assert from_jalali(*to_jalali(date)) == date
    following = to_jalali(date + dt.timedelta(days=1))
    assert to_jalali(date) < following


@given(dates, locales)
def test_short_dates_read_back(date, place):
    assert parse_date(format_date(date, place), place) == date
    assert parse_date(date.isoformat(), place) == date


@pytest.mark.parametrize(
    "raw",
    [
        "2025-11-20",
        "1404/08/29",
        "1404-8-29",
        "۱۴۰۴/۸/۲۹",
        "١٤٠٤.٠٨.٢٩",
        "29/8/1404",
        "14040829",
        "\u200e۱۴۰۴/۰۸/۲۹ ",
    ],
)
def test_forms_of_a_date(raw):
    assert parse_date(raw, locale.IR) == DAY


def test_a_gregorian_cafe_reads_gregorian():
    assert parse_date("20/11/2025", locale.IN) == DAY
    with pytest.raises(DateError, match="2025-11-20"):
        parse_date("1404-08-29", locale.IN)


@pytest.mark.parametrize(
    "raw",
    ["", "abc", "1404/13/01", "1404/12/30", "1404/00/10", "2025-02-30", "2025-11-20T10:00", "0000-01-01"],
)
def test_a_refused_date_says_why(raw):
    with pytest.raises(DateError) as error:
        parse_date(raw, locale.IR)
    assert error.value.message_fa
    assert error.value.message_en
    assert error.value.code == "INVALID_DATE"


@given(st.text())
def test_any_text_is_a_date_or_a_date_error(raw):
    for place in (locale.IR, locale.IN):
        with suppress(DateError):
            parse_date(raw, place)


def test_styles():
    shown = {
        style: format_date(DAY, locale.IR, style) for style in ("short", "long", "day_month", "month_year")
    }
    assert shown == {
        "short": "۱۴۰۴/۰۸/۲۹",
        "long": "۲۹ آبان ۱۴۰۴",
        "day_month": "۲۹ آبان",
        "month_year": "آبان ۱۴۰۴",
    }
    assert format_date(DAY, locale.IR, "weekday") == "پنج‌شنبه ۲۹ آبان ۱۴۰۴"
    assert format_date(DAY, locale.IN, "long") == "20 November 2025"
    assert format_date(DAY, IR_EN, "long") == "29 Aban 1404"
    assert format_date(None) == ""


def test_instants_are_shown_in_the_zone_of_the_cafe():
    instant = dt.datetime(2025, 11, 19, 21, 0, tzinfo=dt.UTC)
    assert jalali.format_datetime(instant, locale.IR) == "۱۴۰۴/۰۸/۲۹ ۰۰:۳۰"
    assert jalali.format_datetime(instant, locale.IR, "long") == "۲۹ آبان ۱۴۰۴، ۰۰:۳۰"
    assert jalali.format_datetime(instant, locale.IN, "long") == "20 November 2025, 02:30"
    with pytest.raises(ValueError, match="aware"):
        jalali.local_date(dt.datetime(2025, 1, 1))


def test_the_week_starts_on_saturday_in_iran():
    assert jalali.week_bounds(DAY, locale.IR) == (dt.date(2025, 11, 15), dt.date(2025, 11, 22))
    assert [jalali.WEEKDAYS["fa"][day] for day in jalali.week_order(locale.IR)][:2] == ["شنبه", "یکشنبه"]
    assert jalali.week_bounds(DAY, locale.IN)[0] == dt.date(2025, 11, 16)


@given(dates, locales)
def test_bounds_hold_the_date(date, place):
    for bounds in (jalali.month_bounds, jalali.year_bounds, jalali.week_bounds):
        first, following = bounds(date, place)
        assert first <= date < following
        assert bounds(first, place) == (first, following) == bounds(following - dt.timedelta(days=1), place)
    assert jalali.month_of(jalali.month_bounds(date, place)[0], place) == jalali.month_of(date, place)


@given(dates, st.integers(-600, 600), locales)
def test_add_months_keeps_the_day_where_it_can(date, months, place):
    year, month, day = jalali.to_calendar(date, place)
    later = jalali.to_calendar(jalali.add_months(date, months, place), place)
    assert (later.year * 12 + later.month) - (year * 12 + month) == months
    assert later.day == min(day, jalali.month_length(later.year, later.month, place))


@pytest.mark.parametrize(
    ("born", "today", "expected"),
    [
        ((1403, 12, 30), (1404, 1, 1), (1404, 12, 29)),
        ((1403, 12, 30), (1404, 12, 29), (1404, 12, 29)),
        ((1403, 12, 30), (1405, 1, 1), (1405, 12, 29)),
        ((1403, 12, 30), (1408, 1, 1), (1408, 12, 30)),
        ((1370, 8, 29), (1404, 8, 29), (1404, 8, 29)),
        ((1370, 8, 28), (1404, 8, 29), (1405, 8, 28)),
    ],
)
def test_next_birthday(born, today, expected):
    assert jalali.next_occurrence(from_jalali(*born), from_jalali(*today), locale.IR) == from_jalali(
        *expected
    )


def test_next_birthday_of_29_february():
    born = dt.date(2000, 2, 29)
    assert jalali.next_occurrence(born, dt.date(2025, 1, 1), locale.IN) == dt.date(2025, 2, 28)
    assert jalali.next_occurrence(born, dt.date(2028, 1, 1), locale.IN) == dt.date(2028, 2, 29)


@given(dates, dates, locales)
def test_next_occurrence_is_within_a_year(born, today, place):
    following = jalali.next_occurrence(born, today, place)
    assert today <= following <= today + dt.timedelta(days=366)
    assert jalali.month_of(following, place)[1] == jalali.month_of(born, place)[1]


def test_local_day_bounds():
    first, following = jalali.local_day_bounds(DAY, "Asia/Tehran")
    assert first == dt.datetime(2025, 11, 19, 20, 30, tzinfo=dt.UTC)
    assert following - first == dt.timedelta(days=1)
    spring = jalali.local_day_bounds(
        dt.date(2021, 3, 22), ZoneInfo("Asia/Tehran")
    )  # Iran still changed clocks
    assert spring[1] - spring[0] == dt.timedelta(hours=23)


def test_days_since_counts_local_dates():
    evening = dt.datetime(2025, 11, 19, 20, 0, tzinfo=dt.UTC)  # 23:30 in Tehran
    assert jalali.days_since(evening, evening + dt.timedelta(hours=1), locale.IR) == 1


@pytest.mark.parametrize(
    ("days", "en"),
    [
        (0, "today"),
        (1, "yesterday"),
        (3, "3 days ago"),
        (6, "6 days ago"),
        (7, "1 week ago"),
        (29, "4 weeks ago"),
        (30, "1 month ago"),
        (364, "12 months ago"),
        (365, "1 year ago"),
        (-1, "tomorrow"),
        (-5, "in 5 days"),
    ],
)
def test_relative_day(days, en):
    now = dt.datetime(2025, 11, 20, 12, tzinfo=dt.UTC)
    assert jalali.relative_day(now - dt.timedelta(days=days), now, locale.IN) == en
    assert jalali.relative_day(None, now, locale.IN) == ""
