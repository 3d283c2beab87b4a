"""A job and the worker that has it in hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.imports.errors import ImportNotFound, UnreadableFile
from customers.imports.limits import MAX_ATTEMPTS, RETRY_SECONDS, STALE_SECONDS
from customers.models import ImportJob
from servaan_crm.core.actors import Actor, system
from servaan_crm.core.db import write

S = ImportJob.Status
ACTIVE = (S.CHECKING, S.PENDING, S.RUNNING)
# Among the options of a job that failed for no fault of its file: the status with which it can go on.
AGAIN = "again"


class Superseded(Exception):
    """Another worker took the job over; this one stops without a trace."""


class Cancelled(Exception):
    """Somebody cancelled the job."""


def get_job(job_id: UUID) -> ImportJob:
    """Return an import of the café in hand. Raises ImportNotFound."""
    job = ImportJob.objects.select_related("created_by").filter(pk=job_id).first()
    if job is None:
        raise ImportNotFound(details={"import_id": str(job_id)})
    return job


@dataclass(frozen=True, slots=True)
class Claim:
    """The right of one worker to work on a job, as long as nobody took it over."""

    job_id: UUID
    token: UUID
    actor: Actor

    @contextmanager
    def step(self) -> Iterator[ImportJob]:
        """Open one transaction of the job: what is written in it commits together with the job's new state.

        The job's row is locked, so two workers that both believe they have it cannot do a chunk twice.

        Raises:
            Superseded, Cancelled
        """
        with write(self.actor):
            job = ImportJob.objects.select_for_update().filter(pk=self.job_id).first()
            if job is None or job.claim != self.token or job.status not in ACTIVE:
                raise Superseded
            if job.cancel_requested:
                raise Cancelled
            yield job
            job.heartbeat_at = timezone.now()
            job.save()

    def release(self) -> bool:
        """Give the job back for a later attempt; False when there were enough of them."""
        job = ImportJob.objects.filter(pk=self.job_id, claim=self.token).first()
        if job is None or job.attempts >= MAX_ATTEMPTS:
            return job is None
        wait = timedelta(seconds=RETRY_SECONDS * 2 ** max(0, job.attempts - 1))
        ImportJob.objects.filter(pk=self.job_id, claim=self.token).update(
            claim=None, retry_at=timezone.now() + wait
        )
        return True

    def give_up(self, error: str) -> bool:
        """End the job as failed for no fault of the file, so that somebody may try again where it stopped."""
        with transaction.atomic():
            job = ImportJob.objects.select_for_update().filter(pk=self.job_id, claim=self.token).first()
            if job is None or job.status not in ACTIVE:
                return False
            job.options = {**job.options, AGAIN: S.CHECKING if job.status == S.CHECKING else S.PENDING}
            job.save(update_fields=["options"])
            return self.end(S.FAILED, error)

    def end(self, status: str, error: str = "") -> bool:
        """End the job with ``status``; False when it is no longer ours to end."""
        now = timezone.now()
        return bool(
            ImportJob.objects.filter(pk=self.job_id, claim=self.token, status__in=ACTIVE).update(
                status=status, error=error, claim=None, heartbeat_at=now, updated_at=now, finished_at=now
            )
        )

    @staticmethod
    def too_many_rows(most: int) -> UnreadableFile:
        """Return the refusal of a file with more than ``most`` rows."""
        return UnreadableFile(_("The file has more than %(most)s rows. Split it."), params={"most": most})


def take(job_id: UUID) -> Claim | None:
    """Claim the job for this worker; None when it is done, or in the hands of a worker that lives."""
    token, now = uuid4(), timezone.now()
    stale = Q(claim=None) | Q(heartbeat_at__lt=now - timedelta(seconds=STALE_SECONDS))
    taken = ImportJob.objects.filter(stale, _is_due(now), pk=job_id, status__in=ACTIVE).update(
        claim=token, heartbeat_at=now, started_at=Coalesce(F("started_at"), now), attempts=F("attempts") + 1
    )
    if not taken:
        return None
    ImportJob.objects.filter(pk=job_id, claim=token, status=S.PENDING).update(status=S.RUNNING)
    return Claim(job_id, token, actor_of(get_job(job_id)))


def _is_due(now: datetime) -> Q:
    return Q(retry_at=None) | Q(retry_at__lte=now)


def actor_of(job: ImportJob) -> Actor:
    """Return whoever uploaded the file: the import writes in that name."""
    return job.created_by.actor if job.created_by else system("import")


def find_abandoned() -> list[UUID]:
    """Return the jobs that wait for a worker: never taken, given back, or left by a worker that died."""
    now = timezone.now()
    silent = Q(heartbeat_at__lt=now - timedelta(seconds=STALE_SECONDS))
    # A job of this moment has a message under way; the sweep is for messages that got lost.
    waiting = Q(claim=None, updated_at__lt=now - timedelta(seconds=10))
    rows = ImportJob.objects.filter(silent | waiting, _is_due(now), status__in=ACTIVE)
    return list(rows.order_by("created_at").values_list("pk", flat=True))
