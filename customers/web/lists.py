"""What the list page shows: chips, column heads, rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.filters import CustomerFilter
from customers.models import Customer, CustomerSummary
from customers.selectors import Facts
from customers.selectors.derived import CustomerType, Lifecycle, Temperature
from servaan_crm.l10n.digits import localize
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
    Group("segment", _("Segment"), CustomerSummary.Segment.choices),
    Group("temperature", _("Temperature"), Temperature.choices),
    Group("tier", _("Tier"), CustomerSummary.TierLevel.choices),
    Group("type", _("Type"), CustomerType.choices),
    Group("lifecycle", _("Lifecycle"), Lifecycle.choices),
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
class Row:
    """A guest in the list, with what is worked out for it."""

    customer: Customer
    temperature: str
    temperature_label: str | Promise
    tone: str
    found_in: str = ""


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


def rows_of(customers: list[Customer], facts: Facts, query: str) -> list[Row]:
    """Return the rows of one page, without a query."""
    labels = dict(Temperature.choices)
    made = []
    for customer in customers:
        temperature = facts.temperature.of(customer.summary)
        found = found_in(customer, query) if query else ""
        made.append(Row(customer, temperature, labels[temperature], TONES[temperature], found))
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
    """Return (words, address without it) for each parameter in use that has no chips of its own."""
    chips = []
    for param, label in OTHERS.items():
        if param in asked.active:
            copy = query.copy()
            copy.pop("page", None)
            copy.pop(param)
            shown = query[param] if param in ("tag", "outlet") else localize(query[param])
            chips.append((f"{label}: {shown}", f"?{copy.urlencode()}"))
    return chips
