"""What guests answer by SMS: each kind is handled once, by one room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from customers.models import ConsentChange
from customers.selectors.consent import newest_answers
from customers.tests.factories import make_customer, make_visit
from feedback.models import Feedback
from outreach.models import Interaction
from servaan_crm.core.events import dispatch_pending
from servaan_crm.core.models import Event
from servaan_crm.messaging.gateways.base import InboundText
from servaan_crm.messaging.models import InboundMessage, Message
from servaan_crm.messaging.services import queue_message, record_inbound

pytestmark = pytest.mark.django_db


def write(
    body: str, number: str = "1", *, sender: str = "09120000001", channel: str = "sms"
) -> InboundMessage:
    """A text arrives, told twice as providers do, and is dealt with."""
    text = InboundText(provider_id=number, sender=sender, receiver="1000", body=body)
    for _ in range(2):
        record_inbound(provider="kavenegar", message=text, channel=channel)
    dispatch_pending()
    dispatch_pending()
    Event.objects.update(dispatched_at=None)  # a dispatcher that died before it could say so
    dispatch_pending()
    return InboundMessage.objects.get(provider_message_id=number)


def ask(customer: Any) -> None:
    message = queue_message(
        recipient=customer.phone,
        body="از ۱ تا ۵؟",
        kind="feedback_request",
        purpose="transactional",
        customer_id=customer.pk,
    )
    Message.objects.filter(pk=message.pk).update(
        state="sent", sent_at=timezone.now(), provider_message_id="77", provider_account="default"
    )


def allows_sms(customer: Any) -> bool:
    return newest_answers([customer.pk])[customer.pk].get("sms", (0, True))[1]


@pytest.mark.parametrize("word", ["11", "۱۱", "١١", "لغو", "لغو۱۱", " STOP "])
def test_no_blocks_what_waits_on_that_channel_alone(cafe: Any, word: str) -> None:
    customer = make_customer(1)
    fields = {"recipient": customer.phone, "body": "x", "kind": "offer", "customer_id": customer.pk}
    offer = queue_message(purpose="marketing", **fields)
    elsewhere = queue_message(purpose="marketing", channel="whatsapp", **fields)
    receipt = queue_message(purpose="transactional", **fields)
    written = write(word)
    assert (written.meaning, written.customer_id) == ("opt_out", customer.pk)
    assert not allows_sms(customer)
    assert ConsentChange.objects.count() == 1
    states = dict(Message.objects.values_list("pk", "state"))
    assert [states[row.pk] for row in (offer, elsewhere, receipt)] == ["blocked", "queued", "queued"]
    assert not Interaction.objects.exists()
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("word", ["12", "۱۲", "start"])
def test_yes_opens_the_channel_again(cafe: Any, word: str) -> None:
    customer = make_customer(1)
    write("11")
    assert not allows_sms(customer)
    assert write(word, "2").meaning == "opt_in"
    assert allows_sms(customer)
    assert not Interaction.objects.exists()


@pytest.mark.parametrize("digit", ["4", "۴", "٤", " ۴. "])
def test_digit_of_a_guest_who_was_asked_is_a_rating(cafe: Any, digit: str) -> None:
    customer = make_customer(1)
    ask(customer)
    assert write(digit).meaning == "rating"
    answer = Feedback.objects.get()
    assert (answer.rating, answer.customer_id, answer.source, answer.by_staff) == (
        4, customer.pk, "sms_link", False,
    )  # fmt: skip
    assert not Interaction.objects.exists()


def test_everything_else_goes_onto_the_timeline_once(cafe: Any) -> None:
    customer = make_customer(1)
    write("4")  # nobody asked
    ask(customer)
    Message.objects.update(sent_at=timezone.now() - timedelta(days=8))
    write("5", "2")  # too late
    write("میز برای فردا دارید؟", "3")
    assert list(Interaction.objects.order_by("interaction_date").values_list("details", flat=True)) == [
        "4", "5", "میز برای فردا دارید؟",
    ]  # fmt: skip
    assert not Feedback.objects.exists()
    assert set(InboundMessage.objects.values_list("meaning", flat=True)) == {"text"}
    page = cafe.api("manager").get(f"/api/crm/customers/{customer.pk}/interactions").json()
    assert page["data"]["pagination"]["total_items"] == 3


def test_second_rating_of_the_same_visit_is_a_text(cafe: Any) -> None:
    customer = make_customer(1)
    visit = make_visit(customer)
    ask(customer)
    assert write("5").meaning == "rating"
    assert Feedback.objects.get().visit_id == visit.pk
    assert write("1", "2").meaning == "text"
    assert Feedback.objects.get().rating == 5
    assert Interaction.objects.get().details == "1"


def test_strangers_change_nothing(cafe: Any) -> None:
    make_customer(1)
    written = write("11", sender="09129999999")
    assert (written.meaning, written.customer_id) == ("opt_out", None)
    write("سلام", "2", sender="30001234")
    assert not ConsentChange.objects.exists()
    assert not Interaction.objects.exists()


def test_whatsapp_numbers_come_without_a_plus(cafe: Any) -> None:
    customer = make_customer(1)
    assert write("stop", sender="989120000001", channel="whatsapp").customer_id == customer.pk
    assert allows_sms(customer)
