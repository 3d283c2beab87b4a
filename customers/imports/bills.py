"""Visits in a file: how their cells are read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.imports import cells
from customers.imports.guests import outlet_cleaner
from customers.imports.rows import Reason, RowReader, Values, both, plan_of
from customers.models import ImportJob
from customers.services.validation import clean_name
from servaan_crm.l10n.digits import INVISIBLE, localize, to_ascii
from servaan_crm.l10n.jalali import parse_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import parse_money

COLUMNS = {
    "phone": 'text COLLATE "C"', "name": "text", "at": "timestamptz", "total": "numeric", "discount": "numeric",
    "payment": "text", "type": "text", "items": "jsonb", "item_count": "integer", "table_number": "text",
    "server_name": "text", "outlet": "uuid", "reference": "text", "notes": "text", "reasons": "jsonb",
}  # fmt: skip
OLDEST = timedelta(days=365 * 20)
MAX_ITEMS = 200
MAX_AMOUNT = Decimal("99999999999")
# The time of a visit of which only the day is known, in the café's zone.
NOON = time(12)
_MOMENT = re.compile(
    r"(.*?)(?:[\sT،,–-]+)([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?\s*(Z|[+-][0-9:]+)?"
)
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2})(?::([0-9]{2}))?)?")
_COUNTED = re.compile(
    r"(?:(?P<before>[0-9]{1,3})\s*[x×*]?\s+)?(?P<name>.*?)(?:\s*[x×*]\s*(?P<after>[0-9]{1,3})|\s+(?P<last>[0-9]{1,3}))?"
)
_PLAIN_AMOUNT = re.compile(r"[0-9]{1,12}")
PAYMENTS = {
    "cash": "cash", "نقد": "cash", "نقدی": "cash", "card": "card", "pos": "card", "کارت": "card",
    "کارتخوان": "card", "کارت خوان": "card", "پوز": "card", "کارت به کارت": "card", "online": "online",
    "آنلاین": "online", "اینترنتی": "online", "upi": "online", "bkash": "online", "mixed": "mixed",
    "ترکیبی": "mixed", "points": "points", "امتیاز": "points",
}  # fmt: skip
TYPES = {
    "dine_in": "dine_in", "dine in": "dine_in", "dinein": "dine_in", "سالن": "dine_in", "حضوری": "dine_in",
    "takeaway": "takeaway", "take away": "takeaway", "بیرون بر": "takeaway", "بیرونبر": "takeaway",
    "delivery": "delivery", "ارسال": "delivery", "پیک": "delivery", "ارسال با پیک": "delivery",
}  # fmt: skip


def reader(job: ImportJob) -> RowReader:
    """Return the reader of a file of visits."""
    locale = get_locale()
    unit = job.options.get("unit")
    money = _money_cleaner(
        replace(locale, show_toman=unit == "toman") if unit in ("toman", "rial") else locale
    )
    cleaners: dict[str, cells.Cleaner] = {
        "phone": cells.phone_cleaner(), "name": cells.text_of, "date": _date_cleaner(), "time": _clock,
        "amount": money, "discount": money, "payment": cells.word_cleaner(PAYMENTS),
        "type": cells.word_cleaner(TYPES), "items": items, "table": _short(10), "server": _short(100),
        "outlet": outlet_cleaner(), "reference": _short(100), "notes": _short(5_000),
    }  # fmt: skip
    return RowReader(plan_of(job.mapping, cleaners), tuple(COLUMNS), len(job.headers), _finish)


def _short(most: int) -> cells.Cleaner:
    def clean(cell: Any) -> str | None:
        text = cells.text_of(cell)
        if len(text) > most:
            raise ValidationError(
                _("This text is longer than %(most)s characters.") % {"most": localize(most)}
            )
        return text or None

    return clean


def _money_cleaner(locale: Any) -> cells.Cleaner:
    factor = 10 if locale.in_toman else 1

    @lru_cache(maxsize=65_536)
    def clean(cell: Any) -> Decimal | None:
        text = cells.text_of(cell)
        if _PLAIN_AMOUNT.fullmatch(text):
            return Decimal(int(text) * factor)
        return parse_money(text, locale) if text else None

    return clean


def _date_cleaner() -> cells.Cleaner:
    zone = get_locale().tz
    now = timezone.now()

    @lru_cache(maxsize=65_536)
    def clean(cell: Any) -> datetime | None:
        moment = _moment(cell, zone)
        if moment is not None and moment > now + timedelta(hours=24):
            raise ValidationError(_("This date is in the future."))
        if moment is not None and moment < now - OLDEST:
            raise ValidationError(_("This date is too long ago."))
        return moment

    return clean


def _moment(cell: Any, zone: Any) -> datetime | None:
    """Return the instant of a date with or without a time; midnight of Excel means no time."""
    if isinstance(cell, datetime):
        return datetime.combine(cell.date(), cell.time() if cell.time() != time.min else NOON, zone)
    if isinstance(cell, str):
        text = to_ascii(cell).translate(INVISIBLE).strip()
        if match := _MOMENT.fullmatch(text):
            day, hour, minute, second, offset = match.groups()
            instant = datetime.combine(parse_date(day), _time(hour, minute, second), zone)
            return _with_offset(instant, offset) if offset else instant
    day = cells.day_of(cell)
    return None if day is None else datetime.combine(day, NOON, zone)


def _with_offset(instant: datetime, offset: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{instant:%Y-%m-%dT%H:%M:%S}{offset}")
    except ValueError:
        raise ValidationError(_("There is no such time of day.")) from None


def _time(hour: str, minute: str | None, second: str | None) -> time:
    try:
        return time(int(hour), int(minute or 0), int(second or 0))
    except ValueError:
        raise ValidationError(_("There is no such time of day.")) from None


def _clock(cell: Any) -> time | None:
    """A time of day in a column of its own."""
    if isinstance(cell, time):
        return cell
    if isinstance(cell, datetime):
        return cell.time()
    text = to_ascii(cells.text_of(cell)).translate(INVISIBLE)
    if not text:
        return None
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValidationError(_("Write the time like 14:30."))
    return _time(*match.groups())


@lru_cache(maxsize=8_192)
def items(cell: Any) -> tuple[tuple[str, int], ...] | None:
    """Names with or without a count: «لاته ۲، کیک», ``2 x Latte + Cake``; what it cost is not known."""
    found: dict[str, int] = {}
    for part in re.split(r"[,،;؛+|\n]", to_ascii(cells.text_of(cell))):
        match = _COUNTED.fullmatch(" ".join(part.split()))
        if not part.strip() or match is None:
            continue
        count = int(match["before"] or match["after"] or match["last"] or 1)
        named = match["name"].strip() or part.strip()
        if len(named) > 100:
            raise ValidationError(_("The name of an item is too long."))
        found[named] = found.get(named, 0) + max(1, count)
    if len(found) > MAX_ITEMS:
        raise ValidationError(_("At most %(most)s lines fit on one bill.") % {"most": localize(MAX_ITEMS)})
    return tuple(found.items()) or None


def _finish(values: Values, reasons: list[Reason]) -> None:
    total, at = values.get("amount"), values.get("date")
    if total is None:
        reasons.append(both("amount", lambda: _("The amount is missing.")))
    if at is None:
        reasons.append(both("date", lambda: _("The date is missing.")))
    if reasons or total is None or at is None:
        return
    if total > MAX_AMOUNT:
        reasons.append(both("amount", lambda: _("This amount is too large.")))
    discount = values.get("discount") or Decimal(0)
    if discount > total:
        reasons.append(both("discount", lambda: _("The discount must be between 0 and the total.")))
    if name := values.get("name"):
        try:
            values["name"] = clean_name(name)
        except ValidationError:
            reasons.append(cells.explain("name", clean_name, name))
    if clock := values.get("time"):
        at = datetime.combine(at.date(), clock, at.tzinfo)
    lines = values.get("items") or ()
    values |= {
        "total": total, "discount": discount, "at": at.isoformat(), "items": [_line(*line) for line in lines],
        "item_count": sum(count for _name, count in lines), "table_number": values.get("table"),
        "server_name": values.get("server"), "reference": values.get("reference") or _digest(values, at),
    }  # fmt: skip


def _line(name: str, count: int) -> dict[str, Any]:
    return {
        "item_id": None, "name": name, "category": "", "quantity": count, "unit_price": 0, "total_price": 0,
    }  # fmt: skip


def _digest(values: Values, at: datetime) -> str:
    """Return what a bill without a number is known by: the same row in another upload is the same bill."""
    parts = (
        values.get("phone"), int(at.timestamp()), values["amount"], values.get("discount"), values.get("items"),
        values.get("outlet"), values.get("table"), values.get("payment"),
    )  # fmt: skip
    return "import-" + blake2b(repr(parts).encode(), digest_size=10).hexdigest()
