"""Background work of the customer book; Celery looks for it here."""

from celery import shared_task

from customers.imports.tasks import purge_imports, resume_imports, run_import_task
from customers.services.counts import fold_guest_count
from servaan_crm.core.tasks import TenantTask

__all__ = ["fold_guest_count_task", "purge_imports", "resume_imports", "run_import_task"]


@shared_task(base=TenantTask, name="customers.fold_guest_count")
def fold_guest_count_task() -> int:
    """Make one row of the day's changes of the number of guests; returns how many rows there were."""
    return fold_guest_count()
