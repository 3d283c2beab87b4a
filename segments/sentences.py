"""Criteria in words: «در ۳۰ روز گذشته دست‌کم ۴ مراجعه»."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from customers.models import Tag, Visit
from segments.language.fields import Field, find_field
from segments.language.tree import GROUPS, IN_SEGMENT
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.jalali import DateError, format_date, month_names, parse_date
from servaan_crm.l10n.money import format_money, format_number
from servaan_crm.l10n.text import search_key

GROUP_WORDS: dict[str, Promise] = {
    "all": gettext_lazy("All of these"),
    "any": gettext_lazy("At least one of these"),
    "not": gettext_lazy("Not these"),
}
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# Monday first, as criteria count weekdays.
WEEKDAYS = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"), gettext_lazy("Thursday"),
    gettext_lazy("Friday"), gettext_lazy("Saturday"), gettext_lazy("Sunday"),
)  # fmt: skip


@dataclass(slots=True)
class Said:
    """A group of sentences and of further groups."""

    words: str
    items: list[str | Said] = field(default_factory=list)

    @property
    def groups(self) -> list[tuple[bool, Any]]:
        """Pairs (whether it is a group, the thing), for templates."""
        return [(isinstance(item, Said), item) for item in self.items]


def say(criteria: Mapping[str, Any], names: Mapping[str, str] | None = None) -> Said:
    """Return criteria that read well in words. ``names``: segment key → name."""
    return _group("all", [criteria], names or {})


def _group(kind: str, trees: list[Mapping[str, Any]], names: Mapping[str, str]) -> Said:
    said = Said(str(GROUP_WORDS[kind]))
    for tree in trees:
        parts: list[str | Said] = []
        for name, given in tree.items():
            if name == "not":
                parts.append(_group("not", [given], names))
            elif name in GROUPS:
                parts.append(_group(name, given, names))
            else:
                parts.append(sentence(name, given, names))
        if kind == "any" and len(parts) > 1:
            said.items.append(Said(str(GROUP_WORDS["all"]), parts))
        else:
            said.items += parts
    return said


def sentence(name: str, given: Any, names: Mapping[str, str] | None = None) -> str:
    """Return one condition in words."""
    if name == IN_SEGMENT:
        mode, values = _mode(given)
        listed = _listed([(names or {}).get(str(key), str(key)) for key in values])
        return _MEMBER_WORDS[mode] % {"label": _("Segment"), "values": listed}
    found = find_field(name)
    if found is None:
        return name
    return _SAY[found.kind](found, given)


def value_in_words(name: str, value: str) -> str:
    """Return a stored value of a guest as people call it: the label of a choice, a day of the café's calendar."""
    found = find_field(name)
    labels = {key: str(label) for key, label in found.options()} if found and found.options else {}
    return labels.get(value) or (_day(value) if _ISO_DAY.fullmatch(value) else value)


def _mode(given: Any) -> tuple[str, list[Any]]:
    mode, values = next(iter(given.items())) if isinstance(given, Mapping) else ("any", given)
    return str(mode), values if isinstance(values, list) else [values]


def _listed(words: list[Any]) -> str:
    return _("، ").join(str(word) for word in words)


def _amount(found: Field | None, value: Any) -> str:
    if found is not None and found.unit == "money":
        return format_money(Decimal(str(value)))
    return format_number(Decimal(str(value)))


_RANGE_WORDS = {
    "min": gettext_lazy("at least %(n)s"), "max": gettext_lazy("at most %(n)s"),
    "above": gettext_lazy("more than %(n)s"), "below": gettext_lazy("less than %(n)s"),
    "eq": gettext_lazy("exactly %(n)s"), "not": gettext_lazy("other than %(n)s"),
}  # fmt: skip


def _range(found: Field | None, given: Any) -> str:
    if not isinstance(given, Mapping):
        return str(_RANGE_WORDS["eq"] % {"n": _amount(found, given)})
    if "min" in given and "max" in given:
        return _("from %(low)s to %(high)s") % {
            "low": _amount(found, given["min"]), "high": _amount(found, given["max"]),
        }  # fmt: skip
    parts = [
        str(words % {"n": _amount(found, given[key])}) for key, words in _RANGE_WORDS.items() if key in given
    ]
    return _(" and ").join(parts)


def _day(given: Any) -> str:
    try:
        return format_date(parse_date(str(given)))
    except DateError:
        return str(given)


def _time(given: Mapping[str, Any]) -> str:
    """Return the days of a window in words; empty: at any time."""
    parts = []
    if "within_days" in given:
        days = int(given["within_days"])
        parts.append(
            ngettext("in the last %(n)s day", "in the last %(n)s days", days) % {"n": format_number(days)}
        )
    if "before_days" in given:
        days = int(given["before_days"])
        parts.append(
            ngettext("%(n)s day ago or earlier", "%(n)s days ago or earlier", days)
            % {"n": format_number(days)}
        )
    if "from" in given and "to" in given:
        parts.append(
            _("between %(first)s and %(last)s") % {"first": _day(given["from"]), "last": _day(given["to"])}
        )
    elif "from" in given:
        parts.append(_("since %(day)s") % {"day": _day(given["from"])})
    elif "to" in given:
        parts.append(_("until %(day)s") % {"day": _day(given["to"])})
    return " ".join(parts)


def _filters(given: Mapping[str, Any]) -> str:
    """Return what the visits of a window must be like."""
    many = {key: value if isinstance(value, list) else [value] for key, value in given.items()}
    parts = []
    for key, choices in (("visit_type", Visit.VisitType.choices), ("payment", Visit.PaymentMethod.choices)):
        if key in many:
            parts.append(_listed([str(dict(choices).get(value, value)) for value in many[key]]))
    if "outlet" in many:
        known = {str(pk): name for pk, name in Outlet.objects.values_list("pk", "name")}
        parts.append(_listed([known.get(str(value), value) for value in many["outlet"]]))
    if "weekday" in many:
        parts.append(_listed([WEEKDAYS[int(value)] for value in many["weekday"]]))
    if "from_hour" in given or "until_hour" in given:
        hours = {
            "first": format_number(given.get("from_hour", 0)),
            "last": format_number(given.get("until_hour", 24)),
        }
        parts.append(_("from %(first)s to %(last)s o'clock") % hours)
    parts += [
        _("with %(items)s") % {"items": _listed(many[key])} for key in ("item", "category") if key in many
    ]
    return _(" · ").join(parts)


def _say_number(found: Field, given: Any) -> str:
    return _("%(label)s: %(range)s") % {"label": found.label, "range": _range(found, given)}


def _say_days(found: Field, given: Any) -> str:
    given = given if isinstance(given, Mapping) else {"max": given}
    return _("%(label)s: %(range)s days") % {"label": found.label, "range": _range(None, given)}


def _say_choice(found: Field, given: Any) -> str:
    labels = {key: str(label) for key, label in found.options()} if found.options else {}
    negated = isinstance(given, Mapping) and "not_in" in given
    values = next(iter(given.values())) if isinstance(given, Mapping) else given
    listed = _listed(
        [labels.get(str(key), key) for key in (values if isinstance(values, list) else [values])]
    )
    words = _("%(label)s is not %(values)s") if negated else _("%(label)s is %(values)s")
    return words % {"label": found.label, "values": listed}


_MEMBER_WORDS = {
    "any": gettext_lazy("%(label)s: one of %(values)s"),
    "all": gettext_lazy("%(label)s: all of %(values)s"),
    "none": gettext_lazy("%(label)s: none of %(values)s"),
}


def _say_set(found: Field, given: Any) -> str:
    mode, values = _mode(given)
    labels = {key: str(label) for key, label in found.options()} if found.options else {}
    if found.name == "tags":
        labels |= {search_key(name): name for name in Tag.objects.values_list("name", flat=True)}
    listed = [labels.get(str(key), labels.get(search_key(str(key)), key)) for key in values]
    return str(_MEMBER_WORDS[mode] % {"label": found.label, "values": _listed(listed)})


def _say_flag(found: Field, given: Any) -> str:
    return str(found.label) if given else _("Not so: %(label)s") % {"label": found.label}


def _say_date(found: Field, given: Mapping[str, Any]) -> str:
    if "known" in given:
        words = _("%(label)s is known") if given["known"] else _("%(label)s is not known")
        return words % {"label": found.label}
    return _("%(label)s %(time)s") % {"label": found.label, "time": _time(given)}


def _say_window(found: Field, given: Any) -> str:
    if not isinstance(given, Mapping):
        return _say_number(found, given)
    when = _time(given)
    label = _("%(what)s %(time)s") % {"what": found.label, "time": when} if when else found.label
    text = _("%(label)s: %(range)s") % {"label": label, "range": _range(found, given)}
    only = _filters(given)
    return _("%(text)s (%(only)s)") % {"text": text, "only": only} if only else text


def _say_bought(found: Field, given: Any) -> str:
    if not isinstance(given, Mapping):
        given = {"item": given}
    times = _range(None, given) if set(given) & set(_RANGE_WORDS) else ""
    text = _("%(label)s %(what)s") % {"label": found.label, "what": _filters(given)}
    times_words = _("%(range)s times") % {"range": times} if times else ""
    return " ".join(part for part in (text, times_words, _time(given)) if part)


def _say_occasion(found: Field, given: Any) -> str:
    days = given["within_days"] if isinstance(given, Mapping) else given
    return _("%(label)s: %(n)s days") % {"label": found.label, "n": format_number(days)}


def _say_month(found: Field, given: Any) -> str:
    titles = month_names()
    months = [titles[int(month) - 1] for month in (given if isinstance(given, list) else [given])]
    return _("%(label)s: %(range)s") % {"label": found.label, "range": _listed(list(months))}


def _say_text(found: Field, given: Any) -> str:
    if isinstance(given, Mapping):
        return _("%(label)s contains “%(text)s”") % {"label": found.label, "text": given["contains"]}
    return _("%(label)s is %(values)s") % {"label": found.label, "values": _listed(_mode(given)[1])}


def _say_expiring(found: Field, given: Mapping[str, Any]) -> str:
    days = format_number(given["within_days"])
    numbers = {key: value for key, value in given.items() if key != "within_days"} or {"min": 1}
    return _("%(label)s (within %(n)s days): %(range)s") % {
        "label": found.label, "n": days, "range": _range(None, numbers),
    }  # fmt: skip


_SAY = {
    "number": _say_number, "money": _say_number, "days": _say_days, "choice": _say_choice, "set": _say_set,
    "flag": _say_flag, "date": _say_date, "window": _say_window, "bought": _say_bought,
    "occasion": _say_occasion, "month": _say_month, "text": _say_text, "expiring": _say_expiring,
}  # fmt: skip
