"""Why a guest that an import entered must stay: it has become more than a row of a file."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, Model, OneToOneField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import ConsentChange, Customer, Visit

EDITED = "edited"
MESSAGES = "messages"
# What says nothing about the guest having come or having been cared for: rows the application works out.
_SAY_NOTHING = {"customers.duplicatedismissal", "customers.duplicatepair"}


def register_derived(label: str) -> None:
    """Leave a model ("room.model") out: its rows are worked out and no reason to keep a guest."""
    _SAY_NOTHING.add(label.lower())
    traces.cache_clear()


@cache
def traces() -> dict[str, tuple[str | Promise, str]]:
    """Return code → (word for people, SQL condition) of everything that makes a guest stay.

    In the conditions c is the guest and ``%(job)s`` the import. Every table that refers to guests counts, those of
    rooms above and of later days too. Not counted: what one-to-one figures say, rows that belong to visits of this
    import (they are taken back by themselves), and the answers to the question of consent that came with a file.
    """
    found: dict[str, tuple[str | Promise, str]] = {
        EDITED: (_("changed since the import"), "c.version > 1"),
        MESSAGES: (
            _("messages"),
            "EXISTS (SELECT 1 FROM messaging_message t WHERE t.customer_id = c.id)",
        ),
    }
    for model in apps.get_models():
        if model is Customer or model._meta.label_lower in _SAY_NOTHING or model._meta.auto_created:
            continue
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.remote_field.model is Customer:
                if not isinstance(field, OneToOneField):
                    label = model._meta.verbose_name_plural or ""
                    found[f"{model._meta.model_name}.{field.name}"] = (label, _condition(model, field))
    return found


def _condition(model: type[Model], field: ForeignKey[Any, Any]) -> str:
    return f'EXISTS (SELECT 1 FROM "{model._meta.db_table}" t WHERE t."{field.column}" = c.id{_but(model)})'


def _but(model: type[Model]) -> str:
    if model is Visit:
        return " AND (t.voided_at IS NULL OR t.import_id IS DISTINCT FROM %(job)s)"
    if model is ConsentChange:
        return f" AND t.source <> '{ConsentChange.Source.IMPORT}'"
    for field in model._meta.concrete_fields:
        if isinstance(field, ForeignKey) and field.remote_field.model is Visit:
            return (
                f' AND NOT EXISTS (SELECT 1 FROM customers_visit v WHERE v.id = t."{field.column}"'
                " AND v.import_id = %(job)s)"
            )
    return ""


def reasons_sql() -> str:
    """Return the SQL expression of the codes of all reasons that hold for guest c, as an array of text."""
    cases = ", ".join(
        f"CASE WHEN {condition} THEN '{code}' END" for code, (_w, condition) in traces().items()
    )
    return f"array_remove(ARRAY[{cases}], NULL)"


def word_of(code: str) -> str:
    """Return what people read for the code of a reason."""
    label = traces().get(code)
    return str(label[0]) if label else code
