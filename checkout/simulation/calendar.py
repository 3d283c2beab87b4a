"""When a café is full: weekdays, hours, Nowruz and Ramadan, as a table of days."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from servaan_crm.l10n.jalali import local_day_bounds, to_jalali
from servaan_crm.l10n.locale import CafeLocale

BUCKETS = 400
QUARTERS = 96

# First day of Ramadan and of Shawwal 1444-1454 AH by the Umm al-Qura calendar, as the hijridate package (2.6)
# has it. In Iran the moon is sighted, often a day later; a simulation can bear that.
RAMADAN = tuple(
    (date.fromisoformat(first), date.fromisoformat(after))
    for first, after in (
        ("2023-03-23", "2023-04-21"),
        ("2024-03-11", "2024-04-10"),
        ("2025-03-01", "2025-03-30"),
        ("2026-02-18", "2026-03-20"),
        ("2027-02-08", "2027-03-09"),
        ("2028-01-28", "2028-02-26"),
        ("2029-01-16", "2029-02-14"),
        ("2030-01-05", "2030-02-04"),
        ("2030-12-26", "2031-01-24"),
        ("2031-12-15", "2032-01-14"),
        ("2032-12-04", "2033-01-02"),
    )
)


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: when it begins (ms since 1970, UTC), how busy (0-1), and when guests come.

    ``minutes`` are the quantiles of the minute of arrival: a uniform draw picks one.
    """

    number: int
    date: date
    start_ms: int
    weight: float
    minutes: tuple[int, ...]


def is_ramadan(day: date) -> bool:
    """Whether the day falls into Ramadan (known for 2023-2032)."""
    return any(first <= day < after for first, after in RAMADAN)


def iftar_minute(day: date) -> int:
    """Return the minute of the day of iftar in Tehran, to about ten minutes.

    A sine through the sunsets of the solstices (16:54 and 19:24, UTC+3:30) plus a quarter of an hour.
    """
    phase = 2 * math.pi * (day.timetuple().tm_yday - 172) / 365.25
    return round(1089 + 75 * math.cos(phase)) + 15


def _peaks(opening: float, closing: float, *bumps: tuple[float, float, float]) -> Callable[[float], float]:
    """Return the arrivals over the day as a sum of bumps (hour, width in hours, height)."""

    def density(hour: float) -> float:
        if not opening <= hour < closing:
            return 0.0
        return sum(height * math.exp(-(((hour - at) / width) ** 2) / 2) for at, width, height in bumps)

    return density


IR_WORKDAY = _peaks(8, 23.5, (9, 0.9, 0.7), (13, 1.2, 0.45), (17.5, 1.3, 0.8), (20.5, 1.4, 1.0))
IR_WEEKEND = _peaks(9, 23.9, (10.5, 1.2, 0.8), (14, 1.5, 0.35), (18, 1.5, 0.9), (21, 1.4, 1.6))
IN_WORKDAY = _peaks(7, 22.5, (8.5, 0.9, 1.3), (13, 0.9, 0.7), (17.5, 1.2, 1.1), (20, 1.0, 0.7))
IN_WEEKEND = _peaks(7, 22.75, (9.8, 1.3, 1.6), (13, 1.0, 0.7), (18, 1.5, 1.1), (20.5, 1.1, 1.0))


def _ramadan(day: date) -> Callable[[float], float]:
    """Hardly anyone by day, everybody after iftar."""
    iftar = iftar_minute(day) / 60

    def density(hour: float) -> float:
        if hour < iftar:
            return 0.03 if hour >= 11 else 0.0
        return math.exp(-(((hour - iftar - 1.75) / 1.6) ** 2) / 2) if hour < 23.9 else 0.0

    return density


def _quantiles(density: Callable[[float], float]) -> tuple[int, ...]:
    weights = [density((quarter + 0.5) / 4) for quarter in range(QUARTERS)]
    total, reached, quarter, result = sum(weights), weights[0], 0, []
    for bucket in range(BUCKETS):
        wanted = (bucket + 0.5) / BUCKETS * total
        while reached < wanted:
            quarter += 1
            reached += weights[quarter]
        within = 1 - (reached - wanted) / weights[quarter]
        result.append(int((quarter + within) * 15))
    return tuple(result)


_BY_MOOD = {
    "IR_workday": _quantiles(IR_WORKDAY),
    "IR_weekend": _quantiles(IR_WEEKEND),
    "IN_workday": _quantiles(IN_WORKDAY),
    "IN_weekend": _quantiles(IN_WEEKEND),
}
# By date.weekday(), Monday first. In Iran the weekend is Thursday evening and Friday.
_IR_WEEK = (0.58, 0.6, 0.68, 0.95, 1.0, 0.6, 0.56)
_IN_WEEK = (0.66, 0.66, 0.68, 0.72, 0.8, 1.0, 0.98)


def _nowruz(day: date) -> float:
    """Return how busy a day around the new year is against an ordinary one; 0 is closed."""
    _, month, number = to_jalali(day)
    if month == 12 and number >= 25:
        return 1.1  # the last shopping days
    if month != 1 or number > 13:
        return 1.0
    if number <= 3:
        return 0.0
    if number <= 6:
        return 0.5
    return 1.2 if number <= 12 else 0.35  # on the 13th everybody is in the countryside


def _iranian_day(day: date) -> tuple[float, tuple[int, ...]]:
    weight = _IR_WEEK[day.weekday()] * _nowruz(day)
    if is_ramadan(day):
        return weight * 0.75, _quantiles(_ramadan(day))
    return weight, _BY_MOOD["IR_weekend" if day.weekday() in (3, 4) else "IR_workday"]


def _indian_day(day: date) -> tuple[float, tuple[int, ...]]:
    return _IN_WEEK[day.weekday()], _BY_MOOD["IN_weekend" if day.weekday() >= 5 else "IN_workday"]


def build_days(last: date, count: int, locale: CafeLocale) -> list[Day]:
    """Return ``count`` local days that end with ``last``, numbered from 0."""
    build = _iranian_day if locale.country == "IR" else _indian_day
    days = []
    for number in range(count):
        day = last - timedelta(days=count - 1 - number)
        weight, minutes = build(day)
        start = local_day_bounds(day, locale.tz)[0]
        days.append(Day(number, day, int(start.timestamp() * 1000), min(1.0, weight / 1.2), minutes))
    return days


def arrival_days(days: list[Day], growth: float = 0.35) -> list[int]:
    """Return quantiles of the day a new guest comes for the first time: busy days bring more of them.

    growth: by how much the share of newcomers shrinks from the opening to the last day.
    """
    weights = [day.weight * (1 - growth * index / len(days)) for index, day in enumerate(days)]
    if not any(weights):
        raise ValueError("the café is closed on all of these days")
    size = max(BUCKETS * 10, len(days) * 20)
    total, reached, index, result = sum(weights), weights[0], 0, []
    for bucket in range(size):
        while reached < (bucket + 0.5) / size * total:
            index += 1
            reached += weights[index]
        result.append(days[index].number)
    return result
