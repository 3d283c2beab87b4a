"""A line that breaks at providers that keep no number of ours: found, or proven absent, and never sent twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db.models import F

from servaan_crm.messaging import services
from servaan_crm.messaging.gateways.fake import FakeServer, running
from servaan_crm.messaging.gateways.tests.cases import CASES, KEY, Case
from servaan_crm.messaging.models import Message, ProviderAccount
from servaan_crm.messaging.services import MessageDraft, queue_messages
from servaan_crm.messaging.tests.helpers import due_now, states
from servaan_crm.messaging.tests.loopback import Loopback

LISTING = [case for case in CASES if case.name in {"sms_ir", "melipayamak", "ghasedak", "twilio-sms"}]


@pytest.fixture(params=LISTING, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def provider(case: Case, outbox: Loopback) -> Iterator[FakeServer]:
    with running(case.fake(api_key=KEY)) as server:
        ProviderAccount.objects.create(
            name=case.name,
            adapter=case.adapter.name,
            base_url=f"{server.url}{case.base_path}",
            api_key=KEY,
            sender=case.sender,
            options=json.dumps(dict(case.options)),
        )
        yield server


def queue(case: Case, count: int) -> None:
    queue_messages(
        [
            MessageDraft(recipient=case.recipient(n), body=f"سپاس {n}", kind="visit", purpose="transactional")
            for n in range(count)
        ]
    )


def sent_once(server: FakeServer) -> bool:
    counts = Counter((sms.recipient[-9:], sms.body) for sms in server.accepted)
    return set(counts.values()) <= {1}


def test_what_was_taken_is_found_and_goes_out_once(case: Case, provider: FakeServer) -> None:
    queue(case, 6)
    provider.plan("cut-after", path=case.path)
    services.dispatch_until_idle()
    assert states().get("unknown")
    for _turn in range(3):
        due_now()
        services.reconcile_unknown()
        services.dispatch_until_idle()
    assert states() == {"sent": 6}
    assert len(provider.accepted) == 6
    assert sent_once(provider)
    taken = {sms.recipient[-9:]: sms.provider_id for sms in provider.accepted}
    if case.name != "melipayamak":  # its list has another number than its reports
        assert {
            message.recipient[-9:]: message.provider_message_id for message in Message.objects.all()
        } == taken


def test_what_was_not_taken_waits_for_the_proof(case: Case, provider: FakeServer) -> None:
    queue(case, 1)
    provider.plan("cut-before", path=case.path)
    services.dispatch_until_idle()
    due_now()
    assert services.reconcile_unknown() == {"found": 0, "requeued": 0, "given_up": 0}
    assert states() == {"unknown": 1}
    Message.objects.update(claimed_at=F("claimed_at") - timedelta(minutes=10))
    due_now()
    counts = services.reconcile_unknown()
    services.dispatch_until_idle()
    if case.adapter.absence_is_proof:
        assert counts == {"found": 0, "requeued": 1, "given_up": 0}
        assert states() == {"sent": 1}
        assert len(provider.accepted) == 1
    else:
        assert counts == {"found": 0, "requeued": 0, "given_up": 1}
        assert states() == {"failed": 1}
        assert provider.accepted == []
