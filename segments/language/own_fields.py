"""Sets a guest has (tags, channels of consent), and the fields the café added itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import Channel, CustomField, Tag
from customers.services.custom_fields import active_fields
from segments.language import fields
from segments.language.fields import (
    NUMBER,
    TEXT_SCHEMA,
    Field,
    Test,
    contains,
    register,
    register_family,
    text_of,
)
from segments.language.guest_fields import DATE_SCHEMA, named
from segments.language.plan import GUEST, Plan
from segments.language.sql import Sql, some, sql, value
from segments.language.values import choice, dates, flag, members, number_range

Choices = Sequence[tuple[str, str | Promise]]


# --- tags, outlets, consent -----------------------------------------------------------------------------------


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
    found = fields.every(parts) if wanted.mode == "all" else some(parts)
    cases = [
        sql("CASE WHEN {} THEN {} END", _consent(str(code)), value(str(code))) for code in Channel.values
    ]
    actual = sql("ARRAY_REMOVE(ARRAY[{}]::text[], NULL)", fields.sql(", ".join(["{}"] * len(cases)), *cases))
    return Test(sql("(NOT {})", found) if wanted.mode == "none" else found, actual)


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
        read=lambda given, path, plan: choice(given, path, legal) if legal else text_of(given, path),
        compile=lambda wanted, plan: fields.chosen(text, wanted) if legal else contains(text, wanted),
        schema=lambda: fields.operators(fields.listed(options), "in", "not_in") if legal else TEXT_SCHEMA,
    )  # fmt: skip


def _find_own(key: str) -> Field | None:
    return next((_own_field(field) for field in active_fields() if field.key == key), None)


def _all_own() -> list[Field]:
    return [_own_field(field) for field in active_fields()]


def register_all() -> None:
    """Add sets and own fields to the language."""
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
    register_family("custom.", _find_own, _all_own)
