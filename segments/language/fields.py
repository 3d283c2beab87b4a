"""What can be asked of a guest: a registry of fields, each read by a kind and compiled to SQL.

Rooms above this one register theirs with :func:`register` (clicks of a campaign, a churn probability).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from segments.language.plan import Plan
from segments.language.sql import Sql, every, sql, value
from segments.language.values import Choice, Days, Members, Range, fail, mapping, words
from servaan_crm.l10n.text import SearchKey, search_key

Options = Callable[[], Sequence[tuple[str, str | Promise]]]


@dataclass(frozen=True, slots=True)
class Test:
    """A compiled condition: whether it holds (never NULL), and the guest's own value, for "why"."""

    holds: Sql
    actual: Sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the language.

    name: as written in criteria. kind: how its value is read, and which control the builder shows. read:
    (JSON value, path, plan) → meaning; raises InvalidCriteria. compile: (meaning, plan) → test. options: legal
    values with labels, for choices and sets. schema: JSON Schema of the value.
    """

    name: str
    label: str | Promise
    group: str
    kind: str
    read: Callable[[Any, str, Plan], Any]
    compile: Callable[[Any, Plan], Test]
    schema: Callable[[], dict[str, Any]]
    options: Options | None = None
    unit: str = ""


_registry: dict[str, Field] = {}
_prefixes: dict[str, Callable[[str], Field | None]] = {}
_families: dict[str, Callable[[], list[Field]]] = {}


def register(field: Field) -> None:
    """Add a field to the language."""
    _registry[field.name] = field


def register_family(
    prefix: str, find: Callable[[str], Field | None], all_of: Callable[[], list[Field]]
) -> None:
    """Add fields named ``prefix`` + key that only the café's data know: ``find(key)``, and all there are."""
    _prefixes[prefix] = find
    _families[prefix] = all_of


def find_field(name: str) -> Field | None:
    """Return the field called ``name``."""
    if name in _registry:
        return _registry[name]
    for prefix, find in _prefixes.items():
        if name.startswith(prefix):
            return find(name.removeprefix(prefix))
    return None


def all_fields() -> list[Field]:
    """Return every field there is in this café."""
    return [*_registry.values(), *(field for family in _families.values() for field in family())]


def field_names() -> list[str]:
    """Return the names of all fields, for error messages."""
    return [field.name for field in all_fields()]


# --- from meanings to SQL -------------------------------------------------------------------------------------


def in_range(expression: Sql, wanted: Range) -> Sql:
    """Return whether ``expression`` (NULL: no) lies in the range."""
    parts = []
    if wanted.least is not None:
        parts.append(
            sql("{} " + (">" if wanted.is_strict_least else ">=") + " {}", expression, value(wanted.least))
        )
    if wanted.most is not None:
        parts.append(
            sql("{} " + ("<" if wanted.is_strict_most else "<=") + " {}", expression, value(wanted.most))
        )
    if wanted.unequal is not None:
        parts.append(sql("{} <> {}", expression, value(wanted.unequal)))
    return sql("COALESCE({}, FALSE)", every(parts))


def number_test(expression: Sql, wanted: Range) -> Test:
    """Return the test of a number that every guest has."""
    return Test(in_range(expression, wanted), expression)


def chosen(expression: Sql, wanted: Choice) -> Test:
    """Return the test of one value out of a few; a guest without the value is in no list."""
    found = sql("COALESCE({} = ANY({}), FALSE)", expression, value(list(wanted.values)))
    return Test(sql("NOT {}", found) if wanted.is_negated else found, expression)


def has_members(array: Sql, wanted: Members) -> Test:
    """Return the test of a set held as a text array (NULL: empty)."""
    own = sql("COALESCE({}, ARRAY[]::text[])", array)
    listed = sql("{}::text[]", value(list(wanted.values)))
    if wanted.mode == "all":
        holds = sql("{} @> {}", own, listed)
    else:
        holds = sql("{} && {}", own, listed)
    return Test(sql("(NOT {})", holds) if wanted.mode == "none" else sql("({})", holds), own)


def date_test(moment: Sql, wanted: Days, plan: Plan, *, is_date: bool = False) -> Test:
    """Return the test of an instant (or, with ``is_date``, of a date) against a range of local days."""
    local = (
        moment if is_date else sql("({} AT TIME ZONE {})::date", moment, value(str(plan.locale.time_zone)))
    )
    if wanted.known is not None:
        return Test(sql("{} IS NOT NULL" if wanted.known else "{} IS NULL", moment), local)
    parts = []
    if wanted.first is not None:
        parts.append(sql("{} >= {}", moment, value(wanted.first if is_date else plan.start_of(wanted.first))))
    if wanted.last is not None:
        bound = wanted.last if is_date else plan.end_of(wanted.last)
        parts.append(sql("{} " + ("<=" if is_date else "<") + " {}", moment, value(bound)))
    return Test(sql("COALESCE({}, FALSE)", every(parts)), local)


def days_ago(moment: Sql, wanted: Range, plan: Plan) -> Test:
    """Return the test "the local day of ``moment`` is so many days ago"; without a moment it does not hold."""
    parts = [sql("{} IS NOT NULL", moment)]
    if wanted.most is not None:
        most = int(wanted.most) - wanted.is_strict_most
        parts.append(sql("{} >= {}", moment, value(plan.day_start(most))))
    if wanted.least is not None:
        least = int(wanted.least) + wanted.is_strict_least
        parts.append(sql("{} < {}", moment, value(plan.day_start(least - 1))))
    if wanted.unequal is not None:
        first, after = plan.day_start(int(wanted.unequal)), plan.day_start(int(wanted.unequal) - 1)
        parts.append(sql("({} < {} OR {} >= {})", moment, value(first), moment, value(after)))
    actual = sql(
        "({}::date - ({} AT TIME ZONE {})::date)",
        value(plan.today),
        moment,
        value(str(plan.locale.time_zone)),
    )
    return Test(sql("COALESCE({}, FALSE)", every(parts)), actual)


# --- JSON Schema ----------------------------------------------------------------------------------------------

NUMBER: dict[str, Any] = {"type": "number", "minimum": 0}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 36_500}


def range_schema(item: dict[str, Any], *extra: str) -> dict[str, Any]:
    """Return the schema of a number or a range of numbers."""
    keys = ("min", "max", "above", "below", "eq", "not", *extra)
    parts = {"type": "object", "properties": dict.fromkeys(keys, item), "additionalProperties": False}
    return {"oneOf": [item, parts | {"minProperties": 1}]}


def listed(options: Options | None) -> dict[str, Any]:
    """Return the schema of one or more texts out of ``options``."""
    item: dict[str, Any] = {"type": "string"}
    if options is not None:
        item["enum"] = [key for key, _label in options()]
    return {"oneOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def operators(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the schema of ``{operator: value}`` with exactly one of ``names``, or the bare value."""
    only = {
        "type": "object", "properties": dict.fromkeys(names, schema), "additionalProperties": False,
        "minProperties": 1, "maxProperties": 1,
    }  # fmt: skip
    return {"oneOf": [*schema.get("oneOf", [schema]), only]}


def decimal(expression: Sql) -> Sql:
    """Return ``expression`` as a number that is 0 without rows."""
    return sql("COALESCE({}, 0)", expression)


# --- texts ----------------------------------------------------------------------------------------------------

WORD: dict[str, Any] = {"type": "string", "minLength": 1}
TEXT_SCHEMA: dict[str, Any] = {
    "oneOf": [
        WORD,
        {"type": "object", "properties": {"contains": WORD}, "additionalProperties": False,
         "required": ["contains"]},
    ]
}  # fmt: skip


def text_of(given: Any, path: str) -> tuple[str, bool]:
    """Return (text, whether it need only be contained)."""
    if isinstance(given, dict):
        inner = mapping(given, path, ("contains",))["contains"]
        return _one_text(inner, f"{path}.contains"), True
    return _one_text(given, path), False


def _one_text(given: Any, path: str) -> str:
    if isinstance(given, list):
        raise fail(path, _("a text is needed"), ["text"])
    found = search_key(words(given, path)[0])
    if not found:
        raise fail(path, _("a text is needed"), ["text"])
    return found


def contains(text: Sql, wanted: tuple[str, bool]) -> Test:
    """Return the test of a text: equal or contained, compared as a search compares (both spellings of ی and ک)."""
    own = key_of(text)
    if wanted[1]:
        return Test(sql("COALESCE(position({} in {}) > 0, FALSE)", value(wanted[0]), own), text)
    return Test(sql("COALESCE({} = {}, FALSE)", own, value(wanted[0])), text)


def key_of(text: Sql) -> Sql:
    """Return ``search_key`` of a text expression in SQL."""
    template = str(SearchKey.template)
    return Sql(template % {"expressions": text.text}, text.params * template.count("%(expressions)s"))
