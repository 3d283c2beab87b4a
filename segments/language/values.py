"""Reading the values of criteria: each function takes a JSON value and its path and returns what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from segments.errors import InvalidCriteria
from servaan_crm.l10n.digits import plain_number
from servaan_crm.l10n.jalali import DateError, parse_date

MOST = Decimal(10) ** 15
# PostgreSQL refuses numbers with very many decimals, and a bill has two.
MOST_DECIMALS = 20
MOST_DAYS = 36_500
MOST_VALUES = 200


def fail(path: str, problem: str, allowed: Iterable[Any]) -> InvalidCriteria:
    """Return the refusal that names the place, the fault and what may stand there."""
    legal = [str(item) for item in allowed]
    return InvalidCriteria(
        params={"path": path, "problem": problem},
        details={"path": path, "problem": problem, "allowed": legal},
    )


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``least`` to ``most``, both included unless strict; None: open."""

    least: Decimal | None = None
    most: Decimal | None = None
    is_strict_least: bool = False
    is_strict_most: bool = False
    unequal: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``values``, or none of them."""

    values: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Members:
    """A set of things a guest has: any, all or none of ``values``."""

    values: tuple[str, ...]
    mode: str = "any"


@dataclass(frozen=True, slots=True)
class Days:
    """Dates in a range of local days; ``known`` asks only whether there is a date."""

    first: date | None = None
    last: date | None = None
    known: bool | None = None


def number(given: Any, path: str) -> Decimal:
    """Return a number from 0 up to 10^15; a text may have the digits and thousands marks of any script."""
    if isinstance(given, bool) or not isinstance(given, (int, float, str, Decimal)):
        raise fail(path, _("a number is needed"), ["number"])
    try:
        found = Decimal(plain_number(given) if isinstance(given, str) else str(given))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= MOST:
        raise fail(path, _("a number from 0 is needed"), ["number"])
    if not found:
        return Decimal(0)
    if -int(found.as_tuple().exponent) > MOST_DECIMALS:
        raise fail(path, _("the number has too many decimals"), [f"≤ {MOST_DECIMALS}"])
    return found


def whole(given: Any, path: str, *, least: int = 0, most: int = MOST_DAYS) -> int:
    """Return a whole number between ``least`` and ``most``."""
    found = number(given, path)
    if found != found.to_integral_value() or not least <= found <= most:
        raise fail(
            path, _("a whole number from %(least)s to %(most)s is needed") % {"least": least, "most": most},
            [f"{least} … {most}"],
        )  # fmt: skip
    return int(found)


RANGE_KEYS = ("min", "max", "above", "below", "eq", "not")


def mapping(given: Any, path: str, allowed: Iterable[str], *, needed: Iterable[str] = ()) -> dict[str, Any]:
    """Return an object that has no other keys than ``allowed`` and at least one of ``needed``."""
    legal = list(allowed)
    if not isinstance(given, Mapping) or not given:
        raise fail(path, _("an object is needed"), legal)
    for key in given:
        if key not in legal:
            raise fail(f"{path}.{key}", _("unknown operator “%(name)s”") % {"name": key}, legal)
    must = list(needed)
    if must and not set(must) & set(given):
        raise fail(path, _("one of these is needed: %(names)s") % {"names": ", ".join(must)}, must)
    return dict(given)


def number_range(given: Any, path: str, read: Callable[[Any, str], Decimal | int] = number) -> Range:
    """Return a range; a bare number means exactly that."""
    if not isinstance(given, Mapping):
        exact = Decimal(read(given, path))
        return Range(exact, exact)
    return range_of(mapping(given, path, RANGE_KEYS, needed=RANGE_KEYS), path, read)


def range_of(
    parts: Mapping[str, Any], path: str, read: Callable[[Any, str], Decimal | int] = number
) -> Range:
    """Return the range described by those of ``parts`` that are range operators."""
    found = {key: Decimal(read(parts[key], f"{path}.{key}")) for key in RANGE_KEYS if key in parts}
    if "eq" in found:
        return Range(found["eq"], found["eq"], unequal=found.get("not"))
    least, most = found.get("min", found.get("above")), found.get("max", found.get("below"))
    if least is not None and most is not None and least > most:
        raise fail(path, _("the smallest is larger than the largest"), ["min ≤ max"])
    return Range(
        least,
        most,
        is_strict_least="above" in found and "min" not in found,
        is_strict_most="below" in found and "max" not in found,
        unequal=found.get("not"),
    )


def recency(given: Any, path: str) -> Range:
    """Return a range of days; a bare number is the most there may be."""
    if not isinstance(given, Mapping):
        return Range(None, Decimal(whole(given, path)))
    return range_of(mapping(given, path, RANGE_KEYS, needed=RANGE_KEYS), path, whole)


def flag(given: Any, path: str) -> bool:
    """Return true or false."""
    if not isinstance(given, bool):
        raise fail(path, _("true or false is needed"), ["true", "false"])
    return given


def wholes(given: Any, path: str, *, least: int, most: int) -> tuple[int, ...]:
    """Return one or more whole numbers between ``least`` and ``most``."""
    items = given if isinstance(given, list) else [given]
    if not items or len(items) > MOST_VALUES:
        raise fail(path, _("a number or a list of numbers is needed"), [f"{least} … {most}"])
    return tuple(dict.fromkeys(whole(item, path, least=least, most=most) for item in items))


def is_storable(text: str) -> bool:
    """Say whether PostgreSQL can hold ``text``: no NUL, no half of a character."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def words(given: Any, path: str, legal: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return one or more texts; each of them ``legal`` unless that is None."""
    items = given if isinstance(given, list) else [given]
    if not items or len(items) > MOST_VALUES or not all(isinstance(item, (str, int)) for item in items):
        raise fail(path, _("a text or a list of texts is needed"), legal or ["text"])
    found = tuple(str(item) for item in items)
    if not all(is_storable(item) for item in found):
        raise fail(path, _("this text has a character that cannot be stored"), legal or ["text"])
    if legal is not None:
        known = list(legal)
        unknown = [item for item in found if item not in known]
        if unknown:
            raise fail(path, _("unknown value: %(values)s") % {"values": ", ".join(unknown)}, known)
    return found


def choice(given: Any, path: str, legal: Iterable[str]) -> Choice:
    """Return a choice: a value, a list of values, ``{"in": […]}`` or ``{"not_in": […]}``."""
    known = list(legal)
    if isinstance(given, Mapping):
        parts = mapping(given, path, ("in", "not_in"), needed=("in", "not_in"))
        if len(parts) > 1:
            raise fail(path, _("only one of these fits"), ["in", "not_in"])
        key = next(iter(parts))
        return Choice(words(parts[key], f"{path}.{key}", known), key == "not_in")
    return Choice(words(given, path, known))


def members(given: Any, path: str, legal: Iterable[str] | None = None) -> Members:
    """Return a set condition: a list (any of it), ``{"any"|"all"|"none": […]}``."""
    if isinstance(given, Mapping):
        parts = mapping(given, path, ("any", "all", "none"), needed=("any", "all", "none"))
        if len(parts) > 1:
            raise fail(path, _("only one of these fits"), ["any", "all", "none"])
        key = next(iter(parts))
        return Members(words(parts[key], f"{path}.{key}", legal), key)
    return Members(words(given, path, legal))


def day(given: Any, path: str) -> date:
    """Return a date: ISO, or Jalali in a café with that calendar."""
    if not isinstance(given, str):
        raise fail(path, _("a date is needed"), ["YYYY-MM-DD"])
    try:
        return parse_date(given)
    except DateError as error:
        raise fail(path, str(error), ["YYYY-MM-DD"]) from None


DAY_KEYS = ("from", "to", "within_days", "before_days")


def day_range(parts: Mapping[str, Any], path: str, today: date) -> Days:
    """Return the days ``from``–``to``, the last ``within_days`` or those ``before_days`` ago and earlier."""
    first = day(parts["from"], f"{path}.from") if "from" in parts else None
    last = day(parts["to"], f"{path}.to") if "to" in parts else None
    if "within_days" in parts:
        since = today - timedelta(days=whole(parts["within_days"], f"{path}.within_days"))
        first = max(first, since) if first else since
    if "before_days" in parts:
        until = today - timedelta(days=whole(parts["before_days"], f"{path}.before_days"))
        last = min(last, until) if last else until
    if "from" in parts and "to" in parts and first and last and first > last:
        raise fail(path, _("the first day is after the last"), ["from ≤ to"])
    return Days(first, last)


def dates(given: Any, path: str, today: date) -> Days:
    """Return a condition on a date: a range of days, or ``{"known": true|false}``."""
    parts = mapping(given, path, (*DAY_KEYS, "known"), needed=(*DAY_KEYS, "known"))
    if "known" in parts:
        if len(parts) > 1:
            raise fail(path, _("only one of these fits"), ["known", *DAY_KEYS])
        return Days(known=flag(parts["known"], f"{path}.known"))
    return day_range(parts, path, today)
