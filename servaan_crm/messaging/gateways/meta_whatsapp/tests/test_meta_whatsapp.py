"""The WhatsApp Cloud API as Meta documents it: what we send, what its errors mean, whom we believe."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servaan_crm.messaging.gateways.base import (
    AuthError,
    CallbackCall,
    DeliveryState,
    GatewayConfig,
    OutgoingMessage,
    SendResult,
)
from servaan_crm.messaging.gateways.fake import running, unused_url
from servaan_crm.messaging.gateways.meta_whatsapp import MetaWhatsAppGateway
from servaan_crm.messaging.gateways.meta_whatsapp.fake import (
    PHONE_ID,
    FakeCloudApi,
    refusal,
    signed_call,
    webhook,
)

TOKEN = "EAAJtokenTOKEN"
VECTOR = b'{"object":"whatsapp_business_account","entry":[]}'
VECTOR_SIGNATURE = "sha256=09eceea024af6e6343b760cc9bd3ae7c056938dd636e24e92109eb8219500384"


@pytest.fixture
def api() -> Iterator[FakeCloudApi]:
    with running(FakeCloudApi(api_key=TOKEN)) as server:
        yield server


def gateway(url: str = "", key: str = TOKEN, **options: str) -> MetaWhatsAppGateway:
    given = {"phone_id": PHONE_ID, "app_secret": "appsecret", "verify_token": "our-word"} | options
    return MetaWhatsAppGateway(
        GatewayConfig(url, key, channel="whatsapp", options=tuple(sorted(given.items())))
    )


def text(number: int = 1, to: str = "+971501234567", **fields: Any) -> OutgoingMessage:
    return OutgoingMessage(
        number, to, fields.pop("body", "Your table is ready"), channel="whatsapp", **fields
    )


def outcomes(results: list[SendResult]) -> list[str]:
    return [result.error.kind.value if result.error else "sent" for result in results]


def test_a_template_with_its_values_in_order(api: FakeCloudApi) -> None:
    values = {"10": "ten", "2": "two", "1": "Negar"}
    message = text(4711, template="order_ready:en_US", values=values)
    result = gateway(api.url).send_batch([message])[0]
    assert (result.error, result.provider_id) == (None, api.accepted[0].provider_id)
    call = api.call_to("/messages")
    assert call.path == f"/v25.0/{PHONE_ID}/messages"
    assert call.json == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "971501234567",
        "type": "template",
        "template": {
            "name": "order_ready",
            "language": {"code": "en_US"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": t} for t in ("Negar", "two", "ten")]}
            ],
        },
        "biz_opaque_callback_data": "4711",
    }


def test_a_free_text_and_a_template_without_values(api: FakeCloudApi) -> None:
    sender = gateway(api.url, language="bn", version="v24.0")
    assert outcomes(sender.send_batch([text(1), text(2, template="hello")])) == ["sent", "sent"]
    by_number = {one.local_id: one.extra for one in api.accepted}
    assert by_number["1"] == {"body": "Your table is ready", "preview_url": False}
    assert by_number["2"] == {"name": "hello", "language": {"code": "bn"}}
    assert outcomes(sender.send_batch([text(3, body="x" * 4097)])) == ["permanent"]


@pytest.mark.parametrize(
    ("codes", "kind", "pauses"),
    [
        ((4, 80007, 130429, 131048), "retryable", True),
        ((131056,), "retryable", False),
        ((0, 190, 10, 200, 131031), "auth", False),
        ((131042,), "credit", False),
        ((131026, 131049, 131050, 131047, 130497, 100, 132001, 132015), "permanent", False),
    ],
)
def test_error_codes_are_sorted(api: FakeCloudApi, codes: tuple[int, ...], kind: str, pauses: bool) -> None:
    for code in codes:
        api.plan("error", status=400, body=refusal(code, "to +971501234567 refused"))
        result = gateway(api.url).send_batch([text()])[0]
        assert result.error is not None
        assert (result.error.kind.value, result.error.code) == (kind, str(code))
        assert bool(getattr(result.error, "pause", None)) is pauses
        assert "971501234567" not in result.error.text
    assert not api.accepted


def test_one_refused_guest_does_not_stop_the_others(api: FakeCloudApi) -> None:
    api.refusals["971500000003"] = 131026
    results = gateway(api.url).send_batch([text(n, f"+97150000000{n}") for n in range(8)])
    assert outcomes(results) == ["sent"] * 3 + ["permanent"] + ["sent"] * 4
    assert [result.local_id for result in results] == list(range(8))


def test_a_refused_key_keeps_the_rest_back(api: FakeCloudApi) -> None:
    results = gateway(api.url, key="wrong").send_batch([text(n) for n in range(40)])
    assert set(outcomes(results)) == {"auth"}
    assert len(api.calls) <= 16  # those in flight, not forty
    with pytest.raises(AuthError):
        gateway(api.url, key="wrong").account_info()
    assert gateway(api.url).account_info().kind == "GREEN"


@pytest.mark.parametrize(("accident", "taken"), [("cut-after", 1), ("cut-before", 0), ("garbage", 1)])
def test_silence_is_an_unknown_outcome(api: FakeCloudApi, accident: Any, taken: int) -> None:
    api.plan(accident)
    assert outcomes(gateway(api.url).send_batch([text()])) == ["unknown"]
    assert len(api.accepted) == taken


def test_not_sent_and_never_logged(api: FakeCloudApi, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    assert outcomes(gateway(unused_url()).send_batch([text()])) == ["retryable"]
    assert outcomes(gateway(api.url, phone_id="../me").send_batch([text()])) == ["auth"]
    api.plan("error", status=500, body=refusal(1))
    assert outcomes(gateway(api.url).send_batch([text()])) == ["unknown"]
    for secret in (TOKEN, "971501234567", "table is ready", "appsecret"):
        assert secret not in caplog.text
        assert secret not in repr(gateway()._config)


def test_the_signature_of_the_vector() -> None:
    ours = gateway()
    call = CallbackCall("POST", "https://x/", {"x-hub-signature-256": VECTOR_SIGNATURE}, {}, {}, VECTOR, [{}])
    assert ours.verify(call)
    assert not ours.verify(replace(call, body=VECTOR + b" "))
    assert not ours.verify(replace(call, headers={}))
    assert not ours.verify(replace(call, headers={"x-hub-signature-256": VECTOR_SIGNATURE[:-1] + "5"}))
    assert not gateway(app_secret="other").verify(call)
    unset = gateway(app_secret="")
    assert not unset.verify(signed_call(VECTOR, ""))


def test_meta_introduces_itself() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "our-word", "hub.challenge": "1158201444"}
    call = CallbackCall("GET", "https://x/", {}, query, {}, b"", [query])
    assert gateway().verify(call)
    assert gateway().read_callback("status", call).answer == "1158201444"
    assert not gateway().verify(replace(call, query={**query, "hub.verify_token": "guess"}))
    assert not gateway(verify_token="").verify(replace(call, query={**query, "hub.verify_token": ""}))
    # What a body says has to be signed, however the call is made.
    assert not gateway().verify(replace(call, body=b"{}"))
    evil = replace(call, query={**query, "hub.challenge": "<script>"})
    assert gateway().read_callback("status", evil).answer is None


def test_reports_in_any_order_carry_our_number() -> None:
    def status(word: str, **more: Any) -> dict[str, Any]:
        return {"id": "wamid.1", "status": word, "timestamp": "1710930461", "recipient_id": "971",
                "biz_opaque_callback_data": "4711", **more}  # fmt: skip

    failed = status("failed", errors=[{"code": 131026, "title": "Message undeliverable"}])
    refused = status("failed", errors=[{"code": 131050}])
    given = [
        status("read"),
        status("sent"),
        status("delivered"),
        failed,
        refused,
        status("warning"),
        {"id": 7},
    ]
    call = signed_call(webhook({"statuses": given}), "appsecret")
    assert gateway().verify(call)
    reports = gateway().read_callback("status", call).reports
    assert [(one.state, one.status, one.is_read) for one in reports] == [
        (DeliveryState.DELIVERED, "read", True),
        (DeliveryState.ACCEPTED, "sent", False),
        (DeliveryState.DELIVERED, "delivered", False),
        (DeliveryState.FAILED, "131026", False),
        (DeliveryState.BLOCKED, "131050", False),
    ]
    assert {(one.provider_id, one.local_id) for one in reports} == {("wamid.1", 4711)}


def test_what_guests_write() -> None:
    messages = [
        {"from": "971501234567", "id": "wamid.A", "timestamp": "1669233778", "type": "text",
         "text": {"body": "stop"}},
        {"from": "971501234567", "id": "wamid.B", "timestamp": "x", "type": "button",
         "button": {"text": "Yes", "payload": "p"}},
        {"from": "971501234567", "id": "wamid.C", "type": "image", "image": {"id": "9"}},
        {"from": "971501234567", "type": "text", "text": {"body": "without a number"}},
    ]  # fmt: skip
    value = {"metadata": {"display_phone_number": "15550783881", "phone_number_id": PHONE_ID}}
    call = signed_call(webhook({**value, "messages": messages}), "appsecret")
    texts = gateway().read_callback("receive", call).inbound
    assert [(one.provider_id, one.body) for one in texts] == [
        ("wamid.A", "stop"), ("wamid.B", "Yes"), ("wamid.C", ""),
    ]  # fmt: skip
    assert (texts[0].sender, texts[0].receiver) == ("+971501234567", "+15550783881")
    assert texts[0].received_at is not None
    assert texts[0].received_at.year == 2022


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["entry", "changes", "value", "statuses", "messages", "id", "status", "errors", "from"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_nothing_a_stranger_sends_raises(data: Any) -> None:
    rows = [data] if isinstance(data, dict) else []
    call = CallbackCall("POST", "https://x/", {}, {}, {}, json.dumps(data).encode(), rows)
    content = gateway().read_callback("status", call)
    assert all(report.provider_id for report in content.reports)
    assert all(one.provider_id and one.sender for one in content.inbound)
