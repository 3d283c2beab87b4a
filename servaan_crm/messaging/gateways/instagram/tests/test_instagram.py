"""Instagram: replies within the window, 1000 bytes, reading instead of delivery."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from servaan_crm.messaging.gateways.base import AuthError, DeliveryState, GatewayConfig, OutgoingMessage
from servaan_crm.messaging.gateways.fake import running, unused_url
from servaan_crm.messaging.gateways.instagram import InstagramGateway
from servaan_crm.messaging.gateways.instagram.fake import ACCOUNT_ID, FakeInstagram
from servaan_crm.messaging.gateways.meta_whatsapp.fake import refusal, signed_call

GUEST = "1254477777772919"


@pytest.fixture
def api() -> Iterator[FakeInstagram]:
    with running(FakeInstagram(api_key="IGtoken")) as server:
        server.closed.add("99")
        yield server


def gateway(url: str = "", key: str = "IGtoken", **options: str) -> InstagramGateway:
    given = {"account_id": ACCOUNT_ID, "app_secret": "appsecret", "verify_token": "w"} | options
    return InstagramGateway(
        GatewayConfig(url, key, channel="instagram", options=tuple(sorted(given.items())))
    )


def reply(body: str = "سلام، میز شما آماده است", to: str = GUEST) -> OutgoingMessage:
    return OutgoingMessage(9, to, body, channel="instagram")


def kind_of(gateway: InstagramGateway, message: OutgoingMessage) -> str:
    error = gateway.send_batch([message])[0].error
    return f"{error.kind.value} {error.code}" if error else "sent"


def test_the_documented_call(api: FakeInstagram) -> None:
    result = gateway(api.url).send_batch([reply()])[0]
    assert (result.error, result.provider_id) == (None, api.accepted[0].provider_id)
    call = api.call_to("/messages")
    assert call.path == f"/v25.0/{ACCOUNT_ID}/messages"
    assert call.json == {"recipient": {"id": GUEST}, "message": {"text": "سلام، میز شما آماده است"}}
    assert gateway(api.url).account_info().kind == "BUSINESS"
    with pytest.raises(AuthError):
        gateway(api.url, "wrong").account_info()


def test_a_thousand_bytes_are_five_hundred_persian_letters(api: FakeInstagram) -> None:
    assert kind_of(gateway(api.url), reply("س" * 500)) == "sent"
    assert kind_of(gateway(api.url), reply("س" * 500 + "a")) == "permanent length"
    assert len(api.calls) == 1


def test_refusals(api: FakeInstagram) -> None:
    ours = gateway(api.url)
    assert (
        kind_of(ours, reply(to="99")) == "permanent 2018278"
    )  # wrote too long ago, although the code says 10
    for code, subcode, kind in (
        (10, None, "auth"), (190, None, "auth"), (613, None, "retryable"), (4, None, "retryable"),
        (100, 2018001, "permanent"), (551, None, "permanent"),
    ):  # fmt: skip
        api.plan("error", status=400, body=refusal(code, subcode=subcode))
        assert kind_of(ours, reply()).split()[0] == kind, code
    api.plan("error", status=500, body=refusal(2))
    assert kind_of(ours, reply()) == "unknown 2"
    api.plan("cut-after")
    assert kind_of(ours, reply()) == "unknown transport"
    assert kind_of(gateway(unused_url()), reply()) == "retryable connect"
    assert kind_of(gateway(api.url, account_id="1/../2"), reply()) == "auth settings"


def test_reading_is_the_only_report_and_an_echo_is_no_guest() -> None:
    def event(**content: Any) -> dict[str, Any]:
        return {
            "sender": {"id": GUEST},
            "recipient": {"id": ACCOUNT_ID},
            "timestamp": 1569262485349,
            **content,
        }

    events = [
        event(message={"mid": "m-1", "text": "ساعت چند باز می‌کنید؟"}),
        event(message={"mid": "m-2", "attachments": [{"type": "image"}]}),
        event(message={"mid": "m-3", "text": "ours", "is_echo": True}),
        event(message={"mid": "m-4", "is_deleted": True}),
        event(read={"mid": "aWdfZA1"}),
        event(reaction={"mid": "m-1"}),
    ]
    body = json.dumps({"object": "instagram", "entry": [{"id": ACCOUNT_ID, "messaging": events}]}).encode()
    call = signed_call(body, "appsecret")
    assert gateway().verify(call)
    assert not gateway(app_secret="other").verify(call)
    content = gateway().read_callback("status", call)
    assert [(one.provider_id, one.state, one.is_read) for one in content.reports] == [
        ("aWdfZA1", DeliveryState.DELIVERED, True)
    ]
    assert [(one.provider_id, one.sender, one.body) for one in content.inbound] == [
        ("m-1", GUEST, "ساعت چند باز می‌کنید؟"),
        ("m-2", GUEST, ""),
    ]
    assert content.inbound[0].received_at is not None
    assert content.inbound[0].received_at.year == 2019
