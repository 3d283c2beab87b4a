"""Fields about the guest: who it is, its dates, tags, consent, own fields, and what is derived from its visits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from customers.models import Channel, Customer, CustomerSummary, CustomField, Tag
from customers.selectors.derived import CustomerType, Fact, Lifecycle, Risk, Temperature
from customers.selectors.events import kept_within
from customers.services.custom_fields import active_fields
from segments.language import fields
from segments.language.fields import COUNT, NUMBER, Field, Test, register, register_family
from segments.language.plan import GUEST, SUMMARY, Plan
from segments.language.sql import Sql, sql, value
from segments.language.values import (
    Range,
    choice,
    dates,
    fail,
    flag,
    mapping,
    members,
    number_range,
    recency,
    whole,
    words,
)
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.jalali import month_names, to_calendar
from servaan_crm.l10n.text import search_key

Choices = Sequence[tuple[str, str | Promise]]


def _column(table: str, name: str) -> Sql:
    return Sql(f"{table}.{name}")


def _number_field(name: str, label: Any, group: str, column: str, *, unit: str = "") -> None:
    expression = _column(SUMMARY, column)
    register(
        Field(
            name=name, label=label, group=group, kind="money" if unit == "money" else "number", unit=unit,
            read=lambda given, path, plan: number_range(given, path),
            compile=lambda wanted, plan: fields.number_test(expression, wanted),
            schema=lambda: fields.range_schema(NUMBER),
        )
    )  # fmt: skip


def _choice_field(
    name: str, label: Any, group: str, compile_: Callable[[Any, Plan], Test], options: Callable[[], Choices]
) -> None:
    register(
        Field(
            name=name, label=label, group=group, kind="choice", options=options,
            read=lambda given, path, plan: choice(given, path, [key for key, _label in options()]),
            compile=compile_,
            schema=lambda: fields.operators(fields.listed(options), "in", "not_in"),
        )
    )  # fmt: skip


def _stored_choice(name: str, label: Any, group: str, column: Sql, choices: Choices) -> None:
    _choice_field(name, label, group, lambda wanted, plan: fields.chosen(column, wanted), lambda: choices)


def _recency_field(name: str, label: Any, column: Sql) -> None:
    register(
        Field(
            name=name, label=label, group="recency", kind="days", unit="days",
            read=lambda given, path, plan: recency(given, path),
            compile=lambda wanted, plan: fields.days_ago(column, wanted, plan),
            schema=lambda: fields.range_schema(COUNT),
        )
    )  # fmt: skip


DATE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "from": {"type": "string"}, "to": {"type": "string"}, "within_days": COUNT, "before_days": COUNT,
        "known": {"type": "boolean"},
    },
    "additionalProperties": False,
    "minProperties": 1,
}  # fmt: skip


def _date_field(name: str, label: Any, column: Sql, *, is_date: bool = False, group: str = "recency") -> None:
    register(
        Field(
            name=name, label=label, group=group, kind="date",
            read=lambda given, path, plan: dates(given, path, plan.today),
            compile=lambda wanted, plan: fields.date_test(column, wanted, plan, is_date=is_date),
            schema=lambda: DATE_SCHEMA,
        )
    )  # fmt: skip


def where_of(condition: Q) -> Sql:
    """Return the SQL of a condition on summaries, by Django's own compiler; its columns carry the table's name."""
    query = CustomerSummary.objects.filter(condition).query
    text, params = query.where.as_sql(query.get_compiler(connection=connection), connection)
    return Sql(text, tuple(params))


def fact_sql(fact: Fact, values: Sequence[str]) -> Sql:
    """Return a derived fact as a text expression: one ``CASE`` over its cases, which exclude each other."""
    cases = Sql("")
    for key in values:
        cases += sql(" WHEN {} THEN {}", where_of(fact.q(key, prefix="")), value(key))
    return sql("(CASE{} END)", cases)


def _fact_field(name: str, label: Any, choices: Choices, attribute: str) -> None:
    values = [key for key, _label in choices]

    def compile_(wanted: Any, plan: Plan) -> Test:
        return fields.chosen(fact_sql(getattr(plan.facts, attribute), values), wanted)

    _choice_field(name, label, "derived", compile_, lambda: choices)


def _occasion_field(name: str, label: Any, column: str) -> None:
    def compile_(wanted: int, plan: Plan) -> Test:
        kept = list(kept_within(plan.today, wanted, plan.locale))
        found = sql(f"COALESCE({GUEST}.{column} = ANY({{}}::date[]), FALSE)", value(kept))
        return Test(found, _column(GUEST, column))

    def read(given: Any, path: str, plan: Plan) -> int:
        if isinstance(given, dict):
            given = mapping(given, path, ("within_days",))["within_days"]
            path = f"{path}.within_days"
        return whole(given, path, most=366)

    register(
        Field(
            name=name, label=label, group="occasions", kind="occasion", unit="days", read=read, compile=compile_,
            schema=lambda: {"oneOf": [COUNT, {"type": "object", "properties": {"within_days": COUNT},
                                              "required": ["within_days"], "additionalProperties": False}]},
        )
    )  # fmt: skip


def _month_field(name: str, label: Any, column: str) -> None:
    """The month of a stored date in the café's calendar: 11 is بهمن in an Iranian café."""

    def compile_(wanted: tuple[int, ...], plan: Plan) -> Test:
        born = _column(GUEST, column)
        if not plan.locale.is_jalali:
            found = sql("COALESCE(EXTRACT(month FROM {})::int = ANY({}), FALSE)", born, value(list(wanted)))
            return Test(found, born)
        stored = [
            date
            for date in kept_within(plan.today, 366, plan.locale)
            if to_calendar(date, plan.locale).month in wanted
        ]
        return Test(sql("COALESCE({} = ANY({}::date[]), FALSE)", born, value(stored)), born)

    def read(given: Any, path: str, plan: Plan) -> tuple[int, ...]:
        items = given if isinstance(given, list) else [given]
        if not items:
            raise fail(path, _t("a month is needed"), ["1 … 12"])
        return tuple(whole(item, path, least=1, most=12) for item in items)

    month: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 12}
    register(
        Field(
            name=name, label=label, group="occasions", kind="month", read=read, compile=compile_,
            options=lambda: [(str(place), title) for place, title in enumerate(month_names(), 1)],
            schema=lambda: {"oneOf": [month, {"type": "array", "items": month, "minItems": 1}]},
        )
    )  # fmt: skip


def _flag_field(name: str, label: Any, group: str, holds: Callable[[Plan], Sql]) -> None:
    def compile_(wanted: bool, plan: Plan) -> Test:
        found = holds(plan)
        return Test(sql("({} = {})", found, value(wanted)), found)

    register(
        Field(
            name=name, label=label, group=group, kind="flag", read=lambda given, path, plan: flag(given, path),
            compile=compile_, schema=lambda: {"type": "boolean"},
        )
    )  # fmt: skip


# --- tags, outlets, consent -----------------------------------------------------------------------------------


def named(rows: Any, given: Sequence[str], path: str) -> list[str]:
    """Return the ids of rows given by id or by name. Raises InvalidCriteria that lists the names there are."""
    known = list(rows.values_list("pk", "name")[:1000])
    found = []
    for text in given:
        ids = [
            str(pk) for pk, name in known if str(pk) == text.lower() or search_key(name) == search_key(text)
        ]
        if not ids:
            raise fail(
                path, _t("unknown value: %(values)s") % {"values": text}, [name for _pk, name in known[:50]]
            )
        found.append(ids[0])
    return found


def _tags(wanted: Any, plan: Plan) -> Test:
    """By an index: how many of the tags the guest has."""
    ids = value(list(wanted.values))
    link = "SELECT 1 FROM customers_customer_tags t WHERE t.customer_id = customers_customer.id AND t.tag_id"
    one = sql(f"EXISTS ({link} = ANY({{}}::uuid[]))", ids)
    if wanted.mode == "all":
        parts = [sql(f"EXISTS ({link} = {{}}::uuid)", value(item)) for item in wanted.values]
        one = fields.every(parts)
    names = Sql(
        "(SELECT array_agg(g.name::text ORDER BY g.name) FROM customers_customer_tags t"
        " JOIN customers_tag g ON g.id = t.tag_id WHERE t.customer_id = customers_customer.id)"
    )
    return Test(sql("(NOT {})", one) if wanted.mode == "none" else one, names)


def _read_tags(given: Any, path: str, plan: Plan) -> Any:
    wanted = members(given, path)
    return type(wanted)(tuple(named(Tag.objects.all(), wanted.values, path)), wanted.mode)


def _consent(channel: str) -> Sql:
    """The rule of ``customers.selectors.consent.may_be_messaged``, in this query's words."""
    newest = sql(
        "(SELECT o.granted FROM customers_consentchange o WHERE o.customer_id = customers_customer.id"
        " AND o.channel = ANY({}) ORDER BY o.id DESC LIMIT 1)",
        value([channel, "all"]),
    )
    return sql(f"({GUEST}.allow_marketing AND {GUEST}.status <> 'blocked' AND COALESCE({{}}, TRUE))", newest)


def _consents(wanted: Any, plan: Plan) -> Test:
    parts = [_consent(channel) for channel in wanted.values]
    found = fields.every(parts) if wanted.mode == "all" else _some(parts)
    cases = [
        sql("CASE WHEN {} THEN {} END", _consent(str(code)), value(str(code))) for code in Channel.values
    ]
    actual = sql("ARRAY_REMOVE(ARRAY[{}]::text[], NULL)", fields.sql(", ".join(["{}"] * len(cases)), *cases))
    return Test(sql("(NOT {})", found) if wanted.mode == "none" else found, actual)


def _some(parts: Sequence[Sql]) -> Sql:
    return sql("(" + " OR ".join(["{}"] * len(parts)) + ")", *parts)


# --- the café's own fields ------------------------------------------------------------------------------------


def _own_field(field: CustomField) -> Field:
    name, key = f"custom.{field.key}", field.key
    text = sql("({}.custom ->> {})", Sql(GUEST), value(key))
    kind = CustomField.Kind(field.kind)
    common: dict[str, Any] = {"name": name, "label": field.label, "group": "custom"}
    if kind == CustomField.Kind.NUMBER:
        return Field(
            **common, kind="number", read=lambda given, path, plan: number_range(given, path),
            compile=lambda wanted, plan: fields.number_test(sql("{}::numeric", text), wanted),
            schema=lambda: fields.range_schema(NUMBER),
        )  # fmt: skip
    if kind == CustomField.Kind.DATE:
        return Field(
            **common, kind="date", read=lambda given, path, plan: dates(given, path, plan.today),
            compile=lambda wanted, plan: fields.date_test(sql("{}::date", text), wanted, plan, is_date=True),
            schema=lambda: DATE_SCHEMA,
        )  # fmt: skip
    if kind == CustomField.Kind.BOOLEAN:
        return Field(
            **common, kind="flag", read=lambda given, path, plan: flag(given, path),
            compile=lambda wanted, plan: Test(
                sql("(COALESCE({}::boolean, FALSE) = {})", text, value(wanted)), sql("{}::boolean", text)
            ),
            schema=lambda: {"type": "boolean"},
        )  # fmt: skip
    legal = [str(item) for item in field.choices] if field.choices else None
    options = (lambda: [(item, item) for item in legal]) if legal else None
    return Field(
        **common, kind="choice" if legal else "text", options=options,
        read=lambda given, path, plan: choice(given, path, legal) if legal else _text(given, path),
        compile=lambda wanted, plan: fields.chosen(text, wanted) if legal else _contains(text, wanted),
        schema=lambda: fields.operators(fields.listed(options), "in", "not_in") if legal else TEXT_SCHEMA,
    )  # fmt: skip


TEXT_SCHEMA: dict[str, Any] = {
    "oneOf": [
        {"type": "string"},
        {"type": "object", "properties": {"contains": {"type": "string"}}, "additionalProperties": False,
         "required": ["contains"]},
    ]
}  # fmt: skip


def _text(given: Any, path: str) -> tuple[str, bool]:
    """Return (text, whether it need only be contained)."""
    if isinstance(given, dict):
        inner = mapping(given, path, ("contains",))["contains"]
        return words(inner, f"{path}.contains")[0], True
    return words(given, path)[0], False


def _contains(text: Sql, wanted: tuple[str, bool]) -> Test:
    if wanted[1]:
        return Test(
            sql("COALESCE(position({} in lower({})) > 0, FALSE)", value(wanted[0].lower()), text), text
        )
    return Test(sql("COALESCE(lower({}) = {}, FALSE)", text, value(wanted[0].lower())), text)


def _find_own(key: str) -> Field | None:
    return next((_own_field(field) for field in active_fields() if field.key == key), None)


def _all_own() -> list[Field]:
    return [_own_field(field) for field in active_fields()]


def register_all() -> None:
    """Add the fields about the guest to the language."""
    _number_field("visit_count", _("Visits over all time"), "visits", "total_visits")
    _number_field("lifetime_spent", _("Lifetime spend"), "visits", "lifetime_spent", unit="money")
    register(
        Field(
            name="average_basket", label=_("Average bill"), group="visits", kind="money", unit="money",
            read=lambda given, path, plan: number_range(given, path),
            compile=lambda wanted, plan: fields.number_test(
                Sql(f"({SUMMARY}.lifetime_spent / NULLIF({SUMMARY}.total_visits, 0))"), wanted
            ),
            schema=lambda: fields.range_schema(NUMBER),
        )
    )  # fmt: skip
    _recency_field("last_visit_days", _("Days since the last visit"), _column(SUMMARY, "last_visit_at"))
    _recency_field("first_visit_days", _("Days since the first visit"), _column(SUMMARY, "first_visit_at"))
    _date_field("last_visit", _("Last visit"), _column(SUMMARY, "last_visit_at"))
    _date_field("first_visit", _("First visit"), _column(SUMMARY, "first_visit_at"))
    _date_field("created", _("Joined"), _column(GUEST, "created_at"))
    register(
        Field(
            name="created_within_days", label=_("Joined in the last days"), group="recency", kind="occasion",
            unit="days", read=lambda given, path, plan: whole(given, path),
            compile=lambda wanted, plan: fields.days_ago(_column(GUEST, "created_at"), Range(None, wanted), plan),
            schema=lambda: COUNT,
        )
    )  # fmt: skip
    _stored_choice(
        "segment", _("Base segment"), "derived", _column(SUMMARY, "segment"), CustomerSummary.Segment.choices
    )
    _stored_choice("status", _("Status"), "guest", _column(GUEST, "status"), Customer.Status.choices)
    _stored_choice("gender", _("Gender"), "guest", _column(GUEST, "gender"), Customer.Gender.choices)
    _fact_field("customer_type", _("Customer type"), CustomerType.choices, "customer_type")
    _fact_field("lifecycle", _("Lifecycle"), Lifecycle.choices, "lifecycle")
    _fact_field("temperature", _("Temperature"), Temperature.choices, "temperature")
    _fact_field("risk", _("Risk of dropping off"), Risk.choices, "risk")
    _occasion_field("birthday_within_days", _("Birthday in the next days"), "birthday")
    _occasion_field("anniversary_within_days", _("Anniversary in the next days"), "anniversary")
    _month_field("birthday_month", _("Birthday month"), "birthday")
    _month_field("anniversary_month", _("Anniversary month"), "anniversary")
    _date_field("birthday", _("Date of birth"), _column(GUEST, "birthday"), is_date=True, group="occasions")
    register(
        Field(
            name="city", label=_("City"), group="guest", kind="text", read=lambda given, path, plan: _text(given, path),
            compile=lambda wanted, plan: _contains(_column(GUEST, "city"), wanted), schema=lambda: TEXT_SCHEMA,
        )
    )  # fmt: skip
    _choice_field(
        "first_outlet", _("First outlet"), "guest",
        lambda wanted, plan: fields.chosen(Sql(f"{GUEST}.outlet_id::text"), wanted),
        lambda: [(str(pk), name) for pk, name in Outlet.objects.values_list("pk", "name")],
    )  # fmt: skip
    register(
        Field(
            name="tags", label=_("Tags"), group="guest", kind="set", read=_read_tags, compile=_tags,
            options=lambda: [(str(pk), name) for pk, name in Tag.objects.values_list("pk", "name")],
            schema=lambda: fields.operators(fields.listed(None), "any", "all", "none"),
        )
    )  # fmt: skip
    channels: Choices = Channel.choices
    register(
        Field(
            name="consent", label=_("May be messaged by"), group="guest", kind="set", options=lambda: channels,
            read=lambda given, path, plan: members(given, path, [str(code) for code in Channel.values]),
            compile=_consents,
            schema=lambda: fields.operators(fields.listed(lambda: channels), "any", "all", "none"),
        )
    )  # fmt: skip
    _flag_field(
        "accepts_marketing",
        _("Accepts marketing messages"),
        "guest",
        lambda plan: Sql(f"{GUEST}.allow_marketing"),
    )
    register_family("custom.", _find_own, _all_own)
