"""Background work of the segments room."""

from celery import shared_task

from segments import services
from servaan_crm.core.features import is_enabled
from servaan_crm.core.tasks import TenantTask
from servaan_crm.tenancy.current import get_cafe


@shared_task(base=TenantTask, name="segments.calculate")
def calculate_segments() -> int:
    """On demand and as a sweep: calculations that wait, or whose worker died; returns how many were finished."""
    return services.work_off_runs() if is_enabled("crm") else 0


@shared_task(base=TenantTask, name="segments.nightly")
def nightly() -> int:
    """Nightly: time alone moves guests. Scores first, because segments ask for them; then all segments."""
    if not is_enabled("crm"):
        return 0
    services.create_system_segments(get_cafe())
    services.score_guests()
    services.request_run("nightly")
    done = services.work_off_runs()
    services.purge_history()
    return done


@shared_task(base=TenantTask, name="segments.refresh_base_segments")
def refresh_base_segments() -> int:
    """The base segment of every guest, without the other segments."""
    return services.refresh_base_segments()
