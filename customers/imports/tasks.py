"""Background work of imports. A job is in the database; a message only says that there is one."""

from uuid import UUID

from celery import shared_task

from servaan_crm.core.tasks import TenantTask


@shared_task(base=TenantTask, name="customers.run_import")
def run_import_task(job_id: str) -> str:
    """Work on one import; returns its status."""
    from customers.imports.run import run_import

    return run_import(UUID(job_id))


@shared_task(base=TenantTask, name="customers.resume_imports")
def resume_imports() -> int:
    """Hand imports whose worker died to another one."""
    from customers.imports.services import resume_abandoned

    return resume_abandoned()


@shared_task(base=TenantTask, name="customers.purge_imports")
def purge_imports() -> int:
    """Delete uploads that ended long ago."""
    from customers.imports.services import purge_old

    return purge_old()
