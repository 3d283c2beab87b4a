"""Shortcuts of the room's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from customers.imports import services
from customers.imports.run import run_import
from customers.models import ImportJob
from servaan_crm.core.actors import Actor, system

FIXTURES = Path(__file__).parent / "fixtures"
ACTOR = system("test")


def upload(
    content: str | bytes, name: str = "guests.csv", *, kind: str = "customers", actor: Actor = ACTOR
) -> ImportJob:
    """Upload a file, as the first step of the wizard does."""
    raw = content.encode() if isinstance(content, str) else content
    return services.upload(actor=actor, file=SimpleUploadedFile(name, raw), kind=kind)


def check(job: ImportJob, **options: Any) -> ImportJob:
    """Run the dry run to its end."""
    options.setdefault("mapping", job.mapping)
    services.start(actor=ACTOR, job_id=job.pk, **options)
    run_import(job.pk)
    job.refresh_from_db()
    return job


def commit(job: ImportJob, **options: Any) -> ImportJob:
    """Take the file over, without a dry run before."""
    return check(job, commit=True, **options)


def counts(job: ImportJob) -> dict[str, int]:
    """The figures of the report."""
    return {
        name: getattr(job, name) for name in ("total_rows", "created", "updated", "unchanged", "rejected")
    }


def reasons(job: ImportJob, language: str = "en") -> dict[int, list[str]]:
    """Row number → what is wrong, as "field: sentence"."""
    return {
        reject.row_number: [f"{reason['field']}: {reason[language]}" for reason in reject.reasons]
        for reject in job.rejects.order_by("row_number")
    }
