"""The report of rows that were not taken over: the file's own columns, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from customers.exports.files import csv_pieces
from customers.exports.rows import Cell
from customers.imports.fields import targets
from customers.models import ImportJob, ImportReject


def reason_writer(job: ImportJob) -> Callable[[ImportReject], list[str]]:
    """Return what words the reasons of a reject as sentences in the language in force."""
    labels = {target.key: str(target.label) for target in targets(job.kind)}
    language = "fa" if (get_language() or "fa").startswith("fa") else "en"
    return lambda reject: [
        f"{labels.get(one['field'], one['field'])}: {one.get(language, '')}" for one in reject.reasons
    ]


def reject_report(job: ImportJob) -> Iterator[bytes]:
    """Give the report as CSV, streamed. Corrected, it can be uploaded again: the added columns are ignored."""
    heads = [*job.headers, _("Row in the file"), _("Why it was not taken over")]
    return csv_pieces(heads, _rows(job))


def _rows(job: ImportJob) -> Iterator[list[Cell]]:
    width, words = len(job.headers), reason_writer(job)
    with transaction.atomic():
        for reject in job.rejects.order_by("row_number").iterator(chunk_size=2_000):
            cells: list[Cell] = [*(reject.raw + [""] * width)[:width]]
            yield [*cells, reject.row_number, " | ".join(words(reject))]
