"""Background work that always knows its café.

``enqueue`` is the only way to queue a task: it captures the café when called and publishes after
commit. A broker that cannot be reached loses nothing, because every task only looks for work in the
database and the periodic sweep calls it again.
"""

import logging
from functools import partial
from typing import Any

from celery import Task, shared_task
from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name, get_tenant_model, tenant_context

from servaan_crm.core.context import request_id
from servaan_crm.l10n.locale import use_locale

log = logging.getLogger(__name__)


class NoCafeError(RuntimeError):
    """A café task was called without a café."""


class TenantTask(Task):
    """Base of every task of a café: refuses to run without one, skips an inactive one, runs inside with its locale."""

    abstract = True
    # Celery would compare a call with the signature of ``run``, which does not know ``schema_name``.
    typing = False

    def __call__(self, *args: Any, schema_name: str | None = None, **kwargs: Any) -> Any:
        if not schema_name or schema_name == get_public_schema_name():
            raise NoCafeError(f"{self.name} needs a café; queue it with core.tasks.enqueue")
        cafe = get_tenant_model().objects.filter(schema_name=schema_name).first()
        if cafe is None or not cafe.is_active:
            log.info("skipped %s: café %s is gone or inactive", self.name, schema_name)
            return None
        request_id.set(f"task-{self.request.id}" if self.request.id else "task")
        with tenant_context(cafe), use_locale(cafe.locale):
            return super().__call__(*args, **kwargs)


def enqueue(task: Task, *args: Any, **kwargs: Any) -> None:
    """Queue ``task`` for the current café once the surrounding transaction commits.

    Several identical requests within one transaction become one message. Raises NoCafeError on the
    public schema.
    """
    schema_name = getattr(connection, "schema_name", "")
    if not schema_name or schema_name == get_public_schema_name():
        raise NoCafeError(f"{task.name} was queued without a café")
    publish = partial(_publish, task.name, task, schema_name, args, kwargs)
    waiting = (entry[1] for entry in connection.run_on_commit)
    if any(
        isinstance(func, partial) and func.func is _publish and func.args == publish.args for func in waiting
    ):
        return
    transaction.on_commit(publish)


def enqueue_for(schema_name: str, task: Task, *args: Any) -> None:
    """Queue ``task`` for the named café at once, whatever transaction is open; for the fan-out on the public schema."""
    _publish(task.name, task, schema_name, args, {})


def _publish(_name: str, task: Task, schema_name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        task.apply_async(args=args, kwargs={**kwargs, "schema_name": schema_name})
    except Exception as error:  # the broker is a doorbell: the row is committed, the sweep will find it
        log.warning("could not queue %s, the sweep will run it: %s", task.name, type(error).__name__)


@shared_task(base=TenantTask, name="core.dispatch_events")
def dispatch_events() -> int:
    """Hand the café's pending events to their subscribers; returns how many were finished."""
    from servaan_crm.core import events

    return events.dispatch_pending()


@shared_task(base=TenantTask, name="core.purge")
def purge() -> None:
    """Delete idempotency records and finished events that are no longer needed."""
    from servaan_crm.core import events, idempotency

    idempotency.purge()
    events.purge()
