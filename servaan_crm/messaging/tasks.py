"""Background work of the outbox. Each task only looks for due rows, so running one too often is harmless."""

from celery import shared_task

from servaan_crm.core.tasks import TenantTask
from servaan_crm.messaging import services


@shared_task(base=TenantTask, name="messaging.dispatch_outbox")
def dispatch_outbox() -> int:
    """Send what is due; returns how many messages were claimed."""
    return services.dispatch_until_idle().claimed


@shared_task(base=TenantTask, name="messaging.reconcile_unknown")
def reconcile_unknown() -> dict[str, int]:
    """Give up dead workers' claims, ask about unknown outcomes, and send what is to be sent again."""
    services.mark_stale_claims()
    counts = services.reconcile_unknown()
    if counts["requeued"]:
        services.dispatch_until_idle()
    return counts


@shared_task(base=TenantTask, name="messaging.poll_deliveries")
def poll_deliveries() -> int:
    """Ask the providers about sent messages; returns how many became final."""
    return services.poll_deliveries()


@shared_task(base=TenantTask, name="messaging.receive_messages")
def receive_messages() -> int:
    """Fetch what guests wrote; the back-up of the providers' calls. Returns how many texts were new."""
    return services.receive_messages()


@shared_task(base=TenantTask, name="messaging.watch_balances")
def watch_balances() -> int:
    """Ask every account for its credit; returns how many answered."""
    return services.watch_balances()


@shared_task(base=TenantTask, name="messaging.nightly")
def nightly() -> int:
    """Take over the providers' lists of blocked numbers and forget what is over; returns how many are blocked."""
    services.purge_early()
    services.purge_codes()
    return services.sync_blocked_numbers()
