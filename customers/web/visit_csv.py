"""Visits as lines of a CSV file that spreadsheets open as it is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django_tenants.utils import tenant_context

from customers.models import Customer, Visit
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import format_date, local_date
from servaan_crm.l10n.locale import get_locale, use_locale
from servaan_crm.l10n.money import to_screen, unit_name

BOM = "\ufeff"
CHUNK = 500
# What a spreadsheet takes for the beginning of a formula, also in its full-width form.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """Return ``text`` so that no spreadsheet runs it: what looks like a formula begins with an apostrophe."""
    return f"'{text}" if text.lstrip(" \u200e\u200f\u200c").startswith(_FORMULA) else text


def file_name(customer: Customer) -> str:
    """Return the name of the file: whose visits, and of which day."""
    return f"visits-{str(customer.pk)[-8:]}-{timezone.now():%Y%m%d}.csv"


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def visit_lines(rows: QuerySet[Visit]) -> Iterator[str]:
    """Yield the file, head first. Amounts are in the unit of the screen, dates in the café's calendar.

    The answer is sent after the request's café and language were left, so they are taken along.
    """
    tenant, locale, language = connection.tenant, get_locale(), translation.get_language()  # type: ignore[attr-defined]

    def lines() -> Iterator[str]:
        with tenant_context(tenant), use_locale(locale), translation.override(language):
            writer = csv.writer(_Echo())
            yield BOM + writer.writerow(_head())
            for visit in rows.iterator(chunk_size=CHUNK):
                yield writer.writerow(_line(visit))

    return lines()


def _head() -> list[str]:
    unit = unit_name()
    return [
        pgettext("visit", "Number"), _("Date"), _("Time"), _("Outlet"), _("Type"), _("Table"), _("Server"), _("Items"),
        f"{_('Total')} ({unit})", f"{_('Discount')} ({unit})", f"{_('To pay')} ({unit})", _("Payment"),
        _("Points earned"), _("Points redeemed"), _("Status"), _("Order reference"), _("Notes"),
    ]  # fmt: skip


def _line(visit: Visit) -> list[Any]:
    items = "، ".join(_item(item) for item in visit.items)
    local = visit.visit_date.astimezone(get_locale().tz)
    return [
        visit.visit_number or "",
        to_ascii(format_date(local_date(visit.visit_date))),
        f"{local:%H:%M}",
        harmless(str(visit.outlet)),
        visit.get_visit_type_display(),
        harmless(visit.table_number),
        harmless(visit.server_name),
        harmless(items),
        _amount(visit.total_amount),
        _amount(visit.discount_amount),
        _amount(visit.final_amount),
        visit.get_payment_method_display() if visit.payment_method else "",
        visit.points_earned,
        visit.points_redeemed,
        _("Voided") if visit.is_voided else _("Recorded"),
        harmless(visit.order_reference),
        harmless(visit.notes),
    ]


def _item(item: dict[str, Any]) -> str:
    return f"{item['name']} ×{item['quantity']}" if item.get("quantity", 1) > 1 else str(item["name"])


def _amount(amount: Decimal) -> Decimal | int:
    shown = to_screen(amount)
    return int(shown) if shown == shown.to_integral_value() else shown.normalize()
