"""Fields the café added to its guests: what they are, and what may stand in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from customers.models import CustomField
from customers.seen import check_seen
from customers.services.names import one_of_its_name
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import NotFound
from servaan_crm.l10n.digits import plain_number
from servaan_crm.l10n.jalali import DateError, parse_date

MAX_FIELDS = 40
MAX_TEXT = 200
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_YES = {"true", "yes", "1", "بله", "بلی", "دارد", "on"}
_NO = {"false", "no", "0", "خیر", "نه", "ندارد", "off"}
_MAX_NUMBER = Decimal(10) ** 15


def save_custom_field(
    *,
    actor: Actor,
    values: Mapping[str, Any],
    field_id: UUID | None = None,
    seen: dt.datetime | None = None,
) -> CustomField:
    """Create a field, or change the one with ``field_id``; key and type stay what they were.

    Args:
        values: key (``[a-z][a-z0-9_]*``), label, kind, choices (list of texts), is_active, display_order.
        seen: ``updated_at`` of what the change was made from; None to change whatever is there.

    Raises EditConflict, NotFound, ValidationError.
    """
    with one_of_its_name(_("There is a field with this key."), "key"), write(actor):
        if field_id is None:
            field = CustomField()
            if CustomField.objects.count() >= MAX_FIELDS:
                raise ValidationError(_("A café has at most 40 own fields."))
        else:
            field = _find(field_id)
            check_seen(field, seen)
        fixed = () if field_id is None else ("key", "kind")
        for name, value in values.items():
            if name not in fixed:
                setattr(field, name, value)
        if not _KEY.fullmatch(field.key):
            raise ValidationError(
                {"key": [_("A key is made of Latin letters a-z, digits and _, and begins with a letter.")]}
            )
        if field.kind != CustomField.Kind.CHOICE:
            field.choices = []
        field.full_clean()
        field.save()
    return field


def active_fields() -> list[CustomField]:
    """Return the fields in use, in their order."""
    return list(CustomField.objects.filter(is_active=True))


def clean_custom(values: Any) -> dict[str, Any]:
    """Return ``values`` (key → as typed) as stored: None for empty, ISO dates, numbers, yes or no.

    Raises ValidationError that names each wrong or unknown key (in one message list: "key: what is wrong").
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise ValidationError(_("Give an object of own fields."))
    cleaned, errors = clean_values(values)
    if errors:
        raise ValidationError([f"{key}: {text}" for key, texts in errors.items() for text in texts])
    return cleaned


def clean_values(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the clean values and, for each key that is not right, what is wrong with it."""
    if not values:
        return {}, {}
    known = {field.key: field for field in active_fields()}
    cleaned: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for key, value in values.items():
        if key not in known:
            legal = ", ".join(known) or "–"
            errors[key] = [_("There is no such field. The legal ones are: %(names)s.") % {"names": legal}]
            continue
        try:
            cleaned[key] = clean_value(known[key], value)
        except ValidationError as error:
            errors[key] = error.messages
    return cleaned, errors


def clean_value(field: CustomField, value: Any) -> Any:
    """Return one value as stored; None for empty. Raises ValidationError."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    return _CLEANERS[field.kind](field, value)


def merge_custom(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``stored`` with ``changes`` (already clean) written over it; None takes a value away."""
    merged = {**stored, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def _text(_field: CustomField, value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValidationError(_("Give a text."))
    if len(value) > MAX_TEXT:
        raise ValidationError(_("At most 200 characters."))
    return value


def _number(_field: CustomField, value: Any) -> int | float:
    typed = plain_number(value) if isinstance(value, str) else value
    try:
        number = Decimal(str(typed)) if not isinstance(typed, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) > _MAX_NUMBER:
        raise ValidationError(_("Give a number."))
    return int(number) if number == number.to_integral_value() else float(number)


def _date(_field: CustomField, value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    if not isinstance(value, str):
        raise ValidationError(_("Give a date."))
    try:
        return parse_date(value).isoformat()
    except DateError as error:
        raise ValidationError(error.message(get_language() or "fa")) from None


def _boolean(_field: CustomField, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = plain_number(str(value)).casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValidationError(_("Give true or false."))


def _choice(field: CustomField, value: Any) -> str:
    if value not in field.choices:
        listed = ", ".join(map(str, field.choices))
        raise ValidationError(_("Choose one of: %(values)s.") % {"values": listed})
    return str(value)


_CLEANERS: dict[str, Callable[[CustomField, Any], Any]] = {
    CustomField.Kind.TEXT: _text,
    CustomField.Kind.NUMBER: _number,
    CustomField.Kind.DATE: _date,
    CustomField.Kind.BOOLEAN: _boolean,
    CustomField.Kind.CHOICE: _choice,
}


def _find(field_id: UUID) -> CustomField:
    field = CustomField.objects.select_for_update().filter(pk=field_id).first()
    if field is None:
        raise NotFound(details={"field_id": str(field_id)})
    return field
