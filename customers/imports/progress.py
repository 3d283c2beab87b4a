"""How far a job is, for people: rows, rate, remaining time."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from customers.imports.jobs import ACTIVE
from customers.models import ImportJob

S = ImportJob.Status


@dataclass(frozen=True, slots=True)
class Progress:
    """``percent`` of the step at hand; ``rate`` rows per second; ``remaining`` seconds, None when unknown.

    step: "waiting", "reading", "checking", "writing" or "" when nothing runs.
    """

    step: str
    done: int
    total: int
    percent: int
    rate: int
    remaining: int | None


def progress_of(job: ImportJob) -> Progress:
    """Return the progress as of the job's last heartbeat."""
    if job.status not in ACTIVE:
        return Progress("", job.total_rows, job.total_rows, 100, 0, None)
    if job.started_at is None:
        return Progress("waiting", 0, job.total_rows, 0, 0, None)
    if not job.is_staged:
        step, done, total = "reading", job.staged, job.total_rows
        share = done / total if total else 0.0
    else:
        step = "checking" if job.status == S.CHECKING else "writing"
        last = int(job.options.get("last", 0))
        share = min(1.0, job.cursor / last) if last else 1.0
        total = job.total_rows - job.rejected
        done = min(total, job.created + job.updated + job.unchanged)
    seconds = max(0.001, ((job.heartbeat_at or timezone.now()) - job.started_at).total_seconds())
    rate = int(done / seconds) if seconds > 0.5 else 0
    remaining = int((total - done) / rate) + 1 if rate and total else None
    return Progress(step, done, total, int(100 * share), rate, remaining)
