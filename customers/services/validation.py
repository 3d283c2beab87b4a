"""What may be written about a guest. Every way in - API, page, admin, checkout - passes here."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.services.custom_fields import clean_custom
from servaan_crm.l10n.digits import INVISIBLE, localize
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone

NAME_MIN, NAME_MAX = 3, 100
EARLIEST = date(1900, 1, 1)
MAX_NOTES = 5_000
MAX_PREFERENCES = 20_000
# The text fields and the most code points each may have.
_TEXTS = {"name_english": 100, "notes": MAX_NOTES, "address": 1_000, "city": 50, "postal_code": 10}


def clean_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` (field name → value) in the form that is stored.

    Raises:
        ValidationError: as a mapping that names every field that is not right, with what to do instead.
    """
    cleaned: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _CLEANERS[name](value)
        except KeyError:
            raise TypeError(f"a customer has no field {name!r} to write") from None
        except ValidationError as error:
            errors[name] = error.messages
    if errors:
        raise ValidationError(errors)
    return cleaned


def clean_name(value: Any) -> str:
    """Return a name on one line without blanks around it; letters, ZWNJ and emoji stay as typed.

    Its length counts code points, invisible ones not. Raises ValidationError.
    """
    name = " ".join(_text(value).split())
    name = name.strip("".join(map(chr, INVISIBLE)) + " ")
    if len(name.translate(INVISIBLE)) < NAME_MIN:
        raise ValidationError(_("A name has at least %(count)s letters.") % {"count": localize(NAME_MIN)})
    return _short(name, NAME_MAX)


def clean_phone(value: Any) -> str:
    """Return the number as E.164. Raises ValidationError with the suggestion what to type."""
    try:
        return parse_phone(_text(value), get_locale().phone_region)
    except PhoneError as error:
        raise ValidationError(error.suggestion(get_language() or "fa"), code=error.code) from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValidationError(_("Give a text."))
    if "\x00" in value:
        raise ValidationError(_("A text cannot hold the null character."))
    return value.strip()


def _short(text: str, most: int) -> str:
    if len(text) > most:
        raise ValidationError(_too_long(most))
    return text


def _too_long(most: int) -> str:
    words = ngettext("At most %(shown)s character.", "At most %(shown)s characters.", most)
    return words % {"shown": localize(most)}


def limited_text(most: int) -> Callable[[Any], str]:
    """Return a cleaner for texts of at most ``most`` code points; it raises ValidationError."""
    return lambda value: _short(_text(value), most)


def _email(value: Any) -> str:
    text = _short(_text(value), 254)
    if text:
        validate_email(text)
    return text


def _day(value: Any) -> date | None:
    if value in (None, ""):
        return None
    if not isinstance(value, date):
        raise ValidationError(_("Give a date."))
    if value < EARLIEST:
        raise ValidationError(_("This date is too long ago."))
    return value


def clean_past_day(value: Any) -> date | None:
    """Return a date from 1900 to today, or None for none. Raises ValidationError."""
    day = _day(value)
    if day is not None and day > local_date(timezone.now()):
        raise ValidationError(_("This date is in the future."))
    return day


def _choice(*allowed: str) -> Callable[[Any], str]:
    def clean(value: Any) -> str:
        text = _text(value)
        if text not in allowed:
            listed = ", ".join(filter(None, allowed))
            raise ValidationError(_("Choose one of: %(values)s.") % {"values": listed})
        return text

    return clean


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValidationError(_("Give true or false."))
    return value


def _preferences(value: Any) -> dict[str, Any]:
    """An object of the café's own keys; ``allergies`` is read at the counter, so its form is fixed."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(_("Give an object of preferences."))
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError):
        raise ValidationError(_("This cannot be stored as JSON.")) from None
    if len(text) > MAX_PREFERENCES or "\\u0000" in text:
        raise ValidationError(_too_long(MAX_PREFERENCES))
    allergies = value.get("allergies", [])
    if not isinstance(allergies, list) or not all(isinstance(item, str) for item in allergies):
        raise ValidationError(_("“allergies” is a list of texts."))
    return value


def _as_given(value: Any) -> Any:
    return value


_CLEANERS: dict[str, Callable[[Any], Any]] = {
    "phone": clean_phone,
    "name": clean_name,
    "email": _email,
    "birthday": clean_past_day,
    "anniversary": _day,
    "gender": _choice(*Customer.Gender.values),
    "status": _choice(*Customer.Status.values),
    "preferences": _preferences,
    "allow_marketing": _truth,
    "outlet_id": _as_given,
    "tags": list,
    "custom": clean_custom,
    **{name: limited_text(most) for name, most in _TEXTS.items()},
    "block_reason": limited_text(200),
}
