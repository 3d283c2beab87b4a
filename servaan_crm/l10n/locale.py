"""The locale of a café as data: country, phone region, currency, calendar, language, time zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class CafeLocale:
    """How one café writes phones, money and dates.

    country and phone_region are ISO 3166 codes, currency an ISO 4217 code, calendar "jalali" or
    "gregorian", language "fa" or "en", time_zone an IANA name. ``show_toman``: screens show and take
    toman (rial / 10); it has a meaning for IRR only.
    """

    country: str
    phone_region: str
    currency: str
    show_toman: bool
    calendar: str
    language: str
    time_zone: str

    @property
    def tz(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.time_zone)

    @property
    def is_jalali(self) -> bool:
        return self.calendar == "jalali"

    @property
    def is_persian(self) -> bool:
        """Whether screens are in Persian, with Persian digits."""
        return self.language == "fa"

    @property
    def in_toman(self) -> bool:
        """Whether amounts are shown and typed in toman."""
        return self.currency == "IRR" and self.show_toman


IR = CafeLocale("IR", "IR", "IRR", True, "jalali", "fa", "Asia/Tehran")
IN = CafeLocale("IN", "IN", "INR", False, "gregorian", "en", "Asia/Kolkata")
BD = CafeLocale("BD", "BD", "BDT", False, "gregorian", "en", "Asia/Dhaka")
PRESETS = {"IR": IR, "IN": IN, "BD": BD}

_current: ContextVar[CafeLocale] = ContextVar("cafe_locale", default=IR)


def get_locale() -> CafeLocale:
    """Return the locale in force (the Iranian preset when none was set)."""
    return _current.get()


def set_locale(locale: CafeLocale) -> Token[CafeLocale]:
    """Put ``locale`` in force; give the returned token to :func:`reset_locale`."""
    return _current.set(locale)


def reset_locale(token: Token[CafeLocale]) -> None:
    """Undo one :func:`set_locale`."""
    _current.reset(token)


@contextmanager
def use_locale(locale: CafeLocale) -> Iterator[CafeLocale]:
    """Put ``locale`` in force for a block."""
    token = set_locale(locale)
    try:
        yield locale
    finally:
        reset_locale(token)
