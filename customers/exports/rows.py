"""What an export holds: its columns, and how the database writes each of them.

The database writes the file itself: a million guests as objects of ours would cost many times what reading them does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import F, OuterRef, Subquery, TextField, Value
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from psycopg import sql

from customers.models import Customer, CustomerSummary, CustomField
from customers.selectors.customers import CustomerList
from servaan_crm.l10n.jalali import from_jalali, is_jalali_leap
from servaan_crm.l10n.locale import CafeLocale, get_locale
from servaan_crm.l10n.money import RIALS_PER_TOMAN, unit_name
from servaan_crm.l10n.phone import IR_COUNTRY_CODE

Cell = str | int | float | None
# The Jalali years whose days are written in the café's calendar; days beyond stay as the database knows them.
FIRST_YEAR, LAST_YEAR = 1250, 1449


class Kind(StrEnum):
    """How a value is written."""

    PHONE = "phone"
    TEXT = "text"
    WORD = "word"
    TRUTH = "truth"
    NUMBER = "number"
    MONEY = "money"
    DAY = "day"
    MOMENT = "moment"
    OWN = "own"
    OWN_DAY = "own day"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: its head, where its value comes from, and how it is written.

    ``words``: code → word; ``key``: which of the café's own fields.
    """

    head: str
    source: str
    kind: Kind
    words: Mapping[str, str] = field(default_factory=dict)
    key: str = ""


_PLAIN: tuple[tuple[str, str | Promise], ...] = (
    ("name", pgettext_lazy("person", "Name")),
    ("name_english", gettext_lazy("Latin name")),
    ("email", gettext_lazy("E-mail")),
)
_AFTER: tuple[tuple[str, str | Promise], ...] = (
    ("city", gettext_lazy("City")),
    ("address", gettext_lazy("Address")),
    ("postal_code", gettext_lazy("Postal code")),
    ("tag_names", gettext_lazy("Tags")),
    ("outlet_name", gettext_lazy("Outlet")),
)


def columns_of(locale: CafeLocale) -> list[Column]:
    """Return the columns in the language in force; their heads are understood by the import. The phone is first."""
    columns = [Column(_("Mobile number"), "phone", Kind.PHONE)]
    columns += [Column(str(label), name, Kind.TEXT) for name, label in _PLAIN]
    columns += [
        Column(_("Gender"), "gender", Kind.WORD, _words(Customer.Gender.choices)),
        Column(_("Birthday"), "birthday", Kind.DAY),
        Column(_("Anniversary"), "anniversary", Kind.DAY),
        Column(_("Status"), "status", Kind.WORD, _words(Customer.Status.choices)),
    ]
    columns += [Column(str(label), name, Kind.TEXT) for name, label in _AFTER]
    columns += [
        Column(_("Agreed to marketing"), "allow_marketing", Kind.TRUTH),
        Column(_("Segment"), "summary__segment", Kind.WORD, _words(CustomerSummary.Segment.choices)),
        Column(_("Tier"), "summary__tier", Kind.WORD, _words(CustomerSummary.TierLevel.choices)),
        Column(_("Points"), "summary__points", Kind.NUMBER),
        Column(_("Visits"), "summary__total_visits", Kind.NUMBER),
        Column(_("Spend (%(unit)s)") % {"unit": unit_name(locale)}, "summary__lifetime_spent", Kind.MONEY),
        Column(_("First visit"), "summary__first_visit_at", Kind.MOMENT),
        Column(_("Last visit"), "summary__last_visit_at", Kind.MOMENT),
        Column(_("Member since"), "created_at", Kind.MOMENT),
        Column(_("Notes"), "notes", Kind.TEXT),
    ]
    return columns + [_own_column(own) for own in CustomField.objects.filter(is_active=True)]


def _words(choices: list[tuple[Any, Any]]) -> dict[str, str]:
    return {code: str(word) for code, word in choices if code}


def _own_column(own: CustomField) -> Column:
    kind = Kind.OWN_DAY if own.kind == CustomField.Kind.DATE else Kind.OWN
    return Column(own.label, "custom", kind, key=own.key)


def source_of(found: CustomerList, columns: list[Column]) -> tuple[str, tuple[Any, ...], dict[str, str]]:
    """Return the query of the guests in their order, its parameters, and source → column of its result."""
    tags = (
        Customer.tags.through.objects.filter(customer_id=OuterRef("pk"))
        .order_by()
        .values("customer_id")
        .annotate(
            names=StringAgg(
                "tag__name", Value("، " if get_locale().is_persian else ", "), order_by="tag__name"
            )
        )
        .values_list("names")  # type: ignore[misc]  # the plugin does not know annotations here
    )
    query = found.rows().annotate(
        tag_names=Coalesce(Subquery(tags), Value(""), output_field=TextField()), outlet_name=F("outlet__name")
    )
    sources = list(dict.fromkeys(column.source for column in columns))
    statement, params = query.select_related(None).defer(None).values_list(*sources).query.sql_with_params()
    return statement, params, {source: f"x{place}" for place, source in enumerate(sources)}


class Writer:
    """Gives SQL that writes values as the café reads them: its calendar, its clock, its unit, the words of the screen.

    The SQL may name ``d.days``, of which :attr:`days` is the value.
    """

    def __init__(self, locale: CafeLocale) -> None:
        self._locale = locale
        self._yes, self._no = sql.Literal(_("yes")), sql.Literal(_("no"))
        self.first, self.days = _jalali_days() if locale.is_jalali else (date.min, "")

    @property
    def spells_phones(self) -> bool:
        """Whether SQL writes numbers as the country dials them; for other countries than Iran it takes a library."""
        return self._locale.phone_region == "IR"

    def text(self, column: Column, name: str) -> sql.Composable:
        """Return the SQL of the text of ``column``, whose value is in ``name``; empty or NULL when there is none."""
        value = sql.Identifier("x", name)
        if column.kind == Kind.WORD:
            cases = [
                sql.SQL("WHEN {} THEN {}").format(*map(sql.Literal, pair)) for pair in column.words.items()
            ]
            return sql.SQL("CASE {v} {cases} ELSE {v} END").format(v=value, cases=sql.SQL(" ").join(cases))
        if column.kind == Kind.TRUTH:
            return sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(value, self._yes, self._no)
        if column.kind == Kind.DAY:
            return self._day(value)
        if column.kind == Kind.MOMENT:
            return self._moment(value)
        if column.kind in (Kind.OWN, Kind.OWN_DAY):
            return self._own(column, value)
        if column.kind == Kind.MONEY and self._locale.in_toman:
            return sql.SQL("trim_scale({} / {})::text").format(value, sql.Literal(RIALS_PER_TOMAN))
        if column.kind == Kind.MONEY:
            return sql.SQL("trim_scale({})::text").format(value)
        if column.kind == Kind.PHONE and self.spells_phones:
            code = f"+{IR_COUNTRY_CODE}"
            return sql.SQL(
                "CASE WHEN starts_with({v}, {c}) THEN '0' || substr({v}, {n}) ELSE {v} END"
            ).format(v=value, c=sql.Literal(code), n=sql.Literal(len(code) + 1))
        return value if column.kind in (Kind.TEXT, Kind.PHONE) else sql.SQL("{}::text").format(value)

    def is_number(self, column: Column, name: str) -> sql.Composable | None:
        """Return the SQL of whether the value is a number; None when it never is."""
        if column.kind in (Kind.NUMBER, Kind.MONEY):
            return sql.SQL("true")
        if column.kind == Kind.OWN:
            value = sql.Identifier("x", name)
            return sql.SQL("jsonb_typeof({} -> {}) = 'number'").format(value, sql.Literal(column.key))
        return None

    def _day(self, value: sql.Composable) -> sql.Composable:
        """Year, month and day: 1370/12/30. The Jalali ones are cut out of one long row of days, ten signs each."""
        if not self._locale.is_jalali:
            return sql.SQL("to_char({}, 'YYYY-MM-DD')").format(value)
        last = len(self.days) // 10 - 1
        return sql.SQL(
            "CASE WHEN {v} - {first}::date BETWEEN 0 AND {last}"
            " THEN encode(substring(d.days FROM 10 * ({v} - {first}::date) + 1 FOR 10), 'escape')"
            " ELSE to_char({v}, 'YYYY-MM-DD') END"
        ).format(v=value, first=sql.Literal(self.first.isoformat()), last=sql.Literal(last))

    def _moment(self, value: sql.Composable) -> sql.Composable:
        local = sql.SQL("({} AT TIME ZONE {})").format(value, sql.Literal(self._locale.tz.key))
        day = self._day(sql.SQL("{}::date").format(local))
        return sql.SQL("{} || ' ' || left({}::time::text, 5)").format(day, local)

    def _own(self, column: Column, value: sql.Composable) -> sql.Composable:
        text = sql.SQL("({} ->> {})").format(value, sql.Literal(column.key))
        plain: sql.Composable = text
        if column.kind == Kind.OWN_DAY:
            # The first of a month and so many days: nobody's 30th of February stops the file.
            day = sql.SQL("(to_date(left({t}, 8) || '01', 'YYYY-MM-DD') + (right({t}, 2)::int - 1))").format(
                t=text
            )
            plain = sql.SQL(
                "CASE WHEN {t} !~ '^[0-9]{{4}}-(0[1-9]|1[0-2])-[0-9]{{2}}$' THEN {t}"
                " WHEN to_char({day}, 'YYYY-MM-DD') <> {t} THEN {t} ELSE {written} END"
            ).format(t=text, day=day, written=self._day(day))
        return sql.SQL(
            "CASE jsonb_typeof({v} -> {key}) WHEN 'boolean' THEN CASE WHEN {t} = 'true' THEN {yes} ELSE {no} END"
            " WHEN 'string' THEN {plain} WHEN 'number' THEN {t} END"
        ).format(v=value, key=sql.Literal(column.key), t=text, yes=self._yes, no=self._no, plain=plain)


@lru_cache(maxsize=1)
def _jalali_days() -> tuple[date, str]:
    """Return the first day, and all days from it on, one after the other: ``1230/01/011230/01/02…``."""
    days = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        lengths = [31] * 6 + [30] * 5 + [30 if is_jalali_leap(year) else 29]
        for month, length in enumerate(lengths, 1):
            days += [f"{year:04}/{month:02}/{day:02}" for day in range(1, length + 1)]
    return from_jalali(FIRST_YEAR, 1, 1), "".join(days)
