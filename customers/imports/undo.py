"""Taking a whole import back, in the background.

Guests who were in the book before get the values they had where they still are what the import wrote; visits are
voided with their points; guests the import entered are soft-deleted unless something was attached to them since. What
stays is listed with its reasons.

Each chunk is one transaction that locks the undo's row, writes, counts and moves the cursor. So two workers at once
take turns, and one that dies leaves nothing half done; the sweep calls another.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.events import ImportUndone
from customers.imports import undo_steps
from customers.imports.errors import ImportNotFound, ImportNotPossible
from customers.imports.limits import STALE_SECONDS
from customers.imports.tasks import undo_import_task
from customers.models import ImportChange, ImportJob, ImportUndo
from servaan_crm.core.actors import Actor, system
from servaan_crm.core.db import write
from servaan_crm.core.events import publish
from servaan_crm.core.models import AuditEntry
from servaan_crm.core.tasks import enqueue

UNDO_DAYS = 30
S, P = ImportUndo.Status, ImportUndo.Phase
ENDED = (ImportJob.Status.COMPLETED, ImportJob.Status.CANCELLED, ImportJob.Status.FAILED)
_STEPS = {
    P.VALUES: (undo_steps.restore_values, P.VISITS),
    P.VISITS: (undo_steps.void_visits, P.GUESTS),
    P.GUESTS: (undo_steps.take_guests_back, P.DONE),
}

log = logging.getLogger(__name__)


def undo_of(job: ImportJob) -> ImportUndo | None:
    """Return the undo of an import, begun or done, if there is one."""
    try:
        return job.undo
    except ObjectDoesNotExist:
        return None


def undo_until(job: ImportJob) -> datetime | None:
    """Return until when the import can be undone; None when it wrote nothing, or nothing that could be undone."""
    if job.status not in ENDED or not job.is_traced or job.finished_at is None:
        return None
    return job.finished_at + timedelta(days=UNDO_DAYS) if job.created + job.updated else None


def can_undo(job: ImportJob) -> bool:
    """Say whether the undo can be asked for now."""
    until, undo = undo_until(job), undo_of(job)
    return until is not None and until > timezone.now() and (undo is None or undo.status == S.FAILED)


def request_undo(*, actor: Actor, job_id: UUID) -> ImportJob:
    """Take an import back in the background. Asking again changes nothing; one that failed goes on.

    Raises:
        ImportNotFound
        ImportNotPossible: it runs, wrote nothing, or ended more than 30 days ago.
    """
    with write(actor):
        job = ImportJob.objects.select_for_update(of=("self",)).filter(pk=job_id).first()
        if job is None:
            raise ImportNotFound(details={"import_id": str(job_id)})
        undo = undo_of(job)
        if undo is None:
            _must_be_possible(job)
            undo = ImportUndo.objects.create(job=job, actor_name=actor.name, created_by_id=actor.user_id)
        elif undo.status == S.FAILED:
            undo.status, undo.heartbeat_at = S.RUNNING, timezone.now()
            undo.save(update_fields=["status", "heartbeat_at", "updated_at"])
        if undo.status == S.RUNNING:
            enqueue(undo_import_task, str(undo.pk))
    return job


def _must_be_possible(job: ImportJob) -> None:
    until = undo_until(job)
    if until is None:
        raise ImportNotPossible(_("There is nothing to undo."), details={"status": job.status})
    if until <= timezone.now():
        raise ImportNotPossible(
            _("An import can be undone for %(days)s days only."),
            params={"days": UNDO_DAYS},
            details={"undo_until": until.isoformat()},
        )


def run_undo(undo_id: UUID) -> str:
    """Work on the undo until it is done; returns its status, "" when there is none."""
    try:
        while _step(undo_id):
            pass
    except (OperationalError, InterfaceError):
        log.exception("undo %s: the database went away or chose another's work, it will be resumed", undo_id)
        raise
    except Exception:
        log.exception("undo %s failed", undo_id)
        ImportUndo.objects.filter(pk=undo_id, status=S.RUNNING).update(
            status=S.FAILED, updated_at=timezone.now()
        )
    return ImportUndo.objects.filter(pk=undo_id).values_list("status", flat=True).first() or ""


def _step(undo_id: UUID) -> bool:
    """Do one chunk; False when there is no more to do."""
    with write(_actor_of(undo_id)):
        undo = (
            ImportUndo.objects.select_for_update(of=("self",))
            .select_related("job")
            .filter(pk=undo_id)
            .first()
        )
        if undo is None or undo.status != S.RUNNING:
            return False
        act, following = _STEPS[P(undo.phase)]
        if not act(undo, _actor_of(undo_id)):
            undo.phase, undo.cursor = following, None
        if undo.phase == P.DONE:
            _complete(undo)
        undo.heartbeat_at = timezone.now()
        undo.save()
        return undo.status == S.RUNNING


def _actor_of(undo_id: UUID) -> Actor:
    undo = ImportUndo.objects.select_related("created_by").filter(pk=undo_id).first()
    return undo.created_by.actor if undo and undo.created_by else system("import")


def _complete(undo: ImportUndo) -> None:
    undo.status, undo.finished_at = S.COMPLETED, timezone.now()
    # Nobody needs what was overwritten any more.
    ImportChange.objects.filter(job_id=undo.job_id).delete()
    AuditEntry.objects.create(
        table_name="customers_importjob", row_id=str(undo.job_id), action="undo", new=figures_of(undo),
        actor_id=str(undo.created_by_id or ""), actor_name=undo.actor_name,
    )  # fmt: skip
    publish(ImportUndone(import_id=str(undo.job_id), kind=undo.job.kind, visits=undo.visits_voided))


def figures_of(undo: ImportUndo) -> dict[str, int]:
    """Return what the undo did so far."""
    names = ("guests_removed", "guests_restored", "visits_voided", "kept", "gone")
    return {name: getattr(undo, name) for name in names}


def percent_of(undo: ImportUndo) -> int:
    """Return how far the undo is, from what the import had written."""
    if undo.status == S.COMPLETED:
        return 100
    total = undo.job.created + undo.job.updated
    return min(99, 100 * sum(figures_of(undo).values()) // total) if total else 0


def resume_undos() -> int:
    """Call a worker for undos that have none; returns how many. Called by the sweep."""
    silent = timezone.now() - timedelta(seconds=STALE_SECONDS)
    waiting = list(
        ImportUndo.objects.filter(status=S.RUNNING, heartbeat_at__lt=silent).values_list("pk", flat=True)
    )
    for undo_id in waiting:
        enqueue(undo_import_task, str(undo_id))
    return len(waiting)


def purge_changes() -> int:
    """Forget what imports overwrote when the time for an undo is over; returns how many rows went."""
    before = timezone.now() - timedelta(days=UNDO_DAYS)
    old = ImportChange.objects.filter(job__finished_at__lt=before).exclude(job__undo__status=S.RUNNING)
    return old.delete()[0]
