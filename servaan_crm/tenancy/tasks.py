"""Beat runs on the public schema and fans out one job per active café."""

from zoneinfo import ZoneInfo

from celery import Task, current_app, shared_task
from django.utils import timezone

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


@shared_task(name="tenancy.fan_out_at_hour")
def fan_out_at_hour(task_name: str, hour: int) -> int:
    """Queue the task for each active café in whose time zone it is past ``hour`` by less than 30 minutes.

    Called at minute 5 and 35: zones are apart by whole and half hours (Tehran, Kolkata), so every café is
    met exactly once a day.
    """
    task: Task = current_app.tasks[task_name]
    now = timezone.now()
    chosen = []
    for schema_name, zone in Cafe.objects.filter(is_active=True).values_list("schema_name", "time_zone"):
        local = now.astimezone(ZoneInfo(zone))
        if local.hour == hour and local.minute < 30:
            chosen.append(schema_name)
    for schema_name in chosen:
        enqueue_for(schema_name, task)
    return len(chosen)
