"""Phone numbers: E.164 in the database, the national form on screens.

Iranian numbers follow our own prefix table (allocation runs ahead of published data); all other
countries go through ``phonenumbers``, mobile numbers only.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from .digits import INVISIBLE, localize, to_ascii, to_persian
from .locale import CafeLocale, get_locale

IR_COUNTRY_CODE = "98"
IR_LENGTH = 10
_IR_RANGES = ((900, 905), (910, 923), (930, 939), (941, 944), (990, 999))
IR_MOBILE_PREFIXES = frozenset(str(n) for first, last in _IR_RANGES for n in range(first, last + 1))

# Longest input worth a look: 15 digits of E.164 with separators between all of them, and some marks.
_MAX_RAW = 60
_SEPARATORS = re.compile("[\\s().\\-\u2010\u2011\u2012\u2013\u2014\u2212\u0640]+")
_NUMBER = re.compile(r"\+?[0-9]+")
_MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


class PhoneError(ValueError):
    """A number that cannot be stored.

    raw: the number as typed. suggestion_fa, suggestion_en: what is wrong and what to type instead.
    reason: empty, not_a_number, too_short, too_long, landline, unknown_prefix, foreign or invalid.
    """

    code = "INVALID_PHONE_FORMAT"

    def __init__(self, raw: str, suggestion_fa: str, suggestion_en: str, reason: str) -> None:
        super().__init__(suggestion_en)
        self.raw = raw
        self.suggestion_fa = suggestion_fa
        self.suggestion_en = suggestion_en
        self.reason = reason

    def suggestion(self, language: str) -> str:
        """Return the suggestion in "fa" or "en"."""
        return self.suggestion_fa if language.startswith("fa") else self.suggestion_en

    def details(self) -> dict[str, str]:
        """Return what the API's error answer shows of it."""
        return {"phone": self.raw, "suggestion": self.suggestion_fa, "suggestion_en": self.suggestion_en}


def _error(raw: str, reason: str, say: Callable[[], str]) -> PhoneError:
    """Build the error with its words in both languages, whichever is active."""
    with translation.override("fa"):
        fa = to_persian(say())
    with translation.override("en"):
        en = say()
    return PhoneError(raw, fa, en, reason)


def _clean(raw: str) -> str:
    """Return digits, with the ``+`` in front where there was one; garbage comes through as garbage."""
    text = _SEPARATORS.sub("", to_ascii(raw[:_MAX_RAW]).translate(INVISIBLE)).replace("\uff0b", "+")
    if text.endswith("+") and "+" not in text[:-1]:
        text = "+" + text[:-1]  # right-to-left fields put the typed plus at the other end
    return text


def parse_phone(raw: str, region: str) -> str:
    """Return the mobile number ``raw`` as E.164, for example ``+989123456789``.

    raw: as typed, digits of any script, with spaces, dashes, parentheses or invisible marks.
    region: ISO country of the café; it decides how a number without a country code is read. In Iran only
    Iranian numbers are taken, since only those can be reached by its gateways.
    Raises PhoneError.
    """
    text = _clean(raw or "")
    if not text:
        raise _error(raw, "empty", lambda: _("Enter a mobile number."))
    if len(raw) > _MAX_RAW or not _NUMBER.fullmatch(text):
        raise _error(raw, "not_a_number", lambda: _("A phone number has digits only."))
    if region == "IR":
        return _parse_iranian(raw, text)
    if text.startswith(("+" + IR_COUNTRY_CODE, "00" + IR_COUNTRY_CODE)):
        return _parse_iranian(raw, text)
    return _parse_abroad(raw, text, region)


def _iranian_national(text: str) -> str | None:
    """Return what follows the country code or the trunk zero; None for another country's number."""
    for prefix in ("+" + IR_COUNTRY_CODE, "00" + IR_COUNTRY_CODE):
        if text.startswith(prefix):
            return text[len(prefix) :]
    if text.startswith(("+", "00")):
        return None
    if text.startswith("0"):
        return text[1:]
    if text.startswith(IR_COUNTRY_CODE) and len(text) > IR_LENGTH:
        return text[len(IR_COUNTRY_CODE) :]
    return text


def _is_iranian_mobile(national: str) -> bool:
    return len(national) == IR_LENGTH and national[:3] in IR_MOBILE_PREFIXES


def _parse_iranian(raw: str, text: str) -> str:
    number = _iranian_national(text)
    if number is not None and _is_iranian_mobile(number):
        return f"+{IR_COUNTRY_CODE}{number}"
    # One zero too many, a plus without 98: the number itself is whole, so name it.
    meant = re.sub(r"^(\+|0)*(98(?=0*9[0-9]{9}$))?0*", "", text)
    if _is_iranian_mobile(meant):
        raise _error(raw, "invalid", lambda: _("Did you mean 0%(number)s?") % {"number": meant})
    if number is None:
        raise _error(
            raw,
            "foreign",
            lambda: _("This is not an Iranian number. Enter a mobile number such as 09123456789."),
        )
    if not number.startswith("9") and number:
        raise _error(
            raw,
            "landline",
            lambda: _("This is not a mobile number. Mobile numbers start with 09, such as 09123456789."),
        )
    if len(number) != IR_LENGTH:
        raise _length_error(raw, IR_LENGTH - len(number), "09123456789")
    raise _error(
        raw,
        "unknown_prefix",
        lambda: (
            _("No mobile number starts with 0%(prefix)s. Check the first digits.") % {"prefix": number[:3]}
        ),
    )


def _length_error(raw: str, missing: int, example: str) -> PhoneError:
    """Return the error of a number with ``missing`` digits too few (negative: too many)."""
    count = abs(missing)

    def say() -> str:
        if missing > 0:
            words = ngettext(
                "%(count)d digit is missing. Enter it like %(example)s.",
                "%(count)d digits are missing. Enter it like %(example)s.",
                count,
            )
        else:
            words = ngettext(
                "There is %(count)d digit too many. Enter it like %(example)s.",
                "There are %(count)d digits too many. Enter it like %(example)s.",
                count,
            )
        return words % {"count": count, "example": example}

    return _error(raw, "too_short" if missing > 0 else "too_long", say)


def _parse_abroad(raw: str, text: str, region: str) -> str:
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    sample = _digits(example, PhoneNumberFormat.NATIONAL) if example else "+14155550123"
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        number = None
    if number and phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in _MOBILE:
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if number and phonenumbers.is_valid_number(number):
        raise _error(
            raw,
            "landline",
            lambda: _("This is not a mobile number. Enter one such as %(example)s.") % {"example": sample},
        )
    if number and example and number.country_code == example.country_code:
        missing = len(str(example.national_number)) - len(str(number.national_number))
        if missing:
            raise _length_error(raw, missing, sample)
    raise _error(
        raw,
        "invalid",
        lambda: (
            _("This number does not exist. Enter a mobile number such as %(example)s.") % {"example": sample}
        ),
    )


def _digits(number: PhoneNumber, style: int) -> str:
    """Format and keep the digits (and the plus) only."""
    return re.sub(r"[^0-9+]", "", phonenumbers.format_number(number, style))


def _stored(e164: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(e164, None)
    except NumberParseException:
        return None  # an erased customer's placeholder is shown as it is


def _at_home(number: PhoneNumber, region: str) -> bool:
    return number.country_code == phonenumbers.country_code_for_region(region)


def national(e164: str, region: str) -> str:
    """Return the form people of ``region`` dial, ASCII digits only: ``09123456789``.

    Another country's number stays in E.164.
    """
    if region == "IR" and e164.startswith("+" + IR_COUNTRY_CODE):
        return "0" + e164[len(IR_COUNTRY_CODE) + 1 :]
    number = _stored(e164)
    if number is None or not _at_home(number, region):
        return e164
    return _digits(number, PhoneNumberFormat.NATIONAL)


def display(e164: str, locale: CafeLocale | None = None) -> str:
    """Return the number grouped for reading, in the locale's digits: ``۰۹۱۲ ۳۴۵ ۶۷۸۹``.

    Always show it in ``<bdi dir="ltr">``: right-to-left text would reverse the groups.
    """
    locale = locale or get_locale()
    if locale.phone_region == "IR" and re.fullmatch(r"\+98[0-9]{10}", e164):
        local = national(e164, "IR")
        return localize(f"{local[:4]} {local[4:7]} {local[7:]}", locale)
    number = _stored(e164)
    if number is None:
        return localize(e164, locale)
    home = _at_home(number, locale.phone_region)
    style = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return localize(phonenumbers.format_number(number, style), locale)


def is_phone_like(query: str) -> bool:
    """Whether a search query can only be part of a phone number: digits, separators, a leading plus."""
    return len(query) <= _MAX_RAW and bool(re.fullmatch(r"\+?[0-9]{1,17}", _clean(query)))


def phone_fragment(raw: str) -> str:
    """Return the part of E.164 that ``raw`` can be found by with ``LIKE '%…%'``; "" when it is none.

    The trunk zero is not part of E.164, so ``0912 34`` gives ``91234``; ``+98912`` keeps its plus and so
    finds the start only; ``345`` finds it anywhere.
    """
    if not is_phone_like(raw):
        return ""
    text = _clean(raw)
    if text.startswith("+"):
        return re.sub(r"^\+98?0+", "+98", text) if text.startswith("+980") else text
    return text.lstrip("0")
