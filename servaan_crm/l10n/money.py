"""Money and numbers as people write them.

Amounts are ``Decimal`` in the currency's base unit (rial, rupee, taka) everywhere but on screens; an
Iranian café shows and takes toman (rial / 10) unless it chose rial.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from django.utils import translation
from django.utils.translation import gettext as _

from .digits import DECIMAL_FA, PERCENT_FA, THOUSANDS_FA, localize, plain_number, to_ascii, to_persian
from .locale import CafeLocale, get_locale

RIALS_PER_TOMAN = 10
# A left-to-right mark keeps the minus on the left of its number inside right-to-left text.
_MINUS = "\u200e\u2212"
# Digits after the point a café may type, in the base unit.
_PLACES = {"IRR": 0, "INR": 2, "BDT": 2}
_SYMBOLS = {"INR": "₹", "BDT": "৳"}
_UNITS = {
    "fa": {"IRT": "تومان", "IRR": "ریال", "INR": "روپیه", "BDT": "تاکا"},
    "en": {"IRT": "toman", "IRR": "rial", "INR": "rupees", "BDT": "taka"},
}
# Words people type beside a number, in lower case, with the unit they mean.
_TYPED_UNITS = {
    **dict.fromkeys(("تومان", "تومن", "toman", "tomans", "irt"), "IRT"),
    **dict.fromkeys(("ریال", "ريال", "rial", "rials", "irr"), "IRR"),
    **dict.fromkeys(("₹", "rs", "rs.", "rupee", "rupees", "inr", "روپیه"), "INR"),
    **dict.fromkeys(("৳", "tk", "tk.", "taka", "bdt", "تاکا"), "BDT"),
}
_TYPED_SCALES = {"هزار": 10**3, "میلیون": 10**6, "میلیارد": 10**9, "lakh": 10**5, "crore": 10**7}
_WORDS = re.compile(r"[^\W0-9_]+\.?|[₹৳]")
_AMBIGUOUS_COMMA = re.compile(r"[,\u060c\u066c][0-9]{1,2}(?![0-9,\u060c\u066c])")
# Larger than any bill, and sums of many still fit the column.
MAX_AMOUNT = Decimal(10) ** 12

_SCALES_FA = ((10**9, "میلیارد", "میلیارد"), (10**6, "میلیون", "م"))
_SCALES_EN = ((10**9, "B", "B"), (10**6, "M", "M"))
_SCALES_INDIC = ((10**7, "Cr", "Cr"), (10**5, "L", "L"))


class MoneyError(ValueError):
    """An amount that cannot be understood; ``message_fa`` and ``message_en`` say what is wrong.

    reason: empty, not_a_number, negative, too_many_decimals, too_large or wrong_currency.
    """

    code = "INVALID_AMOUNT"

    def __init__(self, raw: str, message_fa: str, message_en: str, reason: str) -> None:
        super().__init__(message_en)
        self.raw = raw
        self.message_fa = message_fa
        self.message_en = message_en
        self.reason = reason

    def message(self, language: str) -> str:
        """Return the message in "fa" or "en"."""
        return self.message_fa if language.startswith("fa") else self.message_en


def _error(raw: str, reason: str, say: Callable[[], str]) -> MoneyError:
    with translation.override("fa"):
        fa = to_persian(say())
    with translation.override("en"):
        return MoneyError(raw, fa, say(), reason)


# --- units


def screen_unit(locale: CafeLocale | None = None) -> str:
    """Return the unit of screens: IRT (toman) or the currency's own code."""
    locale = locale or get_locale()
    return "IRT" if locale.in_toman else locale.currency


def unit_name(locale: CafeLocale | None = None) -> str:
    """Return what stands beside a field for an amount: تومان, ریال, ₹, ৳."""
    locale = locale or get_locale()
    unit = screen_unit(locale)
    if not locale.is_persian and unit in _SYMBOLS:
        return _SYMBOLS[unit]
    return _UNITS["fa" if locale.is_persian else "en"].get(unit, unit)


def to_screen(amount: Decimal | int, locale: CafeLocale | None = None) -> Decimal:
    """Return an amount in base units as the number screens show (rial / 10 in a toman café)."""
    locale = locale or get_locale()
    return Decimal(amount) / RIALS_PER_TOMAN if locale.in_toman else Decimal(amount)


def from_screen(number: Decimal | int, locale: CafeLocale | None = None) -> Decimal:
    """Return the amount in base units of a number in the screen's unit."""
    locale = locale or get_locale()
    return Decimal(number) * RIALS_PER_TOMAN if locale.in_toman else Decimal(number)


# --- reading


def parse_money(raw: str, locale: CafeLocale | None = None) -> Decimal:
    """Return the amount a person typed, in the base unit (rial, rupee, taka).

    raw: digits of any script with or without thousands marks, spaces, a unit («تومان», ₹) and a scale
    («۱۲۵ هزار تومان»). A bare number is in the screen's unit; a typed «ریال» or «تومان» wins over it.
    Raises MoneyError for garbage, another country's currency, a negative amount, more decimals than the
    currency has, or more than 10^12.
    """
    locale = locale or get_locale()
    text = to_ascii(raw or "").strip().lower()
    unit, scale, text = _take_words(raw, text, locale)
    if not text.strip():
        raise _error(raw, "empty", lambda: _("Enter an amount."))
    number = plain_number(text)
    if re.fullmatch(r"-[0-9.]+", number):
        raise _error(raw, "negative", lambda: _("An amount cannot be negative."))
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", number) or _AMBIGUOUS_COMMA.search(text):
        raise _not_a_number(raw)
    amount = Decimal(number) * scale * (RIALS_PER_TOMAN if unit == "IRT" else 1)
    if amount > MAX_AMOUNT:
        raise _error(raw, "too_large", lambda: _("This amount is too large."))
    return _exact(raw, amount, _PLACES.get(locale.currency, 2))


def _not_a_number(raw: str) -> MoneyError:
    return _error(raw, "not_a_number", lambda: _("Enter an amount in digits, such as 125,000."))


def _take_words(raw: str, text: str, locale: CafeLocale) -> tuple[str, int, str]:
    """Return (unit, scale, the rest) of a typed amount; every word must be a known one."""
    unit, scale = screen_unit(locale), 1
    for word in _WORDS.findall(text.replace("\u200c", " ")):
        if word in _TYPED_SCALES:
            scale *= _TYPED_SCALES[word]
        elif word not in _TYPED_UNITS:
            raise _not_a_number(raw)
        elif _TYPED_UNITS[word] == "IRT" and locale.currency == "IRR":
            unit = "IRT"
        elif _TYPED_UNITS[word] == locale.currency:
            unit = locale.currency
        else:
            raise _error(raw, "wrong_currency", lambda: _("This café does not take that currency."))
    return unit, scale, _WORDS.sub(" ", text)


def _exact(raw: str, amount: Decimal, places: int) -> Decimal:
    exact = amount.quantize(Decimal(1).scaleb(-places))
    if exact != amount:
        raise _error(raw, "too_many_decimals", lambda: _("This amount has too many decimals."))
    return exact


# --- writing


def _group(whole: str, indic: bool) -> list[str]:
    """Split digits into groups: 1 250 000, or the Indian 12 50 000."""
    groups = [whole[-3:]]
    rest, size = whole[:-3], 2 if indic else 3
    while rest:
        groups.append(rest[-size:])
        rest = rest[:-size]
    return groups[::-1]


def _is_indic(locale: CafeLocale) -> bool:
    return locale.country in {"IN", "BD", "PK", "NP", "LK"} and not locale.is_persian


def format_number(
    value: Decimal | float | None, locale: CafeLocale | None = None, places: int = 0, *, fixed: bool = False
) -> str:
    """Return a grouped number in the locale's digits: ``۱۲۵٬۰۰۰``, ``1,25,000``; "" for None.

    places: most digits after the point, half rounded up; ``fixed`` keeps trailing zeros.
    """
    if value is None:
        return ""
    locale = locale or get_locale()
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    whole, _point, fraction = f"{abs(exact):f}".partition(".")
    if not fixed:
        fraction = fraction.rstrip("0")
    mark, point = (THOUSANDS_FA, DECIMAL_FA) if locale.is_persian else (",", ".")
    text = mark.join(_group(whole, _is_indic(locale))) + (point + fraction if fraction else "")
    return (_MINUS if exact < 0 else "") + localize(text, locale)


def format_percent(value: Decimal | float | None, locale: CafeLocale | None = None, places: int = 1) -> str:
    """Return a percentage: 25 → ``۲۵٪``, 12.5 → ``۱۲٫۵٪`` or ``12.5%``; "" for None."""
    if value is None:
        return ""
    locale = locale or get_locale()
    return format_number(value, locale, places) + (PERCENT_FA if locale.is_persian else "%")


def _with_unit(number: str, locale: CafeLocale) -> str:
    """Put the unit where the language has it: ``۱۲۵٬۰۰۰ تومان``, ``₹1,25,000``, ``−₹50``."""
    name = unit_name(locale)
    if name not in _SYMBOLS.values():
        return f"{number} {name}"
    sign, digits = (_MINUS, number[len(_MINUS) :]) if number.startswith(_MINUS) else ("", number)
    return f"{sign}{name}{digits}"


def format_money(amount: Decimal | int | None, locale: CafeLocale | None = None, unit: bool = True) -> str:
    """Return an amount in base units as screens show it: ``۱۲۵٬۰۰۰ تومان``, ``₹1,25,000``; "" for None.

    unit: False leaves the name of the unit out.
    """
    if amount is None:
        return ""
    locale = locale or get_locale()
    shown = to_screen(amount, locale)
    broken = shown != shown.to_integral_value()
    places = 1 if locale.in_toman else _PLACES.get(locale.currency, 2)
    number = format_number(shown, locale, places if broken else 0, fixed=broken)
    return _with_unit(number, locale) if unit else number


def compact_money(
    amount: Decimal | int | None, locale: CafeLocale | None = None, unit: bool = True, *, letter: bool = False
) -> str:
    """Return a rounded amount for a card: ``۱۸٫۲ میلیون تومان``, ``₹1.3 L``; small ones in full.

    letter: ``۱۸٫۲ م`` where a word has no room. unit: False leaves the name of the unit out.
    """
    if amount is None:
        return ""
    locale = locale or get_locale()
    shown = to_screen(amount, locale)
    scales = _SCALES_FA if locale.is_persian else _SCALES_INDIC if _is_indic(locale) else _SCALES_EN
    for size, word, short in scales:
        # Rounding up to the next scale (999.99 million) belongs to that scale: 1 billion, not 1,000 million.
        if round(abs(shown) / size, 3) >= 1:
            number = f"{format_number(shown / size, locale, 1)} {short if letter else word}"
            return _with_unit(number, locale) if unit else number
    return format_money(amount, locale, unit)
