"""Serializer fields of the API: E.164 inside, the national form outside; money in base units."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language
from rest_framework import serializers

from .digits import plain_number
from .jalali import DateError, parse_date
from .locale import get_locale
from .phone import PhoneError, national, parse_phone


def _language() -> str:
    return get_language() or get_locale().language


class PhoneErrorCode(str):
    """The code INVALID_PHONE_FORMAT, carrying the refusal it stands for.

    DRF rebuilds every error detail on its way up but keeps the code object, so this is the only thread
    by which the exception handler gets back at the number as typed.
    """

    __slots__ = ("error",)
    error: PhoneError

    @classmethod
    def of(cls, error: PhoneError) -> PhoneErrorCode:
        """Wrap a refusal."""
        code = cls(error.code)
        code.error = error
        return code


def phone_problem(codes: Any) -> dict[str, str] | None:
    """Return ``{"phone", "suggestion", "suggestion_en"}`` of the first phone refusal, or None.

    codes: what ``ValidationError.get_codes()`` gave, nested as it comes.
    """
    if isinstance(codes, PhoneErrorCode):
        return codes.error.details()
    parts = codes.values() if isinstance(codes, dict) else codes if isinstance(codes, list) else ()
    return next(filter(None, map(phone_problem, parts)), None)


class PhoneField(serializers.CharField):
    """Takes any form of a mobile number, gives ``09123456789``."""

    def to_internal_value(self, data: Any) -> str:
        """Return E.164. Raises ValidationError with code INVALID_PHONE_FORMAT and the suggestion."""
        text = super().to_internal_value(data)
        try:
            return parse_phone(text, get_locale().phone_region)
        except PhoneError as error:
            detail = serializers.ErrorDetail(error.suggestion(_language()), PhoneErrorCode.of(error))
            raise serializers.ValidationError([detail]) from error

    def to_representation(self, value: str) -> str:
        return national(value, get_locale().phone_region)


class MoneyField(serializers.DecimalField):
    """An amount in base units as a JSON number; whole amounts have no point. Strings are read too."""

    def __init__(self, **options: Any) -> None:
        defaults = {"max_digits": 18, "decimal_places": 2, "min_value": Decimal(0), "coerce_to_string": False}
        super().__init__(**{**defaults, **options})

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the Decimal. Raises ValidationError for anything that is not an amount."""
        if isinstance(data, (bool, list, dict)):
            self.fail("invalid")
        return super().to_internal_value(plain_number(data) if isinstance(data, str) else data)

    def to_representation(self, value: Any) -> int | float:  # type: ignore[override]
        amount = Decimal(value)
        return int(amount) if amount == amount.to_integral_value() else float(amount)


class DateField(serializers.DateField):
    """Takes an ISO date, or a Jalali one in a Jalali café (year below 1700); gives ISO."""

    def to_internal_value(self, value: Any) -> dt.date:
        """Return the date. Raises ValidationError with code INVALID_DATE."""
        if not isinstance(value, str):
            return super().to_internal_value(value)
        try:
            return parse_date(value)
        except DateError as error:
            raise serializers.ValidationError(error.message(_language()), code=error.code) from error
