"""A guest who is erased leaves the uploaded files, too.

An import that has ended needs its file no more: all those files go, whoever is in them, so nothing needs to be found in
them. One that waits or runs is read through; when the guest is in it, it ends as failed and its file, its staged rows
and its rejected rows go. It would enter the guest again otherwise.

Exports are streamed and never stored. What imports overwrote in the guest (:class:`ImportChange`) goes as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from customers.imports import staging
from customers.imports.detect import Format
from customers.imports.errors import UnreadableFile
from customers.imports.jobs import ACTIVE
from customers.imports.sources import Source
from customers.models import ImportChange, ImportJob
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.text import search_key
from servaan_crm.tenancy.current import get_cafe

S = ImportJob.Status
OPEN = (*ACTIVE, S.CHECKED)
_OTHER_DIGITS, _DIGITS = "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789"
# A number may be written with any digits, and with blanks or dashes in it; a name with Arabic letters.
_ERASE_REJECTS = """
UPDATE customers_importreject SET raw = '[]', reasons = '[]'
 WHERE raw::text LIKE ANY(%(words)s) OR translate(raw::text, 'يك', 'یک') LIKE ANY(%(words)s)
    OR regexp_replace(translate(raw::text, %(other)s, %(plain)s), '[^0-9]', '', 'g') LIKE ANY(%(digits)s)
"""


def lock_open_imports() -> list[ImportJob]:
    """Lock the imports that have not ended, so that none goes on while a guest is erased.

    To be called before the guest is locked: a worker takes the locks in this order.
    """
    rows = ImportJob.objects.select_for_update(of=("self",)).filter(status__in=OPEN)
    return list(rows.order_by("pk"))


def erase_from_imports(
    jobs: Iterable[ImportJob], ids: Collection[UUID], phones: Collection[str], words: Collection[str]
) -> None:
    """Take guests out of everything imports have stored. Call it last in the transaction: files do not come back.

    Args:
        jobs: from :func:`lock_open_imports`; ``phones`` E.164; ``words`` names, addresses and numbers in all forms.
    """
    ImportChange.objects.filter(customer_id__in=ids).delete()
    digits = {phone[-10:] for phone in phones if len(phone) > 10}
    keys = {key for key in (search_key(word) for word in words) if len(key) > 2}
    _erase_rejects(digits, words)
    for job in jobs:
        if not job.file or _tells(job, digits, keys):
            _end(job)
    for job in ImportJob.objects.exclude(status__in=OPEN).exclude(file=""):
        _delete_file(job)


def _erase_rejects(digits: Collection[str], words: Collection[str]) -> None:
    params: dict[str, Any] = {
        "words": [f"%{_plain(word)}%" for word in words if len(word) > 2],
        "digits": [f"%{number}%" for number in digits],
        "other": _OTHER_DIGITS, "plain": _DIGITS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ERASE_REJECTS, params)


def _plain(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _tells(job: ImportJob, digits: Collection[str], keys: Collection[str]) -> bool:
    """Whether a row of the file may be about the guest; a file that cannot be read may."""
    try:
        with job.file.open("rb") as stored:
            source = Source(stored.file, Format(job.encoding, job.delimiter), job.file.size)
            if any(key in search_key(header) for header in source.headers for key in keys):
                return True
            return any(_row_tells(cells, digits, keys) for _number, cells in source)
    except (UnreadableFile, OSError, ValueError):
        return True


def _row_tells(cells: list[object], digits: Collection[str], keys: Collection[str]) -> bool:
    texts = [_text(cell) for cell in cells if cell is not None and cell != ""]
    numbers = ["".join(filter(str.isdigit, to_ascii(text))) for text in texts]
    if any(number in found for found in numbers for number in digits):
        return True
    row = search_key(" ".join(texts))
    return any(key in row for key in keys)


def _text(cell: object) -> str:
    """Excel keeps a number as 9123456789.0."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _end(job: ImportJob) -> None:
    """End an import that would bring the guest back; what it took over before stays."""
    staging.drop(job.pk)
    job.rejects.all().delete()
    with translation.override(get_cafe().language):
        job.error = _("A guest in this file asked to be erased. Upload a file without this guest.")
    job.status, job.claim, job.is_staged, job.finished_at = S.FAILED, None, False, timezone.now()
    job.options = {key: value for key, value in job.options.items() if key != "draft"}
    job.save()
    _delete_file(job)


def _delete_file(job: ImportJob) -> None:
    if job.file:
        job.file.delete(save=False)
    ImportJob.objects.filter(pk=job.pk).update(file="")
