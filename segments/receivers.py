"""What a new café starts with, and what makes guests come into segments and leave them outside the checkout.

Checkout refreshes its guest in its own transaction. Here are the other ways a guest changes: one person's change
refreshes that guest, many at once ask for a calculation.
"""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from segments.models import RfmScore, SegmentMembership
from segments.services import ask_for_run, create_system_segments, refresh_guests
from servaan_crm.core.events import subscribe
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import cafe_created

# Judging guests one by one keeps each of them locked until all are done.
MOST_AT_ONCE = 25
_ONE_GUEST = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.restored",
    "customer.consent_changed",
    "feedback.recorded",
    "loyalty.tier_changed",
    "loyalty.voucher_issued",
)


@receiver(cafe_created)
def create_segments(cafe: Cafe, **_kwargs: Any) -> None:
    """Put the built-in segments in place."""
    create_system_segments(cafe)


def follow_guest(payload: dict[str, Any]) -> None:
    """Judge the guest the event is about again; a guest who was deleted leaves every segment."""
    if payload.get("customer_id"):
        refresh_guests([payload["customer_id"]])


for _name in _ONE_GUEST:
    subscribe(_name)(follow_guest)


@subscribe("loyalty.points_moved")
def follow_points(payload: dict[str, Any]) -> None:
    """Balances changed: a few guests are judged again at once, many by one calculation of all."""
    if len(payload["customer_ids"]) <= MOST_AT_ONCE:
        refresh_guests(payload["customer_ids"])
    else:
        ask_for_run("points moved")


@subscribe("customer.erased")
def forget_guest(payload: dict[str, Any]) -> None:
    """An erased guest is in no segment, not even a fixed list, and has no score; that it came and left stays."""
    SegmentMembership.objects.filter(customer_id=payload["customer_id"]).delete()
    RfmScore.objects.filter(customer_id=payload["customer_id"]).delete()


@subscribe("customers.bulk_changed")
def follow_bulk(payload: dict[str, Any]) -> None:
    """Many guests were changed at once."""
    if payload["changed"]:
        ask_for_run("bulk change")


@subscribe("import.completed")
def follow_import(payload: dict[str, Any]) -> None:
    """Guests and visits that came in a file move many at once."""
    ask_for_run("import")


@subscribe("import.undone")
def follow_undo(payload: dict[str, Any]) -> None:
    """What an undone import took back moves many at once."""
    ask_for_run("import undone")
