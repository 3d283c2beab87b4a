"""The report of what the undo of an import left as it is, and why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.db import transaction
from django.utils.translation import gettext as _

from customers.exports.files import csv_pieces
from customers.exports.rows import Cell
from customers.imports.before import CUSTOM
from customers.imports.undo_reasons import word_of
from customers.models import Customer, CustomField, ImportKept, ImportUndo, Visit
from servaan_crm.l10n.jalali import format_date, local_date

_BATCH = 2_000


def kept_report(undo: ImportUndo | None) -> Iterator[bytes]:
    """Give the report as CSV, streamed; without an undo it has no rows.

    Names and numbers are those of today: an erased guest has none.
    """
    return csv_pieces(
        [_("What"), _("Guest"), _("Mobile number"), _("Visit"), _("Why it was kept")],
        _cells(undo) if undo else (),
    )


def kept_rows(undo: ImportUndo, most: int) -> list[list[Cell]]:
    """Return the first rows of the report."""
    return list(islice(_cells(undo), most))


def _cells(undo: ImportUndo) -> Iterator[list[Cell]]:
    fields = {f"{CUSTOM}{field.key}": field.label for field in CustomField.objects.all()}
    with transaction.atomic():
        rows = iter(undo.left.order_by("id").iterator(chunk_size=_BATCH))
        while batch := list(islice(rows, _BATCH)):
            yield from _batch(batch, fields)


def _batch(batch: list[ImportKept], fields: dict[str, str]) -> Iterator[list[Cell]]:
    ids = {row.row_id for row in batch}
    visits = Visit.objects.in_bulk([row.row_id for row in batch if row.what == ImportKept.What.VISIT])
    guests = Customer.objects.in_bulk(ids | {visit.customer_id for visit in visits.values()} - {None})
    for row in batch:
        visit = visits.get(row.row_id)
        guest = guests.get(visit.customer_id if visit else row.row_id)
        alive = guest is not None and guest.erased_at is None
        yield [
            str(row.get_what_display()),
            guest.name if guest and alive else "",
            guest.national_phone if guest and alive else "",
            format_date(local_date(visit.visit_date)) if visit else "",
            _why(row, fields),
        ]


def _why(row: ImportKept, fields: dict[str, str]) -> str:
    if row.what != ImportKept.What.VALUES:
        return "، ".join(word_of(code) for code in row.reasons)
    names = "، ".join(fields.get(name) or _field_word(name) for name in row.reasons)
    return _("changed since the import: %(fields)s") % {"fields": names}


def _field_word(name: str) -> str:
    if name.startswith(CUSTOM):
        return name.removeprefix(CUSTOM)
    return str(Customer._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
