"""Template filters that write in the locale in force: ``{% load l10n %}``."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import template
from django.templatetags import l10n as django_l10n
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from servaan_crm.l10n import digits as _digits
from servaan_crm.l10n import jalali, money, phone, text

register = template.Library()
# This library hides Django's own of the same name, which the admin's templates load.
register.filters.update(django_l10n.register.filters)
register.tags.update(django_l10n.register.tags)


@register.filter(name="digits")
def digits_filter(value: object) -> str:
    """Return the value with the locale's digits; not for codes. None gives ""."""
    return "" if value is None else _digits.localize(value)


@register.filter(name="money")
def money_filter(amount: Decimal | int | None) -> str:
    """Return an amount in base units as ``۱۲۵٬۰۰۰ تومان``."""
    return money.format_money(_or_none(amount))


@register.filter
def money_bare(amount: Decimal | int | None) -> str:
    """Return an amount without its unit, for a column whose head names the unit."""
    return money.format_money(_or_none(amount), unit=False)


@register.filter
def money_short(amount: Decimal | int | None) -> str:
    """Return a rounded amount for a card: ``۱۸٫۲ میلیون تومان``."""
    return money.compact_money(_or_none(amount))


@register.filter
def number(value: Decimal | float | None, places: int = 0) -> str:
    """Return a grouped number; ``places``: most digits after the point."""
    return money.format_number(_or_none(value), places=int(places))


@register.filter
def percent(value: Decimal | float | None, places: int = 1) -> str:
    """Return a percentage: 25 → ``۲۵٪``."""
    return money.format_percent(_or_none(value), places=int(places))


@register.filter
def jdate(value: dt.date | None, style: str = "short") -> str:
    """Return a date (or an aware instant's local date) in the café's calendar; style as in jalali.py."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = jalali.local_date(value)
    return jalali.format_date(value or None, style=style)


@register.filter
def jdatetime(value: dt.datetime | None, style: str = "short") -> str:
    """Return an aware instant as local date and time."""
    return jalali.format_datetime(value or None, style=style)


@register.filter
def jtime(value: dt.datetime | None) -> str:
    """Return the local hours and minutes of an aware instant."""
    return jalali.format_time(value or None)


@register.filter
def ago(value: dt.datetime | None) -> str:
    """Return how long ago an aware instant was, in words: امروز، دیروز، ۳ روز پیش."""
    return jalali.relative_day(value or None, timezone.now())


@register.filter(name="phone")
def phone_filter(e164: str | None) -> SafeString:
    """Return a number grouped for reading, isolated so that its groups keep their order."""
    if not e164:
        return SafeString("")
    return format_html('<bdi dir="ltr">{}</bdi>', phone.display(e164))


@register.filter(name="initials")
def initials_filter(name: str | None) -> str:
    """Return the letters of an avatar."""
    return text.initials(name or "")


@register.filter(name="highlight")
def highlight_filter(value: str | None, query: str | None) -> SafeString:
    """Return the text with the hits of a search query in ``<mark>``; both are escaped."""
    pieces = text.highlight(value or "", query or "")
    return format_html_join("", "{}{}{}", (_marked(fragment, hit) for fragment, hit in pieces))


def _marked(fragment: str, hit: bool) -> tuple[Any, str, Any]:
    opening, closing = (SafeString("<mark>"), SafeString("</mark>")) if hit else ("", "")
    return opening, fragment, closing


@register.simple_tag
def money_unit() -> str:
    """Return what stands beside an amount field: تومان, ₹."""
    return money.unit_name()


def _or_none(value: Any) -> Any:
    """Templates hand over "" for a missing variable."""
    return None if value == "" else value
