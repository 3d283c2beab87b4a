"""A guest who complains about a letter at the mail service has said no to offers by e-mail, and to nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from customers.models import ConsentChange
from customers.receivers import take_no
from customers.recipients import refuse_recipients
from customers.selectors.consent import newest_answers
from customers.services.consent import set_consent
from customers.tests.factories import make_customer
from servaan_crm.core.actors import system
from servaan_crm.core.events import dispatch_pending, publish
from servaan_crm.core.ids import uuid7
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import queue_message
from servaan_crm.messaging.services.refusals import AddressRefused

pytestmark = pytest.mark.django_db


def test_a_complaint_is_a_no_on_this_channel_once(cafe: Any) -> None:
    guest = make_customer(1)
    letter = {"customer_id": guest.pk, "body": "Hi", "kind": "campaign", "purpose": "marketing"}
    queue_message(recipient="a@mail.example", channel="email", **letter)
    queue_message(recipient="+989120000001", **letter)
    for _time in range(2):
        publish(AddressRefused(customer_id=str(guest.pk), channel="email"))
        dispatch_pending()
    change = ConsentChange.objects.get(customer=guest)
    assert (change.channel, change.granted) == ("email", False)
    waiting = dict(Message.objects.values_list("channel", "state"))
    assert waiting == {"email": "blocked", "sms": "queued"}
    assert refuse_recipients(list(Message.objects.filter(channel="sms"))) == {}
    # A guest who changes their mind is believed.
    set_consent(actor=system("test"), customer_id=guest.pk, channel="email", granted=True, source="link")
    _number, granted = newest_answers([guest.pk])[guest.pk]["email"]
    assert granted


def test_the_no_of_somebody_who_is_gone_is_no_fault(cafe: Any) -> None:
    take_no({"customer_id": str(uuid7()), "channel": "email"})
    assert not ConsentChange.objects.exists()
