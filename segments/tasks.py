"""Background work of the segments room."""

from celery import shared_task

from segments import services
from servaan_crm.core.tasks import TenantTask


@shared_task(base=TenantTask, name="segments.refresh_base_segments")
def refresh_base_segments() -> int:
    """Nightly: time alone moves guests out of "new" and "regular"."""
    return services.refresh_base_segments()
