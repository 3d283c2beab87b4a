"""Everything the café knows of one guest. Each room adds its part in ``AppConfig.ready``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.utils.functional import Promise

from customers.models import Customer

# A list of flat rows: key → a value JSON knows, a date or a time.
ExportPart = Callable[[Customer], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a guest's data, as rows."""

    name: str
    label: str | Promise
    rows: list[dict[str, Any]]


_parts: dict[str, tuple[str | Promise, ExportPart]] = {}


def register_export(name: str, part: ExportPart, *, label: str | Promise) -> None:
    """Add ``part(customer) -> rows`` to the data export of a guest under ``name``.

    Raises ImproperlyConfigured when another part has the name.
    """
    if _parts.setdefault(name, (label, part))[1] is not part:
        raise ImproperlyConfigured(f"two exports called {name!r}")


def everything_of(customer: Customer) -> list[Section]:
    """Return all parts of the guest's data, those of this room first."""
    return [Section(name, label, part(customer)) for name, (label, part) in _parts.items()]


def rows_as_dicts(rows: Any, *fields: str) -> list[dict[str, Any]]:
    """Return model rows (a queryset) as plain rows of ``fields``."""
    return list(rows.values(*fields))


def fields_of(row: Model, *fields: str) -> dict[str, Any]:
    """Return these attributes of one row."""
    return {name: getattr(row, name) for name in fields}
