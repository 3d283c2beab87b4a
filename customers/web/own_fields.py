"""The café's own fields as form fields."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from customers.models import Customer, CustomField, Tag
from customers.services.custom_fields import MAX_TEXT, active_fields
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.forms import DigitsInput, LocalDateField
from servaan_crm.l10n.jalali import format_date
from servaan_crm.l10n.money import format_number

# No field of the guest's own form begins like this.
OWN = "custom_"
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def own_fields(stored: Mapping[str, Any]) -> dict[str, forms.Field]:
    """Return a form field for each own field in use, with the stored value; names begin with ``OWN``."""
    return {f"{OWN}{field.key}": _form_field(field, stored.get(field.key)) for field in active_fields()}


def own_values(stored: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, value) of the own fields in use that have a value, as people read them; no query without any."""
    if not stored:
        return []
    return [(field.label, _words(stored[field.key])) for field in active_fields() if field.key in stored]


def tag_choices(customer: Customer) -> list[tuple[Tag, bool]]:
    """Return every tag of the café, and whether the guest has it."""
    chosen = {tag.pk for tag in customer.tags.all()}
    return [(tag, tag.pk in chosen) for tag in Tag.objects.all()]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        return format_date(dt.date.fromisoformat(value), style="long")
    return format_number(value, places=2) if isinstance(value, int | float) else str(value)


def _form_field(field: CustomField, value: Any) -> forms.Field:
    options: dict[str, Any] = {"label": field.label, "required": False, "initial": value}
    if field.kind == CustomField.Kind.DATE:
        options["initial"] = dt.date.fromisoformat(value) if isinstance(value, str) else None
        return LocalDateField(**options)
    if field.kind == CustomField.Kind.BOOLEAN:
        options["initial"] = {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else ""
        return forms.ChoiceField(choices=[("", "—"), ("true", _("yes")), ("false", _("no"))], **options)
    if field.kind == CustomField.Kind.CHOICE:
        legal = [*field.choices, *([value] if value and value not in field.choices else [])]
        return forms.ChoiceField(choices=[("", "—"), *((text, text) for text in legal)], **options)
    if field.kind == CustomField.Kind.NUMBER:
        options["initial"] = localize(value) if value is not None else None
        return forms.CharField(widget=DigitsInput, max_length=40, **options)
    return forms.CharField(max_length=MAX_TEXT, **options)
