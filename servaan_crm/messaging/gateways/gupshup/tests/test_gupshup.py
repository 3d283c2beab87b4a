"""Gupshup as its documents show it: form in, events out, correlated by gsId."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from servaan_crm.messaging.gateways.base import CallbackCall, DeliveryState, GatewayConfig, OutgoingMessage
from servaan_crm.messaging.gateways.fake import running, unused_url
from servaan_crm.messaging.gateways.gupshup import GupshupGateway
from servaan_crm.messaging.gateways.gupshup.fake import FakeGupshup


@pytest.fixture
def api() -> Iterator[FakeGupshup]:
    with running(FakeGupshup(api_key="gs-key")) as server:
        yield server


def gateway(url: str = "", key: str = "gs-key") -> GupshupGateway:
    options = (("app_name", "DemoApp"),)
    return GupshupGateway(GatewayConfig(url, key, "+917834811114", channel="whatsapp", options=options))


def text(number: int = 1, **fields: Any) -> OutgoingMessage:
    return OutgoingMessage(number, "+918888888888", "Welcome back & more", channel="whatsapp", **fields)


def kind_of(url: str, key: str = "gs-key") -> str:
    error = gateway(url, key).send_batch([text()])[0].error
    return error.kind.value if error else "sent"


def test_template_and_session_message(api: FakeGupshup) -> None:
    template = text(1, template="c6aecef6-bcb0", values={"1": "نگار", "2": "10%"})
    results = gateway(api.url).send_batch([template, text(2)])
    assert [result.error for result in results] == [None, None]
    assert {result.provider_id for result in results} == {one.provider_id for one in api.accepted}
    form = api.call_to("/template/msg").form
    assert json.loads(form["template"]) == {"id": "c6aecef6-bcb0", "params": ["نگار", "10%"]}
    assert {key: form[key] for key in ("channel", "source", "destination", "src.name")} == {
        "channel": "whatsapp",
        "source": "917834811114",
        "destination": "918888888888",
        "src.name": "DemoApp",
    }
    session = api.call_to("/v1/msg").form
    assert json.loads(session["message"]) == {"type": "text", "text": "Welcome back & more"}


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Invalid Destination", "permanent"),
        (400, "Insufficient wallet balance", "credit"),
        (401, "Authentication Failed", "auth"),
        (429, "Too Many Requests", "retryable"),
        (500, "Internal", "unknown"),
        (200, "Template Did not match", "permanent"),
    ],
)
def test_refusals(api: FakeGupshup, status: int, message: str, kind: str) -> None:
    api.plan("error", status=status, body={"status": "error", "message": message})
    assert kind_of(api.url) == kind
    assert not api.accepted


def test_key_silence_and_no_connection(api: FakeGupshup) -> None:
    assert kind_of(api.url, "wrong") == "auth"
    api.plan("cut-after")
    assert kind_of(api.url) == "unknown"
    api.plan("garbage")
    assert kind_of(api.url) == "unknown"
    assert len(api.accepted) == 2
    assert kind_of(unused_url()) == "retryable"


def callback(*rows: dict[str, Any]) -> CallbackCall:
    return CallbackCall("POST", "https://x/", {}, {}, {}, json.dumps(rows).encode(), rows)


def event(kind: str, **payload: Any) -> dict[str, Any]:
    return {"app": "DemoApp", "timestamp": 1580546677791, "version": 2, "type": "message-event",
            "payload": {"type": kind, "destination": "918888888888", **payload}}  # fmt: skip


def test_events_are_correlated_by_gupshups_own_number() -> None:
    given = callback(
        event("enqueued", id="gs-1", payload={"whatsappMessageId": "gBEG", "type": "session"}),
        event("read", id="gBEG", gsId="gs-1", payload={"ts": 1585344475}),
        event("delivered", id="gBEG", gsId="gs-1", payload={"ts": 1585344475}),
        event("failed", id="gs-2", payload={"code": 1002, "reason": "Number Does Not Exist"}),
        event("failed", id="gBEG", gsId="gs-3", payload={"code": 1012, "reason": "opted out"}),
        event("delivered", id="gBEG"),  # after a week there is no gsId: nobody can tell whose it is
        event("deleted", id="gBEG", gsId="gs-1"),
        {"type": "message-event", "payload": 7},
    )
    reports = gateway().read_callback("status", given).reports
    assert [(one.provider_id, one.state, one.status, one.is_read) for one in reports] == [
        ("gs-1", DeliveryState.ACCEPTED, "enqueued", False),
        ("gs-1", DeliveryState.DELIVERED, "read", True),
        ("gs-1", DeliveryState.DELIVERED, "delivered", False),
        ("gs-2", DeliveryState.FAILED, "1002", False),
        ("gs-3", DeliveryState.BLOCKED, "1012", False),
    ]


def test_what_guests_write() -> None:
    message = {
        "app": "DemoApp", "timestamp": 1580227766370, "version": 2, "type": "message",
        "payload": {"id": "ABEG", "source": "918888888888", "type": "text", "payload": {"text": "STOP"},
                    "sender": {"phone": "918888888888", "name": "Drew"}},
    }  # fmt: skip
    picture = {"type": "message", "payload": {"id": "B", "source": "918888888888", "payload": {"url": "u"}}}
    found = gateway().read_callback("receive", callback(message, picture, {"type": "message"})).inbound
    assert [(one.provider_id, one.sender, one.receiver, one.body) for one in found] == [
        ("ABEG", "+918888888888", "+917834811114", "STOP"),
        ("B", "+918888888888", "+917834811114", ""),
    ]
    assert found[0].received_at is not None
    assert found[0].received_at.year == 2020
