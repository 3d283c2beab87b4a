"""What an export holds: its columns, and the rows of a customer list in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.aggregates import StringAgg
from django.db import transaction
from django.db.models import F, OuterRef, Subquery, TextField, Value
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.models import Customer, CustomerSummary, CustomField
from customers.selectors.customers import CustomerList
from servaan_crm.l10n.jalali import to_calendar
from servaan_crm.l10n.locale import CafeLocale, get_locale
from servaan_crm.l10n.money import to_screen, unit_name
from servaan_crm.l10n.phone import national

BATCH = 2_000
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: its head, where its value comes from, and how it is written."""

    head: str
    source: str
    write: Callable[[Any], Cell]


def _same(value: Any) -> Cell:
    return value  # type: ignore[no-any-return]


def _words(choices: list[tuple[Any, Any]]) -> Callable[[Any], Cell]:
    words = {code: str(word) for code, word in choices}
    return lambda code: words.get(code, code) if code else ""


def day_writer(locale: CafeLocale) -> Callable[[date | None], str]:
    """Return the writer of days in the café's calendar, in digits every program reads: 1370/12/30."""
    mark = "/" if locale.is_jalali else "-"

    @lru_cache(maxsize=65_536)
    def write(day: date) -> str:
        year, month, number = to_calendar(day, locale)
        return f"{year:04d}{mark}{month:02d}{mark}{number:02d}"

    return lambda day: write(day) if day else ""


def moment_writer(locale: CafeLocale) -> Callable[[datetime | None], str]:
    """Return the writer of instants: the local day and the local time."""
    zone: ZoneInfo = locale.tz
    day = day_writer(locale)

    def write(instant: datetime | None) -> str:
        if instant is None:
            return ""
        local = instant.astimezone(zone)
        return f"{day(local.date())} {local.hour:02d}:{local.minute:02d}"

    return write


def _phone_writer(locale: CafeLocale) -> Callable[[str], str]:
    region = locale.phone_region
    return lambda phone: national(phone, region)


def _money_writer(locale: CafeLocale) -> Callable[[Any], Cell]:
    def write(amount: Any) -> Cell:
        shown = to_screen(amount, locale)
        whole = int(shown)
        return whole if shown == whole else float(shown)

    return write


def _yes_no(value: Any) -> Cell:
    return "" if value is None else _("yes") if value else _("no")


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
)


def columns_of(locale: CafeLocale) -> list[Column]:
    """Return the columns in the language in force; their heads are understood by the import."""
    day, moment, money = day_writer(locale), moment_writer(locale), _money_writer(locale)
    yes, no = _("yes"), _("no")
    columns = [Column(_("Mobile number"), "phone", _phone_writer(locale))]
    columns += [Column(str(label), name, _same) for name, label in _PLAIN]
    columns += [
        Column(_("Gender"), "gender", _words(Customer.Gender.choices)),
        Column(_("Birthday"), "birthday", day),
        Column(_("Anniversary"), "anniversary", day),
        Column(_("Status"), "status", _words(Customer.Status.choices)),
    ]
    columns += [Column(str(label), name, _same) for name, label in _AFTER]
    columns += [
        Column(_("Outlet"), "outlet_name", _same),
        Column(_("Agreed to marketing"), "allow_marketing", lambda value: yes if value else no),
        Column(_("Segment"), "summary__segment", _words(CustomerSummary.Segment.choices)),
        Column(_("Tier"), "summary__tier", _words(CustomerSummary.TierLevel.choices)),
        Column(_("Points"), "summary__points", _same),
        Column(_("Visits"), "summary__total_visits", _same),
        Column(_("Spend (%(unit)s)") % {"unit": unit_name(locale)}, "summary__lifetime_spent", money),
        Column(_("First visit"), "summary__first_visit_at", moment),
        Column(_("Last visit"), "summary__last_visit_at", moment),
        Column(_("Member since"), "created_at", moment),
        Column(_("Notes"), "notes", _same),
    ]
    return columns + [_own_column(field, day) for field in CustomField.objects.filter(is_active=True)]


def _own_column(field: CustomField, day: Callable[[date | None], str]) -> Column:
    key = field.key

    def write(values: Any) -> Cell:
        value = (values or {}).get(key)
        if isinstance(value, bool):
            return _yes_no(value)
        if value and field.kind == CustomField.Kind.DATE:
            try:
                return day(date.fromisoformat(value))
            except ValueError:
                return str(value)
        return value if isinstance(value, str | int | float) else ""

    return Column(field.label, "custom", write)


def rows_of(found: CustomerList, columns: list[Column]) -> Iterator[list[Cell]]:
    """Give the rows of the list one by one, through a cursor of the database.

    A transaction is open while it runs: the cursor then lives in it, and the café it was opened in stays the
    café it reads whatever the connection does next.
    """
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
    places = [(sources.index(column.source), column.write) for column in columns]
    rows = query.select_related(None).defer(None).values_list(*sources)
    with transaction.atomic():
        for row in rows.iterator(chunk_size=BATCH):
            yield [write(row[place]) for place, write in places]
