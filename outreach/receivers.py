"""What this room does when a guest asks to be forgotten."""

from __future__ import annotations

from typing import Any

from outreach.models import Interaction
from servaan_crm.core.actors import system
from servaan_crm.core.db import write
from servaan_crm.core.erasure import scrub_trail
from servaan_crm.core.events import subscribe

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


@subscribe("customer.erased")
def erase_contacts(payload: dict[str, Any]) -> None:
    """Take the words out of the contacts with this guest; that they took place stays."""
    theirs = Interaction.objects.filter(customer_id=payload["customer_id"])
    with write(system("erase")):
        theirs.update(subject="", details="")
        scrub_trail("outreach_interaction", theirs.values_list("pk", flat=True), keep=_KEEP)
