"""Background work of the customer book; Celery looks for it here."""

from uuid import UUID

from celery import shared_task

from customers.imports.tasks import purge_imports, resume_imports, run_import_task
from customers.merging.tasks import nightly_duplicates, refresh_duplicates_of, scan_duplicates
from customers.services import bulk_jobs
from customers.services.counts import fold_figures, fold_guest_count
from servaan_crm.core.tasks import TenantTask

__all__ = [
    "fold_guest_count_task", "nightly_duplicates", "purge_imports", "refresh_duplicates_of", "resume_bulk",
    "resume_imports", "run_bulk_task", "run_import_task", "scan_duplicates",
]  # fmt: skip


@shared_task(base=TenantTask, name="customers.fold_guest_count")
def fold_guest_count_task() -> int:
    """Make one row of the day's changes of the number of guests, and of their figures; returns how many there were."""
    return fold_guest_count() + fold_figures()


@shared_task(base=TenantTask, name="customers.run_bulk")
def run_bulk_task(bulk_id: str) -> str:
    """Work on one large change of many guests; returns its status."""
    return bulk_jobs.run_job(UUID(bulk_id))


@shared_task(base=TenantTask, name="customers.resume_bulk")
def resume_bulk() -> int:
    """Hand large changes whose worker died to another one; returns how many."""
    return bulk_jobs.resume_abandoned()
