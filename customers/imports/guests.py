"""Guests in a file: how their cells are read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from customers.imports import cells
from customers.imports.fields import CUSTOM
from customers.imports.rows import Reason, RowReader, Values, both, plan_of
from customers.models import CustomField, ImportJob
from customers.services.custom_fields import clean_value
from customers.services.validation import clean_name
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.text import search_key

# Column of staging → its type. A column that is empty leaves the guest's own value as it is.
COLUMNS = {
    "phone": 'text COLLATE "C"', "name": "text", "name_english": "text", "email": "text", "gender": "text",
    "birthday": "date", "anniversary": "date", "notes": "text", "address": "text", "city": "text",
    "postal_code": "text", "allow_marketing": "boolean", "outlet": "uuid", "tags": "jsonb", "custom": "jsonb",
    "reasons": "jsonb",
}  # fmt: skip


def outlet_cleaner() -> cells.Cleaner:
    """Return the cleaner of an outlet's name."""
    known: dict[str, UUID] = {
        search_key(name): pk for pk, name in Outlet.objects.filter(is_active=True).values_list("pk", "name")
    }

    def clean(cell: Any) -> str | None:
        text = cells.text_of(cell)
        if not text:
            return None
        if (pk := known.get(search_key(text))) is None:
            raise ValidationError(_("There is no such outlet."))
        return str(pk)

    return clean


def _custom_cleaner(field: CustomField) -> cells.Cleaner:
    def clean(cell: Any) -> Any:
        value = cells.day_of(cell) if field.kind == CustomField.Kind.DATE else cells.text_of(cell)
        return clean_value(field, value)

    return clean


def reader(job: ImportJob) -> RowReader:
    """Return the reader of a file of guests."""
    cleaners: dict[str, cells.Cleaner] = {
        "phone": cells.phone_cleaner(),
        "name": cells.text_of,
        "last_name": cells.text_of,
        "email": cells.email,
        "gender": cells.word_cleaner(cells.GENDERS),
        "birthday": cells.day_cleaner("birthday"),
        "anniversary": cells.day_cleaner("anniversary"),
        "tags": cells.tags,
        "allow_marketing": cells.truth,
        "outlet": outlet_cleaner(),
    }
    for name in ("name_english", "notes", "address", "city", "postal_code"):
        cleaners[name] = cells.field_cleaner(name)
    own = {f"{CUSTOM}{field.key}": field for field in CustomField.objects.filter(is_active=True)}
    cleaners |= {key: _custom_cleaner(field) for key, field in own.items()}
    used = [key for key in job.mapping.values() if key in own]
    # What no column of the file fills stays empty in staging without being written a million times.
    filled = {*job.mapping.values(), "phone", "name", "reasons", *(["custom"] if used else [])}
    columns = tuple(name for name in COLUMNS if name in filled)
    return RowReader(plan_of(job.mapping, cleaners), columns, len(job.headers), _finisher(used))


def _finisher(own: list[str]) -> Any:
    def finish(values: Values, reasons: list[Reason]) -> None:
        if not values.get("phone"):
            reasons.append(both("phone", lambda: _("The mobile number is missing.")))
            return
        _join_names(values, reasons)
        if own:
            found = {key[len(CUSTOM) :]: values[key] for key in own if values.get(key) is not None}
            values["custom"] = found or None

    return finish


def _join_names(values: Values, reasons: list[Reason]) -> None:
    """One name out of one or two columns; without any, a known guest keeps its own."""
    last = values.get("last_name")
    full = f"{values.get('name') or ''} {last}" if last else values.get("name")
    if not full:
        values["name"] = None
        return
    try:
        values["name"] = clean_name(full)
    except ValidationError:
        reasons.append(cells.explain("name", clean_name, full))
