"""The work on one job: read the file into staging, check it, take it over. Any worker can go on where one stopped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from types import ModuleType
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from psycopg import sql

from customers.events import ImportCompleted
from customers.imports import bills, guests, staging, take_bills, take_guests
from customers.imports.detect import Format
from customers.imports.errors import UnreadableFile
from customers.imports.jobs import Cancelled, Claim, Superseded, get_job, take
from customers.imports.limits import CHECK_CHUNK, CHUNK, MAX_ATTEMPTS
from customers.imports.rows import RowReader
from customers.imports.sources import Source
from customers.models import ImportJob
from servaan_crm.core.events import publish
from servaan_crm.core.models import AuditEntry
from servaan_crm.tenancy.current import get_cafe

# Chunks after which the book has grown so much that the planner must know.
RENEW_AFTER = (1, 4, 16, 64, 256)

log = logging.getLogger(__name__)
S = ImportJob.Status


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of file is read and taken over. ``key`` is the column of staging that chunks follow."""

    columns: dict[str, str]
    reader: Callable[[ImportJob], RowReader]
    writer: ModuleType
    key: str
    order: str


KINDS = {
    ImportJob.Kind.CUSTOMERS.value: Kind(guests.COLUMNS, guests.reader, take_guests, "row", "row"),
    ImportJob.Kind.VISITS.value: Kind(bills.COLUMNS, bills.reader, take_bills, "pos", "at"),
}


def run_import(job_id: UUID) -> str:
    """Work on the job until it is checked or done; returns its status, "" when it is not ours to work on.

    Whatever kills this process leaves the job where its last transaction put it; :func:`jobs.find_abandoned`
    finds it again.
    """
    claim = take(job_id)
    if claim is None:
        return ""
    try:
        _work(claim)
    except Superseded:
        return ""
    except Cancelled:
        _end(claim, S.CANCELLED)
    except UnreadableFile as error:
        _end(claim, S.FAILED, error.text(get_cafe().language))
    except (OperationalError, InterfaceError):
        log.exception("import %s: the database went away or chose another's work, it will be resumed", job_id)
        with suppress(DatabaseError):
            if not claim.release():
                _give_up(claim, gettext_lazy(
                    "The database failed several times at the same place. What was taken over before stays; try"
                    " again later, and the import goes on from there."
                ))  # fmt: skip
        raise
    except Exception:
        log.exception("import %s failed", job_id)
        _give_up(claim, gettext_lazy("Something went wrong on our side. What was taken over before stays."))
    return str(get_job(job_id).status)


def _end(claim: Claim, status: str, error: str = "") -> None:
    if claim.end(status, error):
        staging.drop(claim.job_id)


def _give_up(claim: Claim, why: Promise) -> None:
    with translation.override(get_cafe().language):
        if claim.give_up(str(why)):
            staging.drop(claim.job_id)


def _work(claim: Claim) -> None:
    job = get_job(claim.job_id)
    if job.attempts > MAX_ATTEMPTS:
        # Workers died over it without a word: the next one would as well.
        _give_up(claim, gettext_lazy(
            "The work on this file stopped several times at the same place. What was taken over before stays; try"
            " again later, and the import goes on from there."
        ))  # fmt: skip
        raise Superseded
    kind = KINDS[job.kind]
    if not _is_staged(job):
        _stage(claim, kind)
    if job.status == S.CHECKING:
        _in_chunks(claim, kind, CHECK_CHUNK, lambda job, low, high: kind.writer.classify(job, low, high))
        with claim.step() as job:
            job.status, job.claim, job.finished_at = S.CHECKED, None, timezone.now()
    else:
        _in_chunks(
            claim, kind, CHUNK, lambda job, low, high: kind.writer.take_over(job, low, high, claim.actor)
        )
        _complete(claim)
        staging.drop(claim.job_id)


def _is_staged(job: ImportJob) -> bool:
    """Whether all good rows are in staging; after a crash of the database the table is there, but empty."""
    if not job.is_staged or not staging.exists(job.pk):
        return False
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(staging.table_of(job.pk))))
        return int(cursor.fetchone()[0]) == job.total_rows - job.rejected


def _stage(claim: Claim, kind: Kind) -> None:
    """Read the file. Always from the start: that is cheap, and the same file gives the same rows."""
    with claim.step() as job:
        staging.create(job.pk, kind.columns)
        job.staged, job.rejected, job.is_staged = 0, 0, False
        shape = Format(job.encoding, job.delimiter)
    with job.file.open("rb") as stored:
        source = Source(stored.file, shape, job.file.size)
        total = staging.fill(claim, source, kind.reader(job))
    with claim.step() as job:
        kind.writer.find_problems(job)
        job.rejected = staging.move_rejects(job.pk)
        staging.number_rows(job.pk, kind.order)
        job.total_rows = job.staged = total
        job.options = {**job.options, "last": _last(job, kind)}
        job.is_staged = True


def _last(job: ImportJob, kind: Kind) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT COALESCE(max({}), 0) FROM {}").format(
                sql.Identifier(kind.key), sql.Identifier(staging.table_of(job.pk))
            )
        )
        return int(cursor.fetchone()[0])


def _in_chunks(
    claim: Claim, kind: Kind, size: int, act: Callable[[ImportJob, int, int], take_guests.Counts]
) -> None:
    """Do ``act`` on one chunk after the other; each commits with its counters and the cursor."""
    for number in count():
        if number in RENEW_AFTER and size == CHUNK:
            take_guests.renew_statistics()
        with claim.step() as job:
            last = int(job.options.get("last", 0))
            if job.cursor >= last:
                return
            high = min(job.cursor + size, last)
            counts = act(job, job.cursor, high)
            job.created += counts.created
            job.updated += counts.updated
            job.unchanged += counts.unchanged
            job.cursor = high
            job.attempts = 1  # this worker's; those before it are forgiven, because the work moves on


def _complete(claim: Claim) -> None:
    with claim.step() as job:
        job.status, job.claim, job.finished_at = S.COMPLETED, None, timezone.now()
        figures = {
            "file": job.file_name, "kind": job.kind, "rows": job.total_rows, "created": job.created,
            "updated": job.updated, "unchanged": job.unchanged, "rejected": job.rejected,
        }  # fmt: skip
        AuditEntry.objects.create(
            table_name="customers_importjob", row_id=str(job.pk), action="import", new=figures,
            actor_id=str(claim.actor.user_id or ""), actor_name=claim.actor.name,
        )  # fmt: skip
        publish(ImportCompleted(import_id=str(job.pk), kind=job.kind, created=job.created))
