"""Background work on the table of possible duplicates."""

from uuid import UUID

from celery import shared_task

from servaan_crm.core.tasks import TenantTask


@shared_task(base=TenantTask, name="customers.scan_duplicates")
def scan_duplicates() -> int | None:
    """Search the whole book, if somebody asked for it and nobody is at it."""
    from customers.merging.scan import is_wanted, run_scan

    return run_scan() if is_wanted() else None


@shared_task(base=TenantTask, name="customers.nightly_duplicates")
def nightly_duplicates() -> None:
    """Ask for a search through the whole book."""
    from customers.merging.scan import request_scan

    request_scan()


@shared_task(base=TenantTask, name="customers.refresh_duplicates_of")
def refresh_duplicates_of(customer_id: str) -> None:
    """Look at one guest again."""
    from customers.merging.scan import refresh_pairs_of

    refresh_pairs_of(UUID(customer_id))
