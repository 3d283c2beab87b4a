"""A provider that signs its calls: the secret in the path alone is not enough."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from servaan_crm.messaging import services
from servaan_crm.messaging.gateways.fake import running
from servaan_crm.messaging.gateways.tests.cases import CASES, KEY
from servaan_crm.messaging.gateways.twilio.adapter import signature
from servaan_crm.messaging.models import InboundMessage, Message, ProviderAccount
from servaan_crm.messaging.services import MessageDraft, queue_messages
from servaan_crm.messaging.tests.helpers import states
from servaan_crm.messaging.tests.loopback import Loopback

CASE = next(case for case in CASES if case.name == "twilio-sms")


@pytest.fixture
def call(outbox: Loopback, committed_cafe: Any) -> Any:
    """Posts a form to our callback address as Twilio does, signed with ``token``."""
    account = ProviderAccount.objects.create(
        name="Twilio", adapter="twilio", api_key=KEY, sender=CASE.sender, options='{"account_sid": "AC1"}'
    )

    def post(kind: str, form: dict[str, str], token: str = KEY) -> Any:
        path = f"/api/callbacks/twilio/{kind}/{account.callback_secret}?tenant=1"
        signed = signature(token, f"https://{committed_cafe.host}{path}", form)
        client = Client(headers={"host": committed_cafe.host})
        return client.post(path, form, secure=True, headers={"x-twilio-signature": signed})

    return post


def test_only_a_signed_report_counts(call: Any) -> None:
    with running(CASE.fake(api_key=KEY)) as server:
        ProviderAccount.objects.update(
            base_url=server.url, options=f'{{"account_sid": "{CASE.options["account_sid"]}"}}'
        )
        queue_messages(
            [MessageDraft(recipient=CASE.recipient(1), body="Hi", kind="visit", purpose="transactional")]
        )
        services.dispatch_until_idle()
    form = {"MessageSid": Message.objects.get().provider_message_id, "MessageStatus": "delivered"}
    assert call("status", form, token="somebody else's").status_code == 403
    assert states() == {"sent": 1}
    answer = call("status", form)
    # Twilio would send any text of the answer to the guest.
    assert (answer.status_code, answer.content) == (200, b"")
    assert states() == {"delivered": 1}


def test_a_guests_text_is_recorded_once(call: Any) -> None:
    form = {"MessageSid": "SM9", "From": CASE.recipient(1), "To": CASE.sender, "Body": "سلام"}
    assert call("receive", form, token="somebody else's").status_code == 403
    for _turn in range(2):
        assert call("receive", form).content == b""
    assert InboundMessage.objects.get().body == "سلام"
