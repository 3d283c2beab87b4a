"""Fields about what guests did: visits and spend in a window, what they bought, feedback, points, messages, RFM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import CustomerSummary, Visit
from segments.language import fields
from segments.language.fields import COUNT, NUMBER, Field, Test, register
from segments.language.guest_fields import named
from segments.language.plan import CODE_USES, FEEDBACK, MESSAGES, SUMMARY, VISITS, VOUCHERS, Plan, Table
from segments.language.sql import Sql, every, some, sql, value
from segments.language.values import (
    DAY_KEYS,
    RANGE_KEYS,
    Days,
    Range,
    choice,
    day_range,
    flag,
    mapping,
    members,
    number_range,
    range_of,
    whole,
    wholes,
    words,
)
from segments.rfm import GROUPS
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.text import search_key

FILTERS = ("outlet", "visit_type", "payment", "item", "category", "weekday", "from_hour", "until_hour")
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of a table in a range of days, those that pass ``filters``, and how much of them there must be."""

    wanted: Range
    days: Days
    filters: tuple[Sql, ...]


def _lines(member: str, names: Sequence[str]) -> Sql:
    """Return whether a line of the bill has one of ``names``, compared as a search compares."""
    keys = [search_key(name) for name in names]
    own = fields.key_of(Sql(f"(line ->> {member!r})"))
    return sql(
        "EXISTS (SELECT 1 FROM jsonb_array_elements(items) AS line WHERE {} = ANY({}))", own, value(keys)
    )


def _visit_filters(parts: Mapping[str, Any], path: str, plan: Plan) -> tuple[Sql, ...]:
    """Return the conditions on single visits, the cheap ones first."""
    found = []
    if "visit_type" in parts:
        kinds = words(parts["visit_type"], f"{path}.visit_type", [str(key) for key in Visit.VisitType.values])
        found.append(sql("visit_type = ANY({})", value(list(kinds))))
    if "payment" in parts:
        kinds = words(parts["payment"], f"{path}.payment", [str(key) for key in Visit.PaymentMethod.values])
        found.append(sql("payment_method = ANY({})", value(list(kinds))))
    if "outlet" in parts:
        place = f"{path}.outlet"
        ids = named(Outlet.objects.all(), words(parts["outlet"], place), place)
        found.append(sql("outlet_id = ANY({}::uuid[])", value(ids)))
    found += _clock(parts, path, plan)
    for member, column in (("item", "name"), ("category", "category")):
        if member in parts:
            found.append(_lines(column, words(parts[member], f"{path}.{member}")))
    return tuple(found)


def _clock(parts: Mapping[str, Any], path: str, plan: Plan) -> list[Sql]:
    local = sql("(visit_date AT TIME ZONE {})", value(str(plan.locale.time_zone)))
    found = []
    if "weekday" in parts:
        # Monday is 0, as datetime.weekday() counts; PostgreSQL's ISO days begin with 1.
        days = [day + 1 for day in wholes(parts["weekday"], f"{path}.weekday", least=0, most=6)]
        found.append(sql("EXTRACT(isodow FROM {})::int = ANY({})", local, value(days)))
    hour = sql("EXTRACT(hour FROM {})", local)
    first = whole(parts["from_hour"], f"{path}.from_hour", most=23) if "from_hour" in parts else None
    last = whole(parts["until_hour"], f"{path}.until_hour", most=24) if "until_hour" in parts else None
    bounds = []
    if first is not None:
        bounds.append(sql("{} >= {}", hour, value(first)))
    if last is not None:
        bounds.append(sql("{} < {}", hour, value(last)))
    if bounds:
        over_midnight = first is not None and last is not None and first >= last
        found.append(some(bounds) if over_midnight else every(bounds))
    return found


def _read_window(given: Any, path: str, plan: Plan, filters: Sequence[str]) -> Window:
    if not isinstance(given, Mapping):
        return Window(number_range(given, path), Days(), ())
    parts = mapping(given, path, (*RANGE_KEYS, *DAY_KEYS, *filters), needed=RANGE_KEYS)
    conditions = _visit_filters(parts, path, plan) if filters else ()
    return Window(range_of(parts, path), day_range(parts, path, plan.today), conditions)


def _measure(plan: Plan, table: Table, expression: str, window: Window) -> Sql:
    """Return the aggregate of the window's rows, 0 without any."""
    since = plan.start_of(window.days.first) if window.days.first else None
    conditions = list(window.filters)
    if window.days.last is not None:
        conditions.insert(0, sql(f"{table.at} < {{}}", value(plan.end_of(window.days.last))))
    return fields.decimal(plan.aggregate(table, expression, where=conditions, since=since))


def _window_schema(filters: Sequence[str]) -> dict[str, Any]:
    text = fields.listed(None)
    numbers = {"weekday", "from_hour", "until_hour"}
    extra: dict[str, Any] = {name: COUNT if name in numbers else text for name in filters}
    if "weekday" in extra:
        extra["weekday"] = {"oneOf": [COUNT, {"type": "array", "items": COUNT, "minItems": 1}]}
    days: dict[str, Any] = {
        "from": {"type": "string"},
        "to": {"type": "string"},
        "within_days": COUNT,
        "before_days": COUNT,
    }
    whole_object = {
        "type": "object",
        "properties": dict.fromkeys(RANGE_KEYS, NUMBER) | days | extra,
        "additionalProperties": False,
        "minProperties": 1,
    }
    return {"oneOf": [NUMBER, whole_object]}


def window_field(
    name: str,
    label: str | Promise,
    group: str,
    table: Table,
    expression: str,
    *,
    filters: Sequence[str] = (),
    unit: str = "",
    only: Sequence[Sql] = (),
) -> None:
    """Register a field that measures a guest's rows of ``table`` in a range of days; rooms above have some too."""

    def compile_(wanted: Window, plan: Plan) -> Test:
        window = Window(wanted.wanted, wanted.days, (*only, *wanted.filters))
        return fields.number_test(_measure(plan, table, expression, window), wanted.wanted)

    register(
        Field(
            name=name, label=label, group=group, kind="window", unit=unit,
            read=lambda given, path, plan: _read_window(given, path, plan, filters),
            compile=compile_, schema=lambda: _window_schema(filters),
        )
    )  # fmt: skip


# --- bought ---------------------------------------------------------------------------------------------------


def _read_bought(given: Any, path: str, plan: Plan) -> Window:
    """Visits with an item or a category on the bill; at least one unless a range says otherwise."""
    if not isinstance(given, Mapping):
        given = {"item": given}
    legal = (*RANGE_KEYS, *DAY_KEYS, *FILTERS)
    parts = mapping(given, path, legal, needed=("item", "category"))
    wanted = range_of(parts, path) if set(parts) & set(RANGE_KEYS) else Range(least=Decimal(1))
    return Window(wanted, day_range(parts, path, plan.today), _visit_filters(parts, path, plan))


def _bought_schema() -> dict[str, Any]:
    text = fields.listed(None)
    whole_object = _window_schema(FILTERS)["oneOf"][1] | {
        "anyOf": [{"required": ["item"]}, {"required": ["category"]}]
    }
    return {"oneOf": [*text["oneOf"], whole_object]}


# --- monthly visits, ever -------------------------------------------------------------------------------------


def _monthly(wanted: Range, plan: Plan) -> Test:
    count = plan.aggregate(VISITS, "count(*)", since=plan.day_start(MONTH_DAYS))
    return fields.number_test(fields.decimal(count), wanted)


def _ever_field(name: str, label: Any, column: str, options: fields.Options) -> None:
    """A guest has it when any visit has it."""

    def compile_(wanted: Any, plan: Plan) -> Test:
        found = plan.aggregate(VISITS, f"array_agg(DISTINCT {column}::text)")
        return fields.has_members(found, wanted)

    def read(given: Any, path: str, plan: Plan) -> Any:
        return members(given, path, [key for key, _label in options()])

    register(
        Field(
            name=name, label=label, group="visits", kind="set", options=options, read=read, compile=compile_,
            schema=lambda: fields.operators(fields.listed(options), "any", "all", "none"),
        )
    )  # fmt: skip


# --- the club -------------------------------------------------------------------------------------------------


def _expiring(wanted: tuple[Range, int], plan: Plan) -> Test:
    days, points = plan.row_of("account", "lot_expiries"), plan.row_of("account", "lot_points")
    soon = sql(
        "COALESCE((SELECT sum(lot.points) FROM unnest({}, {}) AS lot(day, points) WHERE lot.day <= {}), 0)",
        days, points, value(plan.today + timedelta(days=wanted[1])),
    )  # fmt: skip
    return fields.number_test(soon, wanted[0])


def _read_expiring(given: Any, path: str, plan: Plan) -> tuple[Range, int]:
    parts = mapping(given, path, (*RANGE_KEYS, "within_days"), needed=("within_days",))
    wanted = range_of(parts, path) if set(parts) & set(RANGE_KEYS) else Range(least=Decimal(1))
    return wanted, whole(parts["within_days"], f"{path}.within_days")


EXPIRING_SCHEMA: dict[str, Any] = {
    "type": "object", "properties": dict.fromkeys(RANGE_KEYS, NUMBER) | {"within_days": COUNT},
    "required": ["within_days"], "additionalProperties": False,
}  # fmt: skip


def _simple(name: str, label: Any, group: str, kind: str, **parts: Any) -> None:
    register(Field(name=name, label=label, group=group, kind=kind, **parts))


def _number(name: str, label: Any, group: str, expression: Any) -> None:
    _simple(
        name, label, group, "number", read=lambda given, path, plan: number_range(given, path),
        compile=lambda wanted, plan: fields.number_test(expression(plan), wanted),
        schema=lambda: fields.range_schema(NUMBER),
    )  # fmt: skip


def _choice(name: str, label: Any, group: str, expression: Any, options: fields.Options) -> None:
    _simple(
        name, label, group, "choice", options=options,
        read=lambda given, path, plan: choice(given, path, [key for key, _label in options()]),
        compile=lambda wanted, plan: fields.chosen(expression(plan), wanted),
        schema=lambda: fields.operators(fields.listed(options), "in", "not_in"),
    )  # fmt: skip


def _register_club() -> None:
    tiers = CustomerSummary.TierLevel.choices
    for name in ("tier_level", "tier_levels"):
        _choice(name, _("Tier"), "club", lambda plan: Sql(f"{SUMMARY}.tier"), lambda: tiers)
    _number("points", _("Points"), "club", lambda plan: Sql(f"{SUMMARY}.points"))
    _number(
        "points_earned", _("Points earned over all time"), "club",
        lambda plan: fields.decimal(plan.row_of("account", "points_earned_total")),
    )  # fmt: skip
    _simple(
        "points_expiring", _("Points that expire soon"), "club", "expiring", unit="days", read=_read_expiring,
        compile=_expiring, schema=lambda: EXPIRING_SCHEMA,
    )  # fmt: skip
    window_field("codes_used", _("Discount codes used"), "club", CODE_USES, "count(*)")
    window_field(
        "vouchers_held",
        _("Vouchers ready to use"),
        "club",
        VOUCHERS,
        "count(*)",
        only=[Sql("status = 'issued'")],
    )
    window_field(
        "vouchers_used", _("Vouchers used"), "club", VOUCHERS, "count(*)", only=[Sql("status = 'used'")]
    )


def _register_feedback() -> None:
    window_field("feedback_count", _("Times feedback was given"), "feedback", FEEDBACK, "count(*)")
    _number(
        "average_rating",
        _("Average rating"),
        "feedback",
        lambda plan: plan.aggregate(FEEDBACK, "avg(rating)"),
    )
    _number(
        "last_rating", _("Last rating"), "feedback",
        lambda plan: plan.aggregate(FEEDBACK, "(array_agg(rating ORDER BY created_at DESC, id DESC))[1]"),
    )  # fmt: skip

    def is_open(plan: Plan) -> Sql:
        return sql("COALESCE({}, FALSE)", plan.aggregate(FEEDBACK, "bool_or(status = 'open')"))

    _simple(
        "open_feedback", _("Has feedback that is not answered"), "feedback", "flag",
        read=lambda given, path, plan: flag(given, path),
        compile=lambda wanted, plan: Test(sql("({} = {})", is_open(plan), value(wanted)), is_open(plan)),
        schema=lambda: {"type": "boolean"},
    )  # fmt: skip


def _register_rfm() -> None:
    for name, label in (
        ("recency", _("RFM: recency (1-5)")),
        ("frequency", _("RFM: frequency (1-5)")),
        ("monetary", _("RFM: spend (1-5)")),
    ):
        _number(f"rfm_{name}", label, "rfm", lambda plan, column=name: plan.row_of("rfm", column))
    _choice("rfm_group", _("RFM group"), "rfm", lambda plan: plan.row_of("rfm", '"group"'), lambda: GROUPS)


def register_all() -> None:
    """Add the fields about what guests did to the language."""
    _simple(
        "monthly_visits", _("Visits in the last 30 days"), "visits", "number",
        read=lambda given, path, plan: number_range(given, path), compile=_monthly,
        schema=lambda: fields.range_schema(NUMBER),
    )  # fmt: skip
    window_field("visits", _("Number of visits"), "visits", VISITS, "count(*)", filters=FILTERS)
    window_field(
        "spend", _("Amount spent"), "visits", VISITS, "sum(final_amount)", filters=FILTERS, unit="money"
    )
    window_field(
        "average_spend", _("Average amount of a bill"), "visits", VISITS, "avg(final_amount)", filters=FILTERS,
        unit="money",
    )  # fmt: skip
    window_field(
        "largest_bill", _("Largest bill"), "visits", VISITS, "max(final_amount)", filters=FILTERS,
        unit="money",
    )  # fmt: skip
    _simple(
        "bought", _("Bought"), "visits", "bought", read=_read_bought,
        compile=lambda wanted, plan: fields.number_test(_measure(plan, VISITS, "count(*)", wanted), wanted.wanted),
        schema=_bought_schema,
    )  # fmt: skip
    _ever_field(
        "payment_method", _("Has paid by"), "NULLIF(payment_method, '')", lambda: Visit.PaymentMethod.choices
    )
    _ever_field("visit_type", _("Has come for"), "visit_type", lambda: Visit.VisitType.choices)
    _ever_field(
        "outlet", _("Has been to"), "outlet_id",
        lambda: [(str(pk), name) for pk, name in Outlet.objects.values_list("pk", "name")],
    )  # fmt: skip
    _register_club()
    _register_feedback()
    _register_rfm()
    window_field("messages_received", _("Messages received"), "messages", MESSAGES, "count(*)")
