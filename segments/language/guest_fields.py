"""Fields about the guest: who it is, its dates, tags, consent, own fields, and what is derived from its visits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, CustomerSummary
from customers.selectors.derived import CustomerType, Fact, Lifecycle, Risk, Temperature
from customers.selectors.events import kept_within
from segments.language import fields
from segments.language.fields import COUNT, NUMBER, TEXT_SCHEMA, Field, Test, contains, register, text_of
from segments.language.plan import GUEST, SUMMARY, Plan
from segments.language.sql import Sql, sql, value
from segments.language.values import (
    Range,
    choice,
    dates,
    fail,
    flag,
    mapping,
    number_range,
    recency,
    whole,
    wholes,
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


# An occasion comes every year; what is further off is nearer again.
MOST_AHEAD = 366
AHEAD = COUNT | {"maximum": MOST_AHEAD}


def _occasion_field(name: str, label: Any, column: str) -> None:
    def compile_(wanted: int, plan: Plan) -> Test:
        kept = list(kept_within(plan.today, wanted, plan.locale))
        found = sql(f"COALESCE({GUEST}.{column} = ANY({{}}::date[]), FALSE)", value(kept))
        return Test(found, _column(GUEST, column))

    def read(given: Any, path: str, plan: Plan) -> int:
        if isinstance(given, dict):
            given = mapping(given, path, ("within_days",))["within_days"]
            path = f"{path}.within_days"
        return whole(given, path, most=MOST_AHEAD)

    register(
        Field(
            name=name, label=label, group="occasions", kind="occasion", unit="days", read=read, compile=compile_,
            schema=lambda: {"oneOf": [AHEAD, {"type": "object", "properties": {"within_days": AHEAD},
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
        return wholes(given, path, least=1, most=12)

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


def _register_visits() -> None:
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


def _register_facts() -> None:
    _stored_choice(
        "segment", _("Base segment"), "derived", _column(SUMMARY, "segment"), CustomerSummary.Segment.choices
    )
    _stored_choice("status", _("Status"), "guest", _column(GUEST, "status"), Customer.Status.choices)
    _stored_choice("gender", _("Gender"), "guest", _column(GUEST, "gender"), Customer.Gender.choices)
    _fact_field("customer_type", _("Customer type"), CustomerType.choices, "customer_type")
    _fact_field("lifecycle", _("Lifecycle"), Lifecycle.choices, "lifecycle")
    _fact_field("temperature", _("Temperature"), Temperature.choices, "temperature")
    _fact_field("risk", _("Risk of dropping off"), Risk.choices, "risk")


def _register_occasions() -> None:
    _occasion_field("birthday_within_days", _("Birthday in the next days"), "birthday")
    _occasion_field("anniversary_within_days", _("Anniversary in the next days"), "anniversary")
    _month_field("birthday_month", _("Birthday month"), "birthday")
    _month_field("anniversary_month", _("Anniversary month"), "anniversary")
    _date_field("birthday", _("Date of birth"), _column(GUEST, "birthday"), is_date=True, group="occasions")


def _register_about() -> None:
    register(
        Field(
            name="city", label=_("City"), group="guest", kind="text",
            read=lambda given, path, plan: text_of(given, path),
            compile=lambda wanted, plan: contains(_column(GUEST, "city"), wanted), schema=lambda: TEXT_SCHEMA,
        )
    )  # fmt: skip
    _choice_field(
        "first_outlet", _("First outlet"), "guest",
        lambda wanted, plan: fields.chosen(Sql(f"{GUEST}.outlet_id::text"), wanted),
        lambda: [(str(pk), name) for pk, name in Outlet.objects.values_list("pk", "name")],
    )  # fmt: skip
    _flag_field(
        "accepts_marketing",
        _("Accepts marketing messages"),
        "guest",
        lambda plan: Sql(f"{GUEST}.allow_marketing"),
    )


def register_all() -> None:
    """Add the fields about the guest to the language."""
    _register_visits()
    _register_facts()
    _register_occasions()
    _register_about()
