"""What a new café starts with."""

from typing import Any

from django.dispatch import receiver

from segments.models import RfmScore, SegmentMembership
from segments.services import create_system_segments
from segments.tasks import refresh_base_segments
from servaan_crm.core.events import subscribe
from servaan_crm.core.tasks import enqueue
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import cafe_created


@receiver(cafe_created)
def create_segments(cafe: Cafe, **_kwargs: Any) -> None:
    """Put the built-in segments in place."""
    create_system_segments(cafe)


@subscribe("import.completed")
def follow_import(payload: dict[str, Any]) -> None:
    """Visits that came in a file move many guests at once."""
    if payload["kind"] == "visits" and payload["created"]:
        enqueue(refresh_base_segments)


@subscribe("import.undone")
def follow_undo(payload: dict[str, Any]) -> None:
    """Voided visits move many guests at once."""
    if payload["visits"]:
        enqueue(refresh_base_segments)


@subscribe("customer.erased")
def forget_guest(payload: dict[str, Any]) -> None:
    """An erased guest is in no segment, not even a fixed list, and has no score; that it came and left stays."""
    SegmentMembership.objects.filter(customer_id=payload["customer_id"]).delete()
    RfmScore.objects.filter(customer_id=payload["customer_id"]).delete()
