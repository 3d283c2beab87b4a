"""What was changed of a guest, by whom and when, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import (
    ConsentChange,
    Customer,
    CustomerNote,
    CustomField,
    FamilyMember,
    Tag,
)
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.models import AuditEntry
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.jalali import format_date, format_datetime
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import national

_CUSTOMER, _TAGS = Customer._meta.db_table, Customer.tags.through._meta.db_table
_NOTE, _FAMILY = CustomerNote._meta.db_table, FamilyMember._meta.db_table
_OWNED = (_NOTE, _FAMILY, _TAGS)
# As the partial index "audit_of_customer" has it.
_OWNED_ROWS = """
SELECT DISTINCT table_name, row_id FROM core_auditentry
 WHERE action <> 'update'
   AND table_name IN ('customers_customernote', 'customers_familymember', 'customers_customer_tags')
   AND COALESCE(new ->> 'customer_id', old ->> 'customer_id') = %s
"""
_MODELS: dict[str, Any] = {_CUSTOMER: Customer, _NOTE: CustomerNote, _FAMILY: FamilyMember}
# Bookkeeping, and what has a line of its own (consent).
_SILENT = {
    "id", "version", "created_at", "updated_at", "created_by_id", "updated_by_id", "customer_id", "search_key",
    "sort_key", "author_id", "author_name", "allow_marketing",
}  # fmt: skip
_PHONES = {"phone"}
_MAX_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Change:
    """One field: what it was and what it became, as people read it; "" for nothing."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened to a guest's record."""

    at: dt.datetime
    actor: str
    title: str
    icon: str
    changes: list[Change]


def history_keys(customer_id: UUID) -> QuerySet[Any]:
    """Return what happened to a guest as (kind, id) rows, newest first: to be counted and cut into pages."""
    entries = AuditEntry.objects.filter(_of_customer(customer_id))
    rows = entries.annotate(kind=Value("audit", CharField()), key=Cast("pk", CharField()))
    consents = ConsentChange.objects.filter(customer_id=customer_id)
    answers = consents.annotate(kind=Value("consent", CharField()), key=Cast("pk", CharField()))
    return (
        rows.values("at", "kind", "key")
        .union(answers.values("at", "kind", "key"), all=True)
        .order_by("-at", "-key")
    )


def history_lines(keys: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return the lines of one page of :func:`history_keys`; what changed nothing a person reads is left out."""
    audit = AuditEntry.objects.in_bulk([int(row["key"]) for row in keys if row["kind"] == "audit"])
    consent = ConsentChange.objects.in_bulk([int(row["key"]) for row in keys if row["kind"] == "consent"])
    names = _Names.load(audit.values())
    lines = []
    for row in keys:
        if row["kind"] == "consent":
            lines.append(_consent_line(consent[int(row["key"])]))
        elif line := _audit_line(audit[int(row["key"])], names):
            lines.append(line)
    return lines


def _of_customer(customer_id: UUID) -> Q:
    found = Q(table_name=_CUSTOMER, row_id=str(customer_id))
    with connection.cursor() as cursor:
        cursor.execute(
            _OWNED_ROWS,
            [str(customer_id)],
        )
        rows = cursor.fetchall()
    for table in _OWNED:
        ids = [row_id for name, row_id in rows if name == table]
        if ids:
            found |= Q(table_name=table, row_id__in=ids)
    return found


@dataclass(frozen=True, slots=True)
class _Names:
    """Names of the few things that entries tell by id."""

    tags: dict[str, str]
    outlets: dict[str, str]
    fields: dict[str, str]

    @classmethod
    def load(cls, entries: Any) -> _Names:
        def named(model: Any) -> dict[str, str]:
            return {str(pk): name for pk, name in model.objects.values_list("pk", "name")}

        tables = {entry.table_name for entry in entries}
        return cls(
            named(Tag) if _TAGS in tables else {},
            named(Outlet) if _CUSTOMER in tables else {},
            dict(CustomField.objects.values_list("key", "label")) if _CUSTOMER in tables else {},
        )


_TITLES: dict[tuple[str, str], tuple[str | Promise, str]] = {
    (_CUSTOMER, "insert"): (gettext_lazy("Entered into the book"), "user-plus"),
    (_CUSTOMER, "update"): (gettext_lazy("Record changed"), "edit"),
    (_CUSTOMER, "export"): (gettext_lazy("All data of the guest were exported"), "download"),
    (_NOTE, "insert"): (gettext_lazy("Note written"), "note"),
    (_NOTE, "update"): (gettext_lazy("Note changed"), "note"),
    (_NOTE, "delete"): (gettext_lazy("Note deleted"), "trash"),
    (_FAMILY, "insert"): (gettext_lazy("Family member added"), "users"),
    (_FAMILY, "update"): (gettext_lazy("Family member changed"), "users"),
    (_FAMILY, "delete"): (gettext_lazy("Family member removed"), "trash"),
    (_TAGS, "insert"): (gettext_lazy("Tag put on"), "tag"),
    (_TAGS, "delete"): (gettext_lazy("Tag taken off"), "tag"),
}


def _audit_line(entry: AuditEntry, names: _Names) -> Line | None:
    before, after = entry.old or {}, entry.new or {}
    title, icon = _TITLES.get((entry.table_name, entry.action), (_("Changed"), "edit"))
    if entry.table_name == _CUSTOMER and entry.action == "update":
        title, icon = _special(before, after) or (title, icon)
    if entry.table_name == _TAGS:
        tag = names.tags.get(str((after or before).get("tag_id")), _("a tag that is gone"))
        changes = [Change(_("Tag"), tag if before else "", tag if after else "")]
    else:
        keys = dict.fromkeys([*before, *after])
        changes = [
            change
            for key in keys
            if (change := _change(entry.table_name, key, before, after, names)) is not None
        ]
        if not changes and entry.action == "update" and "erased_at" not in after:
            return None
    return Line(entry.at, entry.actor_name, str(title), icon, changes)


def _special(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str | Promise, str] | None:
    if after.get("erased_at"):
        return _("Erased for good"), "eye"
    if "deleted_at" in after:
        return (_("Deleted"), "trash") if after["deleted_at"] else (_("Brought back"), "arrow-back-up")
    if after.get("status") == "blocked":
        return _("Blocked"), "ban"
    if before.get("status") == "blocked":
        return _("Unblocked"), "check"
    return None


def _change(
    table: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any], names: _Names
) -> Change | None:
    if key in _SILENT or key in ("deleted_at", "erased_at", "merged_into_id"):
        return None
    if before.get(key) in (None, False) and after.get(key) in (None, False):
        return None  # a new note that is not pinned says nothing by it
    old, new = (_shown(table, key, side.get(key), names) for side in (before, after))
    if old == new:
        return None
    return Change(_label(table, key), old, new)


def _label(table: str, key: str) -> str:
    field = next((field for field in _MODELS[table]._meta.fields if field.attname == key), None)
    return capfirst(str(field.verbose_name)) if field is not None else key


def _shown(table: str, key: str, value: Any, names: _Names) -> str:
    if value in (None, "", [], {}):
        return ""
    field = next((field for field in _MODELS[table]._meta.fields if field.attname == key), None)
    if key == "outlet_id":
        return names.outlets.get(str(value), "")
    if key in _PHONES:
        return localize(national(value, get_locale().phone_region))
    if key == "custom":
        return _cut("، ".join(f"{names.fields.get(k, k)}: {_plain(v)}" for k, v in value.items()))
    if isinstance(value, dict):
        return _cut("، ".join(f"{PREFERENCE_NAMES.get(k, k)}: {_plain(v)}" for k, v in value.items() if v))
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return _cut(_plain(value))


PREFERENCE_NAMES: dict[str, Any] = {
    "allergies": gettext_lazy("Allergies"),
    "favorite_drink": gettext_lazy("Favourite drink"),
    "preferred_time": gettext_lazy("Usual time"),
}


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return "، ".join(map(_plain, value))
    if isinstance(value, str) and len(value) >= 10:
        try:
            if len(value) == 10 and (day := parse_date(value)):
                return format_date(day, style="long")
            if value[4] == "-" and (instant := parse_datetime(value)):
                return format_datetime(instant)
        except ValueError:
            return value
    return localize(value) if isinstance(value, int | float) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _consent_line(row: ConsentChange) -> Line:
    title = _("Agreed to offers: %(channel)s") if row.granted else _("No more offers: %(channel)s")
    how = Change(_("How"), "", str(row.get_source_display()))
    return Line(
        row.at,
        row.actor_name,
        title % {"channel": row.get_channel_display()},
        "shield-check" if row.granted else "ban",
        [how],
    )
