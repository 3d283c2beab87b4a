"""Beat runs on the public schema and fans out one job per active café."""

from celery import Task, current_app, shared_task

from servaan_crm.core.tasks import enqueue_for
from servaan_crm.tenancy.models import Cafe


@shared_task(name="tenancy.fan_out")
def fan_out(task_name: str) -> int:
    """Queue the task called ``task_name`` once for every active café; returns how many."""
    task: Task = current_app.tasks[task_name]
    schemas = list(Cafe.objects.filter(is_active=True).values_list("schema_name", flat=True))
    for schema_name in schemas:
        enqueue_for(schema_name, task)
    return len(schemas)
