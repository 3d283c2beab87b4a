"""Reading guests by the fields the café added."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.services.custom_fields import active_fields, clean_values

CUSTOM_PREFIX = "custom."


class CustomFilters:
    """The parameters ``custom.<key>=value`` of a query: the guests whose field has exactly this value.

    Values are read as when they are entered (digits of any script, Jalali dates); the index on ``custom`` answers.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._given = {
            name.removeprefix(CUSTOM_PREFIX): data[name] for name in data if name.startswith(CUSTOM_PREFIX)
        }

    @cached_property
    def _read(self) -> tuple[dict[str, Any], dict[str, list[str]]]:
        return clean_values(self._given)

    @property
    def problems(self) -> dict[str, list[str]]:
        """Parameter → messages of what is wrong; an unknown key is answered with the legal parameters."""
        _values, errors = self._read
        if not errors:
            return {}
        known = {field.key for field in active_fields()}
        legal = ", ".join(f"{CUSTOM_PREFIX}{key}" for key in sorted(known)) or "–"
        unknown = _("There is no such parameter. The legal ones are: %(names)s.") % {"names": legal}
        return {
            f"{CUSTOM_PREFIX}{key}": texts if key in known else [unknown] for key, texts in errors.items()
        }

    @property
    def active(self) -> dict[str, Any]:
        """Parameter → value of those that narrow."""
        values, _errors = self._read
        return {f"{CUSTOM_PREFIX}{key}": value for key, value in values.items() if value is not None}

    def narrow(self, rows: QuerySet[Customer]) -> QuerySet[Customer]:
        """Return ``rows`` with the values asked for."""
        wanted = {key: value for key, value in self._read[0].items() if value is not None}
        return rows.filter(custom__contains=wanted) if wanted else rows
