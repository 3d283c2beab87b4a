"""Push, e-mail and WhatsApp from the outbox over the wire to a phone, and back by callback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from servaan_crm.core.actors import system
from servaan_crm.core.ids import uuid7
from servaan_crm.messaging import services
from servaan_crm.messaging.gateways.email.fake import FakeMailServer
from servaan_crm.messaging.gateways.fake import running
from servaan_crm.messaging.gateways.meta_whatsapp.fake import PHONE_ID, FakeCloudApi, signed_call, webhook
from servaan_crm.messaging.gateways.web_push.fake import FakePushService
from servaan_crm.messaging.gateways.web_push.keys import public_key
from servaan_crm.messaging.models import InboundMessage, Message, ProviderAccount, PushSubscription
from servaan_crm.messaging.services import MessageDraft, queue_messages
from servaan_crm.messaging.services.providers import create_provider, update_provider
from servaan_crm.messaging.services.push import push_key, save_browser
from servaan_crm.messaging.tests.helpers import states

ACTOR = system("test")
pytestmark = pytest.mark.usefixtures("outbox")
APP = {"phone_id": PHONE_ID, "app_secret": "appsecret", "verify_token": "our-word", "language": "en"}


def account(adapter: str, channel: str, options: dict[str, str], **fields: Any) -> ProviderAccount:
    given = {"name": adapter, "adapter": adapter, "channel": channel, "options": json.dumps(options)}
    return ProviderAccount.objects.create(**given | fields)


def letter(channel: str, recipient: str, **fields: Any) -> MessageDraft:
    given = {
        "body": "کیک تازه داریم",
        "kind": "campaign",
        "purpose": "transactional",
        "subject": "کافه",
    } | fields
    return MessageDraft(recipient=recipient, channel=channel, **given)


def test_push_reaches_the_browser_and_a_gone_one_is_never_asked_again() -> None:
    # Nobody has to find a key: it is made with the account, and stays when the account is changed.
    row = create_provider(
        actor=ACTOR,
        adapter="web_push",
        channel="push",
        values={"name": "push"},
        options={"contact": "a@cafe.example"},
    )
    update_provider(
        actor=ACTOR, provider_id=row.pk, values={"name": "p"}, options={"contact": "b@cafe.example"}
    )
    assert push_key() == public_key(row.api_key)
    with running(FakePushService()) as service:
        rows = []
        for name in ("phone", "gone"):
            given = service.subscription(name)
            rows.append(save_browser(customer_id=uuid7(), endpoint=given["endpoint"], **given["keys"]))
        del service.browsers["gone"]
        drafts = [letter("push", str(row.pk), url="https://cafe.example/o/1") for row in rows]
        queue_messages(drafts)
        services.dispatch_until_idle()
        assert states() == {"sent": 1, "failed": 1}
        assert [one.recipient for one in service.accepted] == ["phone"]
        assert service.accepted[0].extra["title"] == "کافه"
        gone = PushSubscription.objects.exclude(failed_at=None)
        assert [row.pk for row in gone] == [rows[1].pk]
        calls = len(service.calls)
        queue_messages([drafts[1]])
        services.dispatch_until_idle()
        assert len(service.calls) == calls
    assert states() == {"sent": 1, "failed": 1, "blocked": 1}


def test_a_letter_leaves_under_our_number() -> None:
    with FakeMailServer() as server:
        options = {"host": "127.0.0.1", "port": str(server.port), "security": "none"}
        account("email", "email", options, sender="Cafe <news@cafe.example>")
        queue_messages([letter("email", f"guest{number}@mail.example") for number in range(3)])
        services.dispatch_until_idle()
        assert states() == {"sent": 3}
        assert server.memory.connections == 1
        numbers = {f"<{one.local_id}@cafe.example>" for one in Message.objects.all()}
        assert {one.content["Message-ID"] for one in server.memory.letters} == numbers


def test_whatsapp_goes_out_and_its_reports_come_back_signed_in_any_order(committed_cafe: Any) -> None:
    client = Client(SERVER_NAME=committed_cafe.host)
    with running(FakeCloudApi(api_key="token")) as api:
        row = account("meta_whatsapp", "whatsapp", APP, api_key="token", base_url=api.url)
        values = {"name": "Asha", "a": "two", "zz": "three"}
        queue_messages([letter("whatsapp", "+971501234567", template="ready", values=values)])
        services.dispatch_until_idle()
        sent = api.accepted[0]
    places = [place["text"] for place in sent.extra["components"][0]["parameters"]]
    assert places == ["Asha", "two", "three"]  # in the order they were given, whatever the database does
    address = f"/api/callbacks/meta_whatsapp/status/{row.callback_secret}"
    hub = {"hub.mode": "subscribe", "hub.verify_token": "our-word", "hub.challenge": "77"}
    assert client.get(address, hub).content == b"77"
    assert client.get(address, hub | {"hub.verify_token": "x"}).status_code == 403

    def tell(value: dict[str, Any], secret: str = "appsecret") -> int:
        call = signed_call(webhook(value), secret)
        head = {"X-Hub-Signature-256": call.headers["x-hub-signature-256"]}
        return int(client.post(address, call.body, content_type="application/json", headers=head).status_code)

    report = {"id": sent.provider_id, "biz_opaque_callback_data": sent.local_id, "timestamp": "1710930461"}
    assert tell({"statuses": [report | {"status": "read"}]}, "guess") == 403
    assert states() == {"sent": 1}
    for word in ("read", "sent", "delivered", "sent"):
        assert tell({"statuses": [report | {"status": word}]}) == 200
    message = Message.objects.get()
    assert (message.state, message.read_at is not None) == ("delivered", True)
    text = {"from": "971501234567", "id": "wamid.in", "timestamp": "1710930461", "text": {"body": "stop"}}
    for _twice in range(2):
        assert tell({"metadata": {"display_phone_number": "1555"}, "messages": [text]}) == 200
    inbound = InboundMessage.objects.get()
    assert (inbound.sender, inbound.body, inbound.channel) == ("+971501234567", "stop", "whatsapp")
