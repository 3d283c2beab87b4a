"""From the counter to the outbox, and once more asked before sending."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.utils import timezone

from checkout.services import VisitRequest, record_visit, void_visit
from customers.models import Customer
from customers.recipients import refuse_recipients
from feedback.tests.helpers import make_customer
from servaan_crm.core import events
from servaan_crm.core.ids import uuid7
from servaan_crm.messaging.models import Message


def bill(phone="+989121112233", amount=450_000):
    return VisitRequest(total_amount=Decimal(amount), phone=phone, customer_name="نیلوفر قاسمی")


def test_the_first_bill_thanks_with_the_balance_and_the_second_is_silent(cafe):
    record_visit(actor=cafe.staff.actor, request=bill())
    record_visit(actor=cafe.staff.actor, request=bill())
    events.dispatch_pending()
    message = Message.objects.get()
    assert message.customer_id == Customer.objects.get().pk
    assert "نیلوفر قاسمی عزیز" in message.body
    assert "۴۵۰ امتیاز" in message.body


def test_a_bill_that_was_voided_before_the_worker_came_is_not_thanked_for(cafe):
    receipt = record_visit(actor=cafe.staff.actor, request=bill())
    void_visit(actor=cafe.staff.actor, visit_id=receipt.visit.pk, reason="اشتباه")
    events.dispatch_pending()
    assert not Message.objects.exists()


def candidate(customer_id, purpose="transactional"):
    return SimpleNamespace(
        id=uuid7(),
        customer_id=customer_id,
        recipient="+989121112233",
        channel="sms",
        purpose=purpose,
        kind="x",
    )


@pytest.mark.parametrize(("fields", "refused"), [
    ({}, False), ({"status": "inactive"}, False), ({"status": "blocked"}, True), ({"allow_marketing": False}, True),
    ({"deleted_at": timezone.now()}, True),
])  # fmt: skip
def test_whom_the_cafe_may_still_write_to(cafe, django_assert_num_queries, fields, refused):
    asked = [candidate(make_customer(**fields).pk), candidate(make_customer().pk), candidate(None)]
    with django_assert_num_queries(1):
        answer = refuse_recipients(asked)
    assert set(answer) == ({asked[0].id} if refused else set())
    assert all(answer.values())


def test_a_message_to_a_guest_nobody_knows_is_refused(cafe):
    stranger = candidate(uuid7())
    assert list(refuse_recipients([stranger])) == [stranger.id]
