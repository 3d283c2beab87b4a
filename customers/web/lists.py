"""What the list page shows: chips, column heads, rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.filters import CustomerFilter, Preset
from customers.models import Customer, CustomerSummary, CustomField
from customers.selectors import Facts
from customers.selectors.custom_fields import CUSTOM_PREFIX
from customers.selectors.derived import CustomerType, Lifecycle, Risk, Temperature
from customers.services.custom_fields import active_fields
from servaan_crm.l10n.digits import localize, plain_number
from servaan_crm.l10n.jalali import format_date, parse_date
from servaan_crm.l10n.money import format_money, format_number
from servaan_crm.l10n.text import search_key

# Tones of the badges of derived facts (CSS class without "is-").
TONES = {
    "hot": "ok", "warm": "warn", "cold": "",
    "at_risk": "warn", "churned": "bad", "prospect": "", "active": "ok", "new": "info",
    "low": "", "medium": "warn", "high": "bad", "critical": "bad",
}  # fmt: skip
SNIPPET = 60


@dataclass(frozen=True, slots=True)
class Group:
    """A row of filter chips: a parameter, its name, and (code, word) pairs."""

    param: str
    label: str | Promise
    choices: list[tuple[str, Any]]


GROUPS = (
    Group("preset", "", Preset.choices),
    Group("segment", _("Segment"), CustomerSummary.Segment.choices),
    Group("temperature", _("Temperature"), Temperature.choices),
    Group("tier", _("Tier"), CustomerSummary.TierLevel.choices),
    Group("type", _("Type"), CustomerType.choices),
    Group("lifecycle", _("Lifecycle"), Lifecycle.choices),
    Group("risk", _("Drop-off risk"), Risk.choices),
    Group("status", _("Status"), Customer.Status.choices),
)
# What has no chips of its own but may stand in the address: shown as a chip that takes it out again.
OTHERS: dict[str, str | Promise] = {
    "tag": _("Tag"),
    "outlet": _("Outlet"),
    "min_spent": _("Spent at least"),
    "max_spent": _("Spent at most"),
    "min_visits": _("Visits at least"),
    "max_visits": _("Visits at most"),
    "created_from": _("Member since"),
    "created_to": _("Member until"),
    "last_visit_from": _("Last visit from"),
    "last_visit_to": _("Last visit to"),
}
MONEY_RANGES = ("min_spent", "max_spent")
DAY_RANGES = ("created_from", "created_to", "last_visit_from", "last_visit_to")
NUMBER_RANGES = ("min_visits", "max_visits")
# Groups shown before the panel of more filters.
FIRST_GROUPS = 3
# (sort code, head, CSS class); None: not sortable
COLUMNS: tuple[tuple[str, str | Promise, str], ...] = (
    ("name", pgettext_lazy("person", "Name"), ""),
    ("", _("Segment"), ""),
    ("total_visits", _("Visits"), "num"),
    ("lifetime_spent", _("Spend"), "num"),
    ("points", _("Points"), "num"),
    ("last_visit", _("Last visit"), ""),
)


@dataclass(frozen=True, slots=True)
class Head:
    """A column head with the address that sorts by it."""

    label: str | Promise
    css: str
    url: str = ""
    state: str = "none"


@dataclass(frozen=True, slots=True)
class Range:
    """Two fields of the panel; values as the screen writes them."""

    label: str | Promise
    kind: str
    first: tuple[str, str]
    last: tuple[str, str]


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """A field of the café's own in the panel: how it is typed, and what the address says, as the screen writes it."""

    param: str
    label: str
    kind: str
    value: str
    choices: list[tuple[str, str | Promise]]


def own_filters(data: QueryDict) -> list[OwnFilter]:
    """Return the own fields in use as controls of the panel; one query."""
    made = []
    for field in active_fields():
        param = f"{CUSTOM_PREFIX}{field.key}"
        choices: list[tuple[str, str | Promise]] = [(text, text) for text in field.choices]
        if field.kind == CustomField.Kind.BOOLEAN:
            choices = [("true", _("yes")), ("false", _("no"))]
        given = data.get(param, "")
        made.append(
            OwnFilter(param, field.label, field.kind, given if choices else _typed(field, given), choices)
        )
    return made


def own_chips(asked: CustomerFilter, query: QueryDict, own: list[OwnFilter]) -> list[tuple[str, str]]:
    """Return (words, address without it) for each own field in use."""
    chips = []
    for each in own:
        if each.param in asked.active:
            copy = query.copy()
            copy.pop("page", None)
            copy.pop(each.param)
            value = dict(each.choices).get(each.value, each.value)
            chips.append((f"{each.label}: {value}", f"?{copy.urlencode()}"))
    return chips


def _typed(field: CustomField, given: str) -> str:
    try:
        if given and field.kind == CustomField.Kind.DATE:
            return format_date(parse_date(given))
    except ValueError:  # what cannot be read stays as it is
        return given
    return localize(plain_number(given)) if given and field.kind == CustomField.Kind.NUMBER else given


def ranges_of(data: QueryDict) -> list[Range]:
    """Return the ranges of the panel with what the address says, in the café's unit and calendar."""
    rows = (
        (_("Spend"), "money", "min_spent", "max_spent"),
        (_("Visits"), "number", "min_visits", "max_visits"),
        (_("Member since"), "day", "created_from", "created_to"),
        (_("Last visit"), "day", "last_visit_from", "last_visit_to"),
    )
    return [
        Range(
            label, kind, (first, shown(first, data.get(first, ""))), (last, shown(last, data.get(last, "")))
        )
        for label, kind, first, last in rows
    ]


def shown(param: str, value: str, *, unit: bool = False) -> str:
    """Return the value of a parameter as people read it; what cannot be read stays as it is."""
    try:
        if value and param in MONEY_RANGES:
            return format_money(Decimal(plain_number(value)), unit=unit)
        if value and param in NUMBER_RANGES:
            return format_number(Decimal(plain_number(value)))
        if value and param in DAY_RANGES:
            return format_date(parse_date(value))
    except (InvalidOperation, ValueError):  # also a day beyond the café's calendar
        return value
    return value


def looks(query: QueryDict) -> list[tuple[str, str, str | Promise, str]]:
    """Return (code, icon, word, address) of the two looks."""
    made: list[tuple[str, str, str | Promise, str]] = []
    for code, icon, word in (("table", "list", _("Table")), ("cards", "layout-grid", _("Cards"))):
        copy = query.copy()
        copy["look"] = code
        made.append((code, icon, word, f"?{copy.urlencode()}"))
    return made


@dataclass(frozen=True, slots=True)
class Row:
    """A guest in the list, with what is worked out for it."""

    customer: Customer
    temperature: str
    temperature_label: str | Promise
    tone: str
    found_in: str = ""
    has_way: bool = False
    way: int | None = None


def heads(query: QueryDict, sort: str, order: str) -> list[Head]:
    """Return the column heads; pressing the one in use turns its order."""
    made = []
    for code, label, css in COLUMNS:
        if not code:
            made.append(Head(label, css))
            continue
        natural = "asc" if code == "name" else "desc"
        turned = {"asc": "desc", "desc": "asc"}[order] if code == sort else natural
        copy = query.copy()
        copy.pop("page", None)
        copy["sort"], copy["order"] = code, turned
        state = {"asc": "ascending", "desc": "descending"}[order] if code == sort else "none"
        made.append(Head(label, css, f"?{copy.urlencode()}", state))
    return made


def rows_of(
    customers: list[Customer], facts: Facts, query: str, ways: Mapping[UUID, int | None] | None = None
) -> list[Row]:
    """Return the rows of one page, without a query; ``ways`` are those to the next tier, in percent."""
    ways = ways or {}
    labels = dict(Temperature.choices)
    made = []
    for customer in customers:
        temperature = facts.temperature.of(customer.summary)
        found = found_in(customer, query) if query else ""
        way = ways.get(customer.pk)
        made.append(
            Row(
                customer,
                temperature,
                labels[temperature],
                TONES[temperature],
                found,
                customer.pk in ways,
                way,
            )
        )
    return made


def found_in(customer: Customer, query: str) -> str:
    """Return the e-mail or the piece of the notes in which the query was found, if not in the name."""
    key = search_key(query)
    if not key or key in search_key(customer.name):
        return ""
    if key in search_key(customer.email):
        return customer.email
    for line in customer.notes.splitlines():
        at = search_key(line).find(key)
        if at >= 0:
            first = max(0, at - SNIPPET // 2)
            return (
                ("…" if first else "")
                + line[first : first + SNIPPET]
                + ("…" if len(line) > first + SNIPPET else "")
            )
    return ""


def other_chips(asked: CustomerFilter, query: QueryDict) -> list[tuple[str, str]]:
    """Return (words, address without it) for each parameter in use that the panel of more filters hides."""
    named = OTHERS | {group.param: group.label for group in GROUPS[FIRST_GROUPS:]}
    words = {(group.param, code): word for group in GROUPS for code, word in group.choices}
    chips = []
    for param, label in named.items():
        if param in asked.active:
            copy = query.copy()
            copy.pop("page", None)
            copy.pop(param)
            given = str(query[param])
            value = words.get((param, given)) or shown(param, given, unit=True)
            chips.append((f"{label}: {value}", f"?{copy.urlencode()}"))
    return chips
