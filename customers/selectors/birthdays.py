"""Whose birthday it is this week, for the home page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from customers.selectors.events import EventType, UpcomingEvent, upcoming_events


@dataclass(frozen=True, slots=True)
class Birthdays:
    """How many guests celebrate today, and today or within the days asked for; the next of them by day."""

    today: int
    upcoming: int
    guests: list[UpcomingEvent]


def get_birthdays(today: dt.date, days: int = 7, limit: int = 5) -> Birthdays:
    """Return which guests celebrate today or within the next ``days`` days, from two queries.

    Who is left out is said in :mod:`customers.selectors.events`.
    """
    events = upcoming_events(days, today=today, types=[EventType.BIRTHDAY])
    now, upcoming = events.counts()
    return Birthdays(now, upcoming, events[:limit] if upcoming else [])
