"""What people do with an import: upload, map, check, commit, cancel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.imports import staging
from customers.imports.detect import Format, detect
from customers.imports.errors import FileTooLarge, ImportNotFound, ImportNotPossible, UnreadableFile
from customers.imports.fields import by_header, check_mapping, guess
from customers.imports.jobs import ACTIVE, AGAIN, find_abandoned
from customers.imports.limits import KEEP_FILES_DAYS, MAX_BYTES, MEGABYTE
from customers.imports.sources import Source
from customers.imports.tasks import run_import_task
from customers.models import ImportJob
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.tasks import enqueue
from servaan_crm.l10n.phone import PhoneError, parse_phone
from servaan_crm.tenancy.current import get_locale

S = ImportJob.Status
SAMPLE = 5
UNITS = ("toman", "rial", "base")


def upload(*, actor: Actor, file: UploadedFile, kind: str = ImportJob.Kind.CUSTOMERS) -> ImportJob:
    """Keep an uploaded file as a new import with the guessed columns; nothing is read over yet.

    Raises:
        FileTooLarge, UnreadableFile: the file cannot be an import.
        ValidationError: ``kind`` is neither customers nor visits.
    """
    if kind not in ImportJob.Kind.values:
        legal = ", ".join(ImportJob.Kind.values)
        raise ValidationError({"kind": _("Choose one of: %(values)s.") % {"values": legal}})
    if (file.size or 0) > MAX_BYTES:
        raise FileTooLarge(params={"megabytes": MAX_BYTES // MEGABYTE})
    name = (file.name or "file").replace("\x00", "")[-200:]
    stream: Any = file.file
    shape = detect(stream, name)
    headers = Source(stream, shape, file.size or 0).headers
    _must_be_headers(headers)
    job = ImportJob(
        kind=kind, status=S.CHECKED, file_name=name, digest=_digest(stream), encoding=shape.encoding,
        delimiter=shape.separator, headers=headers, mapping=guess(headers, kind), options={"draft": True},
        created_by_id=actor.user_id,
    )  # fmt: skip
    stream.seek(0)
    with write(actor):
        # The name on disk is ours: what the sender calls the file is shown, never used as a path.
        job.file.save(f"{job.pk}{'.xlsx' if shape.is_xlsx else '.csv'}", file, save=False)
        job.save(force_insert=True)
    return job


def _must_be_headers(headers: list[str]) -> None:
    """A first row with a phone number in it is a guest, not the names of the columns."""
    for text in headers:
        try:
            parse_phone(text, get_locale().phone_region)
        except PhoneError:
            continue
        raise UnreadableFile(
            _(
                "The first row must hold the names of the columns, but it holds a phone number. Add a row above it."
            )
        )


def _digest(stream: Any) -> str:
    found = sha256()
    stream.seek(0)
    while block := stream.read(1 << 20):
        found.update(block)
    return found.hexdigest()


def sample_rows(job: ImportJob, count: int = SAMPLE) -> list[list[str]]:
    """Return the first rows of the file as text, to show beside the columns."""
    rows: list[list[str]] = []
    with job.file.open("rb") as stored:
        source = Source(stored.file, Format(job.encoding, job.delimiter), job.file.size)
        for _number, cells in source:
            shown = ["" if cell is None else str(cell).replace("\x00", "")[:60] for cell in cells]
            rows.append((shown + [""] * len(job.headers))[: len(job.headers)])
            if len(rows) >= count:
                break
    return rows


def start(
    *,
    actor: Actor,
    job_id: UUID,
    mapping: Mapping[str, Any],
    on_duplicate: str = ImportJob.OnDuplicate.UPDATE,
    options: Mapping[str, Any] | None = None,
    commit: bool = False,
    by_names: bool = False,
) -> ImportJob:
    """Check the file with these columns, or take it over at once (``commit``), in the background.

    Args:
        mapping: column number (from 0, as text) → field; with ``by_names`` also header → field, and columns
            that are not named keep the guess.
        options: ``unit`` (toman, rial or base: what amounts are written in), ``points`` (give points by the
            rules for imported visits).

    Raises:
        ImportNotFound
        ImportNotPossible: it runs or is done.
        ValidationError: names what is wrong.
    """
    if on_duplicate not in ImportJob.OnDuplicate.values:
        legal = ", ".join(ImportJob.OnDuplicate.values)
        raise ValidationError({"on_duplicate": _("Choose one of: %(values)s.") % {"values": legal}})
    with write(actor):
        job = _lock(job_id)
        if job.status != S.CHECKED:
            raise ImportNotPossible(details={"status": job.status})
        read = by_header if by_names else check_mapping
        job.mapping = read(mapping, job.headers, job.kind)
        job.on_duplicate = on_duplicate
        job.options = _options(options or {})
        job.is_staged, job.staged, job.total_rows, job.rejected = False, 0, 0, 0
        _begin(job, S.PENDING if commit else S.CHECKING)
    return job


def commit_checked(*, actor: Actor, job_id: UUID) -> ImportJob:
    """Take over what was checked, in the background. Raises ImportNotFound, ImportNotPossible."""
    with write(actor):
        job = _lock(job_id)
        if job.status != S.CHECKED or job.options.get("draft"):
            raise ImportNotPossible(details={"status": job.status})
        _begin(job, S.PENDING)
    return job


def cancel(*, actor: Actor, job_id: UUID) -> ImportJob:
    """Stop an import before its next chunk; what was taken over before stays. Cancelling twice changes nothing.

    Raises:
        ImportNotFound
        ImportNotPossible: it is over.
    """
    with write(actor):
        job = _lock(job_id)
        if job.status == S.CANCELLED:
            return job
        if job.status in (S.COMPLETED, S.FAILED):
            raise ImportNotPossible(details={"status": job.status})
        job.cancel_requested = True
        if job.claim is None:  # no worker has it in hand, so nobody else will end it
            job.status, job.finished_at = S.CANCELLED, timezone.now()
            staging.drop(job.pk)
        job.save()
    return job


def can_try_again(job: ImportJob) -> bool:
    """Whether the import failed for no fault of its file, which is still there."""
    return job.status == S.FAILED and AGAIN in job.options and bool(job.file)


def try_again(*, actor: Actor, job_id: UUID) -> ImportJob:
    """Go on with an import that failed, after the last row that was taken over; in the background.

    Raises:
        ImportNotFound
        ImportNotPossible: it did not fail, its file cannot be read, or the file is gone.
    """
    with write(actor):
        job = _lock(job_id)
        if not can_try_again(job):
            raise ImportNotPossible(details={"status": job.status})
        job.status = job.options[AGAIN]
        job.options = {name: value for name, value in job.options.items() if name != AGAIN}
        job.error, job.claim, job.attempts = "", None, 0
        job.retry_at = job.heartbeat_at = job.finished_at = None
        job.save()
        enqueue(run_import_task, str(job.pk))
    return job


def resume_abandoned() -> int:
    """Hand jobs without a living worker to one; returns how many. Called by the sweep."""
    jobs = find_abandoned()
    for job_id in jobs:
        enqueue(run_import_task, str(job_id))
    staging.drop_unused()
    return len(jobs)


def purge_old() -> int:
    """Delete the files and rejected rows of imports that ended long ago; their figures stay. Returns how many."""
    before = timezone.now() - timedelta(days=KEEP_FILES_DAYS)
    jobs = ImportJob.objects.filter(updated_at__lt=before).exclude(status__in=ACTIVE).exclude(file="")
    for job in jobs:
        job.rejects.all().delete()
        job.file.delete(save=False)
        ImportJob.objects.filter(pk=job.pk).update(file="", status=_ended(job.status))
    return len(jobs)


def _ended(status: str) -> str:
    """An import that was never taken over cannot be any more without its file."""
    return S.CANCELLED if status == S.CHECKED else status


def discard(job: ImportJob) -> None:
    """Forget an upload that never began: its row and its file."""
    job.file.delete(save=False)
    job.delete()


def _lock(job_id: UUID) -> ImportJob:
    job = ImportJob.objects.select_for_update(of=("self",)).filter(pk=job_id).first()
    if job is None:
        raise ImportNotFound(details={"import_id": str(job_id)})
    return job


def _begin(job: ImportJob, status: str) -> None:
    job.status = status
    job.cursor = job.created = job.updated = job.unchanged = 0
    job.claim = job.started_at = job.heartbeat_at = job.finished_at = None
    job.cancel_requested, job.attempts, job.retry_at = False, 0, None
    job.is_traced = True
    job.save()
    enqueue(run_import_task, str(job.pk))


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    unit = given.get("unit") or ""
    if unit and unit not in UNITS:
        raise ValidationError({"amount_unit": _("Choose one of: %(values)s.") % {"values": ", ".join(UNITS)}})
    # Rial is the base unit; elsewhere there is only one.
    return {"unit": "rial" if unit == "base" else unit, "points": bool(given.get("points"))}


def is_active(job: ImportJob) -> bool:
    """Whether a worker works on the job, or will."""
    return job.status in ACTIVE
