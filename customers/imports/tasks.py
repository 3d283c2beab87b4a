"""Background work of imports. A job is in the database; a message only says that there is one."""

from uuid import UUID

from celery import shared_task

from servaan_crm.core.tasks import TenantTask


@shared_task(base=TenantTask, name="customers.run_import")
def run_import_task(job_id: str) -> str:
    """Work on one import; returns its status."""
    from customers.imports.run import run_import

    return run_import(UUID(job_id))


@shared_task(base=TenantTask, name="customers.undo_import")
def undo_import_task(undo_id: str) -> str:
    """Work on the undo of one import; returns its status."""
    from customers.imports.undo import run_undo

    return run_undo(UUID(undo_id))


@shared_task(base=TenantTask, name="customers.resume_imports")
def resume_imports() -> int:
    """Hand imports, and undos of imports, whose worker died to another one."""
    from customers.imports.services import resume_abandoned
    from customers.imports.undo import resume_undos

    return resume_abandoned() + resume_undos()


@shared_task(base=TenantTask, name="customers.purge_imports")
def purge_imports() -> int:
    """Delete uploads that ended long ago, and what they had overwritten."""
    from customers.imports.services import purge_old
    from customers.imports.undo import purge_changes

    purge_changes()
    return purge_old()
