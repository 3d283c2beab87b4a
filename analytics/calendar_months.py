"""Months of the café's calendar as codes: "1405-03" in an Iranian café, "2026-03" elsewhere."""

from __future__ import annotations

import datetime as dt
import re

from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import from_calendar, month_bounds, month_of


def month_code(day: dt.date) -> str:
    """Return the code of the month that ``day`` lies in."""
    year, month = month_of(day)
    return f"{year:04d}-{month:02d}"


def month_span(code: str) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of the month of a code, digits of any script. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", to_ascii(code))
    if match is None:
        raise ValueError(code)
    first, following = month_bounds(from_calendar(int(match[1]), int(match[2]), 1))
    return first, following - dt.timedelta(days=1)
