"""What this room does when a guest asks to be forgotten, and when one answers a question with a digit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from customers.events import GuestReplied
from customers.models import Visit
from customers.replies import ANSWER_WITHIN, FEEDBACK_REQUEST, rating_in
from feedback.errors import FeedbackExists
from feedback.models import Feedback, FeedbackLink
from feedback.services import record_feedback
from servaan_crm.core.actors import Actor, system
from servaan_crm.core.db import write
from servaan_crm.core.erasure import scrub_trail
from servaan_crm.core.events import publish, subscribe
from servaan_crm.messaging.models import InboundMessage, Message

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
    """Take the guest's words, the answers to them and the device out of the feedback; the ratings stay.

    Links that were sent open nothing any more.
    """
    FeedbackLink.objects.filter(customer_id=payload["customer_id"]).delete()
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


@subscribe("guest.replied")
def take_rating(payload: dict[str, Any]) -> None:
    """Keep a digit that was asked for as the guest's rating of the visit before the question.

    Where that visit was rated already, the answer is an ordinary text.
    """
    if payload["meaning"] != InboundMessage.Meaning.RATING:
        return
    guest = UUID(payload["customer_id"])
    asked = Message.objects.filter(
        customer_id=guest,
        kind=FEEDBACK_REQUEST,
        sent_at__gte=timezone.now() - ANSWER_WITHIN - timedelta(days=1),
    )
    asked_at = asked.order_by("-id").values_list("sent_at", flat=True).first()
    visit = None
    if asked_at is not None:
        before = Visit.objects.filter(customer_id=guest, voided_at=None, visit_date__lte=asked_at)
        visit = before.order_by("-visit_date").values_list("pk", flat=True).first()
    try:
        with transaction.atomic():
            record_feedback(
                actor=Actor(kind="guest", name=""),
                rating=rating_in(payload["body"]),
                source=Feedback.Source.SMS_LINK,
                source_reference="reply",
                customer_id=guest,
                visit_id=visit,
            )
    except FeedbackExists:
        text = str(InboundMessage.Meaning.TEXT)
        InboundMessage.objects.filter(pk=payload["inbound_id"]).update(meaning=text)
        plain = {key: payload[key] for key in ("customer_id", "inbound_id", "channel", "body")}
        publish(GuestReplied(meaning=text, **plain))
