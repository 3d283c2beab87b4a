"""Background work of automations. Each may run twice, and anywhere."""

from uuid import UUID

from celery import shared_task

from campaigns.automations import engine, outside
from campaigns.automations.ready_made import create_ready_made
from campaigns.automations.selectors import count_results, results_key
from campaigns.selectors.kept import store
from servaan_crm.core.features import is_enabled
from servaan_crm.core.tasks import TenantTask
from servaan_crm.tenancy.current import get_cafe


@shared_task(base=TenantTask, name="campaigns.run_automations")
def run_automations() -> int:
    """Do what is due: waits that are over, and what a busy till kept back; returns how many runs were finished."""
    return engine.work_off()


@shared_task(base=TenantTask, name="campaigns.scan_automations")
def scan_automations() -> int:
    """Mornings: whose birthday is near, who stays away, whose points run out; returns how many runs are new."""
    create_ready_made(get_cafe())
    new = engine.scan()
    if new:
        engine.work_off()
    return new


@shared_task(base=TenantTask, name="campaigns.count_results_again")
def count_results_again(ids: list[str]) -> None:
    """Count what automations brought anew, for the pages that show it."""
    keys = [UUID(one) for one in ids]
    store(results_key(keys), count_results(keys))


@shared_task(base=TenantTask, name="campaigns.call_hooks")
def call_hooks() -> int:
    """Call the addresses outside that wait; returns how many answered well."""
    return outside.call_due() if is_enabled("campaigns") else 0
