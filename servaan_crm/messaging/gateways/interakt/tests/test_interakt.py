"""Interakt as its documents show it: our number goes along as callbackData and comes back signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from servaan_crm.messaging.gateways.base import CallbackCall, DeliveryState, GatewayConfig, OutgoingMessage
from servaan_crm.messaging.gateways.fake import running, unused_url
from servaan_crm.messaging.gateways.interakt import InteraktGateway
from servaan_crm.messaging.gateways.interakt.fake import FakeInterakt

KEY = "a2V5OnNlY3JldA=="


@pytest.fixture
def api() -> Iterator[FakeInterakt]:
    with running(FakeInterakt(api_key=KEY)) as server:
        yield server


def gateway(url: str = "", key: str = KEY, secret: str = "hook-secret") -> InteraktGateway:
    options = (("language", "en"), ("webhook_secret", secret))
    return InteraktGateway(GatewayConfig(url, key, "+911234567890", channel="whatsapp", options=options))


def text(number: int = 1, to: str = "+919999999999", **fields: Any) -> OutgoingMessage:
    return OutgoingMessage(number, to, "Hello there", channel="whatsapp", **fields)


def kind_of(url: str, key: str = KEY, to: str = "+919999999999") -> str:
    error = gateway(url, key).send_batch([text(to=to)])[0].error
    return error.kind.value if error else "sent"


def test_the_documented_call(api: FakeInterakt) -> None:
    result = gateway(api.url).send_batch(
        [text(42, template="visit:hi", values={"name": "Asha", "sum": "450"})]
    )[0]
    assert (result.error, result.provider_id) == (None, api.accepted[0].provider_id)
    assert api.call_to("/message/").json == {
        "countryCode": "+91",
        "phoneNumber": "9999999999",
        "callbackData": "42",
        "type": "Template",
        "template": {"name": "visit", "languageCode": "hi", "bodyValues": ["Asha", "450"]},
    }
    gateway(api.url).send_batch([text(43, "+8801712345678")])
    second = api.call_to("/message/").json
    assert (second["countryCode"], second["phoneNumber"]) == ("+880", "1712345678")
    assert (second["type"], second["data"]) == ("Text", {"message": "Hello there"})


def test_refusals(api: FakeInterakt) -> None:
    assert kind_of(api.url, "wrong") == "auth"
    assert kind_of(api.url, to="nobody") == "permanent"
    for status, body, kind in (
        (400, {"result": False, "message": "Template not found"}, "permanent"),
        (200, {"result": False, "message": "No"}, "permanent"),
        (200, {"result": True}, "unknown"),
        (429, {"result": False, "message": "Rate limit exceeded for this resource"}, "retryable"),
        (502, "<html>", "unknown"),
    ):
        api.plan("error", status=status, body=body)
        assert kind_of(api.url) == kind, status
    assert not api.accepted
    api.plan("cut-after")
    assert kind_of(api.url) == "unknown"
    assert len(api.accepted) == 1
    assert kind_of(unused_url()) == "retryable"


def signed(row: Any, secret: str = "hook-secret") -> CallbackCall:
    body = json.dumps(row).encode()
    mark = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return CallbackCall("POST", "https://x/", {"interakt-signature": mark}, {}, {}, body, [row])


def event(kind: str, **message: Any) -> dict[str, Any]:
    ours = {"source": "PublicAPI", "source_data": {"callback_data": "42"}}
    return {"version": "1.0", "timestamp": "2022-07-07T10:45:48", "type": kind,
            "data": {"customer": {"id": "c", "channel_phone_number": "919999999999"},
                     "message": {"id": "ik-7", "meta_data": ours, **message}}}  # fmt: skip


def test_only_signed_calls_are_believed() -> None:
    call = signed(event("message_api_read"))
    assert gateway().verify(call)
    assert not gateway().verify(replace(call, body=call.body + b" "))
    assert not gateway().verify(replace(call, headers={}))
    assert not gateway(secret="").verify(signed({}, ""))


def test_reports_carry_our_number() -> None:
    found = []
    for row in (
        event("message_api_read"),
        event("message_api_sent"),
        event("message_campaign_delivered"),
        event("message_api_failed", channel_error_code=131026, channel_failure_reason="+919999999999 …"),
        event("message_api_clicked"),
        {"type": "message_api_sent", "data": None},
    ):
        found += gateway().read_callback("status", signed(row)).reports
    assert [(one.state, one.status, one.is_read) for one in found] == [
        (DeliveryState.DELIVERED, "read", True),
        (DeliveryState.ACCEPTED, "sent", False),
        (DeliveryState.DELIVERED, "delivered", False),
        (DeliveryState.FAILED, "131026", False),
    ]
    assert {(one.provider_id, one.local_id) for one in found} == {("ik-7", 42)}


def test_what_guests_write() -> None:
    row = event("message_received", message="Stop please", chat_message_type="CustomerMessage")
    text = gateway().read_callback("receive", signed(row)).inbound[0]
    assert (text.provider_id, text.sender, text.receiver, text.body) == (
        "ik-7", "+919999999999", "+911234567890", "Stop please",
    )  # fmt: skip
