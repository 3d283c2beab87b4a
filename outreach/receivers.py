"""What this room does when a guest asks to be forgotten, and when one writes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from customers.models import Customer
from outreach.models import CallTask, Interaction
from outreach.services import log_interaction
from servaan_crm.core.actors import Actor, system
from servaan_crm.core.db import write
from servaan_crm.core.erasure import scrub_trail
from servaan_crm.core.events import subscribe
from servaan_crm.messaging.models import InboundMessage

_KEEP = (
    "id",
    "customer_id",
    "type",
    "direction",
    "outcome",
    "agent_id",
    "interaction_date",
    "follow_up_date",
)


_KEEP_OF_CALLS = (
    "id",
    "customer_id",
    "type",
    "priority",
    "status",
    "task_date",
    "outcome",
    "agent_id",
    "completed_at",
    "completed_by_id",
    "follow_up_date",
)


@subscribe("customer.erased")
def erase_contacts(payload: dict[str, Any]) -> None:
    """Take the words out of the contacts with this guest; that they took place stays."""
    theirs = Interaction.objects.filter(customer_id=payload["customer_id"])
    with write(system("erase")):
        theirs.update(subject="", details="")
        scrub_trail("outreach_interaction", theirs.values_list("pk", flat=True), keep=_KEEP)


@subscribe("customer.erased")
def erase_calls(payload: dict[str, Any]) -> None:
    """Nobody calls this guest any more, and why or what was said is gone; the counts of calls made stay."""
    theirs = CallTask.objects.filter(customer_id=payload["customer_id"])
    with write(system("erase")):
        theirs.filter(status=CallTask.Status.PENDING).update(
            status=CallTask.Status.SKIPPED, completed_at=timezone.now()
        )
        theirs.update(hint="", outcome_detail="", note="")
        scrub_trail("outreach_calltask", theirs.values_list("pk", flat=True), keep=_KEEP_OF_CALLS)


_TYPES = {"sms": Interaction.Type.SMS, "whatsapp": Interaction.Type.WHATSAPP, "email": Interaction.Type.EMAIL}


@subscribe("guest.replied")
def note_reply(payload: dict[str, Any]) -> None:
    """Put what a guest wrote onto the timeline as a contact."""
    if payload["meaning"] != InboundMessage.Meaning.TEXT:
        return
    written = InboundMessage.objects.filter(pk=payload["inbound_id"]).first()
    if written is None or not Customer.objects.filter(pk=payload["customer_id"], deleted_at=None).exists():
        return
    log_interaction(
        actor=Actor(kind="guest", name=""),
        customer_id=UUID(payload["customer_id"]),
        type=_TYPES.get(payload["channel"], Interaction.Type.SMS),
        direction=Interaction.Direction.INBOUND,
        details=written.body,
        interaction_date=min(written.received_at, timezone.now()),
    )
