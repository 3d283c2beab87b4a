"""What this room does when a guest asks to be forgotten."""

from __future__ import annotations

from typing import Any

from feedback.models import Feedback
from servaan_crm.core.actors import system
from servaan_crm.core.db import write
from servaan_crm.core.erasure import scrub_trail
from servaan_crm.core.events import subscribe

_KEEP = (
    "id",
    "customer_id",
    "visit_id",
    "source",
    "rating",
    "category_ratings",
    "categories",
    "status",
    "created_at",
)


@subscribe("customer.erased")
def erase_words(payload: dict[str, Any]) -> None:
    """Take the guest's words, the answers to them and the device out of the feedback; the ratings stay."""
    theirs = Feedback.objects.filter(customer_id=payload["customer_id"])
    with write(system("erase")):
        theirs.update(
            comment="",
            response_text="",
            response_date=None,
            responded_by=None,
            source_reference="",
            device_info=None,
            ip_address=None,
        )
        scrub_trail("feedback_feedback", theirs.values_list("pk", flat=True), keep=_KEEP)
