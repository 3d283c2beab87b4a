"""One guest's ledger as lines of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from customers.web.visit_csv import BOM, harmless
from loyalty.models import LedgerEntry
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import format_date, local_date
from servaan_crm.l10n.locale import get_locale

CHUNK = 500


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def ledger_lines(rows: QuerySet[LedgerEntry], *, with_guest: bool = False) -> Iterator[bytes]:
    """Yield the file, head first; dates in the café's calendar. ``with_guest``: name and phone come first."""
    writer = csv.writer(_Echo())
    guest = [_("Guest"), _("Phone")] if with_guest else []
    head = [
        _("Date"), _("Time"), _("Type"), _("Points"), _("Balance after"), _("Runs out on"), _("Description"),
        _("Reference"), _("Notes"), _("By"), _("Rule version"),
    ]  # fmt: skip
    yield (BOM + writer.writerow([*guest, *head])).encode()
    joined = rows.select_related("created_by", *(["customer"] if with_guest else []))
    for entry in joined.iterator(chunk_size=CHUNK):
        who = [harmless(entry.customer.name), entry.customer.phone] if with_guest else []
        yield writer.writerow([*who, *_line(entry)]).encode()


def _line(entry: LedgerEntry) -> list[Any]:
    local = entry.created_at.astimezone(get_locale().tz)
    days = [to_ascii(format_date(day)) for day in entry.lot_expiries if day is not None and day.year > 1]
    return [
        to_ascii(format_date(local_date(entry.created_at))),
        f"{local:%H:%M}",
        entry.get_type_display(),
        entry.points,
        entry.balance_after,
        " ".join(days),
        harmless(entry.description),
        harmless(entry.reference),
        harmless(entry.notes),
        harmless(entry.created_by.display_name) if entry.created_by else "",
        entry.rule_version or "",
    ]
