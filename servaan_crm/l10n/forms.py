"""Form fields that read what people type in any script and show it in the café's own.

The locale is the one in force when the form is used, never when its class is made.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .digits import localize, plain_number
from .jalali import DateError, format_date, parse_date
from .locale import get_locale
from .money import MoneyError, format_money, parse_money, unit_name
from .phone import PhoneError, national, parse_phone


def _language() -> str:
    return get_language() or get_locale().language


class PhoneInput(forms.TextInput):
    """A left-to-right telephone field with the telephone keypad."""

    input_type = "tel"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(
            {"dir": "ltr", "inputmode": "tel", "autocomplete": "tel", "maxlength": 60, **(attrs or {})}
        )


class DigitsInput(forms.TextInput):
    """A text field with the digit keypad; type=number would refuse Persian digits."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"dir": "ltr", "inputmode": "numeric", "autocomplete": "off", **(attrs or {})})


class MoneyInput(DigitsInput):
    """An amount; ``data-unit`` tells the page what to write beside it."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", **(attrs or {})})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value, {"data-unit": unit_name(), **(attrs or {})})


class LocalDateInput(DigitsInput):
    """A date; ``data-calendar`` tells the date picker which calendar to show."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, value, {"data-calendar": get_locale().calendar, **(attrs or {})})


class _ReadField(forms.Field):
    """A field whose text is read by one function of this room."""

    def read(self, text: str) -> Any:
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        return self.read(value) if isinstance(value, str) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (None if initial in self.empty_values else initial))
        except ValidationError:
            return True


class PhoneField(_ReadField):
    """Reads a mobile number as E.164, shows the national form. Empty gives None."""

    widget = PhoneInput

    def read(self, text: str) -> str | None:
        """Return E.164. Raises ValidationError with code INVALID_PHONE_FORMAT and the suggestion."""
        if not text.strip():
            return None
        try:
            return parse_phone(text, get_locale().phone_region)
        except PhoneError as error:
            raise ValidationError(error.suggestion(_language()), code=error.code) from error

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str) and re.fullmatch(r"\+[0-9]{8,15}", value):
            return localize(national(value, get_locale().phone_region))
        return value


class MoneyField(_ReadField):
    """Reads an amount in the screen's unit (toman), gives Decimal in the base unit (rial)."""

    widget = MoneyInput

    def read(self, text: str) -> Decimal | None:
        """Return the amount in base units. Raises ValidationError with code INVALID_AMOUNT."""
        if not text.strip():
            return None
        try:
            return parse_money(text)
        except MoneyError as error:
            raise ValidationError(error.message(_language()), code=error.code) from error

    def prepare_value(self, value: Any) -> Any:
        return format_money(value, unit=False) if isinstance(value, (Decimal, int)) else value


class LocalDateField(_ReadField):
    """Reads a date of the café's calendar (or ISO), gives a Gregorian ``date``."""

    widget = LocalDateInput

    def read(self, text: str) -> dt.date | None:
        """Return the date. Raises ValidationError with code INVALID_DATE."""
        if not text.strip():
            return None
        try:
            return parse_date(text)
        except DateError as error:
            raise ValidationError(error.message(_language()), code=error.code) from error

    def prepare_value(self, value: Any) -> Any:
        return format_date(value) if isinstance(value, dt.date) else value


class DigitsIntegerField(forms.IntegerField):
    """A whole number in digits of any script."""

    widget = DigitsInput
    default_error_messages = {"invalid": _("Enter a whole number.")}

    def to_python(self, value: Any) -> int | None:
        return super().to_python(plain_number(value) if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:
        return localize(value) if isinstance(value, int) else value
