"""Changes of guests that make them a duplicate, or no longer one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models.signals import post_delete, post_save

from customers.merging.scan import forget_pairs_of, refresh_pairs_of, request_scan
from customers.merging.tasks import refresh_duplicates_of
from customers.models import CustomerNote, FamilyMember, ImportJob
from servaan_crm.core.events import subscribe
from servaan_crm.core.tasks import enqueue

# More than these many guests at once are looked for by one search through the whole book.
FEW = 100


@subscribe("customer.created")
@subscribe("customer.updated")
@subscribe("customer.deleted")
@subscribe("customer.restored")
def look_again(payload: dict[str, Any]) -> None:
    """Look at the guest that was changed."""
    refresh_pairs_of(UUID(payload["customer_id"]))


@subscribe("customer.merged")
@subscribe("customer.merge_undone")
def look_at_both(payload: dict[str, Any]) -> None:
    """Look at both guests of a merge, the smaller id first so that two never wait for each other in a ring."""
    for customer_id in sorted((payload["kept_id"], payload["merged_id"])):
        refresh_pairs_of(UUID(customer_id))


@subscribe("customer.erased")
def forget(payload: dict[str, Any]) -> None:
    """Nothing is known of an erased guest."""
    forget_pairs_of([UUID(payload["customer_id"])])


@subscribe("import.completed")
def look_at_imported(payload: dict[str, Any]) -> None:
    """Look at the guests a file brought: one by one when they are few and new, otherwise at the whole book."""
    job = ImportJob.objects.filter(pk=payload["import_id"]).first()
    if job is None or not (job.created or job.updated):
        return
    guests = _brought_by(job)
    if job.updated or len(guests) > FEW:
        request_scan()
        return
    for customer_id in guests:
        refresh_pairs_of(customer_id)


def _brought_by(job: ImportJob) -> list[UUID]:
    """Return the guests who came with the import in the order of their ids, one more than ``FEW`` at most."""
    from customers.models import Customer

    return list(
        Customer.objects.filter(import_id=job.pk).order_by("pk").values_list("pk", flat=True)[: FEW + 1]
    )


def _told_of(sender: Any, instance: CustomerNote | FamilyMember, **_: Any) -> None:
    enqueue(refresh_duplicates_of, str(instance.customer_id))


for _model in (CustomerNote, FamilyMember):
    post_save.connect(_told_of, sender=_model, dispatch_uid=f"duplicates.{_model.__name__}.saved")
    post_delete.connect(_told_of, sender=_model, dispatch_uid=f"duplicates.{_model.__name__}.deleted")
