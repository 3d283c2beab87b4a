"""The story of a visit in words: what happened, what a correction changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout import history
from checkout.history import Change, Chapter
from customers.models import Customer, Visit
from loyalty.models import LedgerEntry
from loyalty.words import explain
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.jalali import format_datetime
from servaan_crm.l10n.money import format_money, format_number

HEADLINES: dict[str, str | Promise] = {
    history.RECORDED: gettext_lazy("Recorded"),
    history.EDITED: gettext_lazy("Corrected"),
    history.VOIDED: gettext_lazy("Voided"),
    history.RESTORED: gettext_lazy("Restored: it counts again"),
    history.MOVED: gettext_lazy("Moved to another guest"),
    history.RENUMBERED: gettext_lazy("New number, because an earlier visit went to another guest"),
    history.RATED: gettext_lazy("The guest rated it"),
}
ICONS = {
    history.RECORDED: "receipt", history.EDITED: "edit", history.VOIDED: "x", history.RESTORED: "arrow-back-up",
    history.MOVED: "users", history.RENUMBERED: "repeat", history.RATED: "star", history.POINTS: "coins",
}  # fmt: skip
TONES = {history.VOIDED: "is-void", history.RESTORED: "is-ok", history.RECORDED: "is-ok"}


@dataclass(frozen=True, slots=True)
class Told:
    """One chapter as the page shows it."""

    chapter: Chapter
    headline: str | Promise
    icon: str
    tone: str
    lines: list[str]


def tell(story: Iterable[Chapter]) -> list[Told]:
    """Return the story in words; two queries at most, for the names behind ids in it."""
    chapters = list(story)
    names = _names(change for chapter in chapters for change in chapter.changes)
    return [_told(chapter, names) for chapter in chapters]


def _told(chapter: Chapter, names: dict[str, str]) -> Told:
    entry = chapter.entry
    if entry is None:
        lines = [line for change in chapter.changes if (line := describe(change, names))]
        headline = HEADLINES[chapter.kind]
    else:
        headline, lines = entry.get_type_display(), points_lines(entry)
    return Told(chapter, headline, ICONS[chapter.kind], TONES.get(chapter.kind, ""), lines)


def points_lines(entry: LedgerEntry) -> list[str]:
    """Return why an entry moved what it moved."""
    lines = [explain(entry.explanation)] if entry.explanation else []
    if entry.shortfall:
        lines.append(
            _("%(points)s points were spent already and could not be taken back.")
            % {"points": format_number(entry.shortfall)}
        )
    return [line for line in lines if line]


def _money(value: Any) -> str:
    return format_money(Decimal(str(value)))


def _choice(choices: Any) -> Callable[[Any], str]:
    return lambda value: str(dict(choices).get(value, value))


def _items_changed(old: Any, new: Any) -> str:
    """Return which dishes were added and which taken out, with how many."""
    before, after = _counts(old), _counts(new)
    added, gone = after - before, before - after
    parts = [
        _("%(items)s added") % {"items": _listed(added)} if added else "",
        _("%(items)s taken out") % {"items": _listed(gone)} if gone else "",
    ]
    return _("; ").join(part for part in parts if part) or str(_("prices changed"))


def _counts(items: Any) -> Counter[str]:
    found: Counter[str] = Counter()
    for item in items or ():
        found[str(item.get("name", ""))] += int(item.get("quantity", 1))
    return found


def _listed(counts: Counter[str]) -> str:
    return _(", ").join(f"{name} ×{localize(number)}" for name, number in counts.items())


def _moment(value: Any) -> str:
    moment = parse_datetime(value) if isinstance(value, str) else value
    return format_datetime(moment, style="long") if moment else ""


_FIELDS: dict[str, tuple[str | Promise, Callable[[Any], str]]] = {
    "total_amount": (gettext_lazy("Bill amount"), _money),
    "discount_amount": (gettext_lazy("Discount"), _money),
    "payment_method": (gettext_lazy("Payment"), _choice(Visit.PaymentMethod.choices)),
    "visit_type": (gettext_lazy("Type"), _choice(Visit.VisitType.choices)),
    "visit_date": (gettext_lazy("Time"), _moment),
    "table_number": (gettext_lazy("Table"), localize),
    "server_name": (gettext_lazy("Server"), str),
    "service_duration": (gettext_lazy("Service duration (minutes)"), localize),
    "notes": (gettext_lazy("Notes"), str),
    "order_reference": (gettext_lazy("Order reference"), str),
    "visit_number": (gettext_lazy("Visit number"), localize),
    "points_redeemed": (gettext_lazy("Points redeemed"), localize),
    "feedback_rating": (gettext_lazy("Rating"), localize),
    "feedback_comment": (gettext_lazy("Comment"), str),
    "void_reason": (gettext_lazy("Reason"), str),
}
_NAMED: dict[str, str | Promise] = {
    "customer_id": gettext_lazy("Guest"),
    "outlet_id": gettext_lazy("Outlet"),
}


def describe(change: Change, names: dict[str, str]) -> str:
    """Return one change in words; "" for what the headline says already."""
    if change.field in _NAMED:
        none = str(_("nobody"))
        old, new = (names.get(str(value), "?") if value else none for value in (change.old, change.new))
        return _arrow(_NAMED[change.field], old, new)
    if change.field == "items":
        return _arrow(_("Items"), "", _items_changed(change.old, change.new))
    if change.field not in _FIELDS:
        return ""
    label, show = _FIELDS[change.field]
    old, new = (show(value) if value not in (None, "", []) else "" for value in (change.old, change.new))
    if change.field == "void_reason" and not new:
        return ""
    return _arrow(label, old, new)


def _arrow(label: str | Promise, old: str, new: str) -> str:
    values = {"field": label, "old": old, "new": new}
    if not old:
        return _("%(field)s: %(new)s") % values
    if not new:
        return _("%(field)s: %(old)s was taken out") % values
    return _("%(field)s: from %(old)s to %(new)s") % values


def _names(changes: Iterable[Change]) -> dict[str, str]:
    """Return the names of the guests and outlets that the changes refer to."""
    wanted: dict[str, set[UUID]] = {"customer_id": set(), "outlet_id": set()}
    for change in changes:
        if change.field in wanted:
            wanted[change.field] |= {UUID(str(value)) for value in (change.old, change.new) if value}
    found: dict[str, str] = {}
    for field, model in (("customer_id", Customer), ("outlet_id", Outlet)):
        if wanted[field]:
            rows = model.objects.filter(pk__in=wanted[field])  # type: ignore[attr-defined]
            found |= {str(pk): name for pk, name in rows.values_list("pk", "name")}
    return found
