"""Twilio's wire format on both channels, its signature, and its list as the way to unknown outcomes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from servaan_crm.messaging.gateways.base import (
    CallbackCall,
    DeliveryState,
    Doubtful,
    ErrorKind,
    GatewayConfig,
    GatewayError,
    OutgoingMessage,
)
from servaan_crm.messaging.gateways.fake import running
from servaan_crm.messaging.gateways.twilio import TwilioGateway
from servaan_crm.messaging.gateways.twilio.adapter import BATCH, WORKERS, signature
from servaan_crm.messaging.gateways.twilio.fake import SENDER, SID, FakeTwilio

URL = "https://crm.example.com/hooks/twilio/status?tenant=1"
FORM = {
    "MessageSid": "SM00000000000000000000000000000001",
    "MessageStatus": "delivered",
    "To": "whatsapp:+971501234567",
}
VECTOR = "JfNNQEahfP6HhKBQH0olU34SGXs="


@pytest.fixture
def fake() -> Iterator[FakeTwilio]:
    with running(FakeTwilio(api_key="12345")) as server:
        yield server


def gateway(url: str, *, channel: str = "sms", sender: str = SENDER, **options: str) -> TwilioGateway:
    settings = tuple(sorted({"account_sid": SID, **options}.items()))
    return TwilioGateway(GatewayConfig(url, "12345", sender, channel, settings))


def message(number: int = 1, *, channel: str = "sms", **fields: object) -> OutgoingMessage:
    recipient = f"+9715012{number:05}"
    return OutgoingMessage(number, recipient, "See you soon", channel=channel, **fields)  # type: ignore[arg-type]


def callback(
    form: Mapping[str, str], *, url: str = URL, given: str = "", method: str = "POST"
) -> CallbackCall:
    headers = {"x-twilio-signature": given} if given else {}
    return CallbackCall(method, url, headers, {"tenant": "1"}, form, b"", [form])


def test_sms_and_whatsapp_fields(fake: FakeTwilio) -> None:
    gateway(fake.url).send_batch([message()])
    call = fake.call_to(f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert call.form == {"To": "+971501200001", "From": SENDER, "Body": "See you soon"}
    service = gateway(
        fake.url, sender="", messaging_service_sid="MG1", status_callback="https://crm.example.com/x"
    )
    service.send_batch([message()])
    assert fake.call_to("Messages").form == {
        "To": "+971501200001",
        "MessagingServiceSid": "MG1",
        "Body": "See you soon",
        "StatusCallback": "https://crm.example.com/x",
    }
    filled = message(channel="whatsapp", template="HX1", values={"name": "Ali", "gift": "tea"})
    gateway(fake.url, channel="whatsapp").send_batch([filled])
    form = dict(fake.call_to("Messages").form)
    assert json.loads(form.pop("ContentVariables")) == {"1": "Ali", "2": "tea"}
    assert form == {"To": "whatsapp:+971501200001", "From": f"whatsapp:{SENDER}", "ContentSid": "HX1"}


def test_a_full_batch_goes_out_once_each_in_order(fake: FakeTwilio) -> None:
    batch = [message(number) for number in range(1, BATCH + 1)]
    results = gateway(fake.url).send_batch(batch)
    assert [result.local_id for result in results] == list(range(1, BATCH + 1))
    sent = {sms.provider_id: sms.recipient for sms in fake.accepted}
    assert [sent[result.provider_id] for result in results] == [one.recipient for one in batch]
    assert len(fake.accepted) == BATCH


@pytest.mark.parametrize(("http", "code"), [(429, 20429), (401, 20003), (502, 0)])
def test_a_fault_that_is_not_one_messages_stops_the_others(fake: FakeTwilio, http: int, code: int) -> None:
    fake.plan("error", times=BATCH, status=http, body={"code": code, "message": "", "status": http})
    results = gateway(fake.url).send_batch([message(number) for number in range(1, BATCH + 1)])
    assert len(results) == BATCH
    assert all(result.error for result in results)
    assert len(fake.calls) <= WORKERS


@pytest.mark.parametrize(
    ("http", "code", "kind"),
    [
        (401, 20003, ErrorKind.AUTH),
        (404, 20404, ErrorKind.AUTH),
        (429, 20429, ErrorKind.RETRYABLE),
        (429, 14107, ErrorKind.RETRYABLE),
        (403, 30002, ErrorKind.CREDIT),
        (402, 0, ErrorKind.CREDIT),
        (400, 21211, ErrorKind.PERMANENT),
        (400, 21212, ErrorKind.AUTH),
        (403, 21408, ErrorKind.PERMANENT),
        (400, 21606, ErrorKind.AUTH),
        (400, 21608, ErrorKind.AUTH),
        (400, 21610, ErrorKind.PERMANENT),
        (429, 21611, ErrorKind.RETRYABLE),
        (400, 21614, ErrorKind.PERMANENT),
        (400, 21617, ErrorKind.PERMANENT),
        (400, 63007, ErrorKind.AUTH),
        (400, 63016, ErrorKind.PERMANENT),
        (429, 63018, ErrorKind.RETRYABLE),
        (500, 20500, ErrorKind.UNKNOWN),
        (500, 20429, ErrorKind.UNKNOWN),
        (503, 20503, ErrorKind.UNKNOWN),
    ],
)
def test_every_code_has_its_class(fake: FakeTwilio, http: int, code: int, kind: ErrorKind) -> None:
    fake.plan(
        "error", status=http, body={"code": code, "message": "The number +971501200001", "status": http}
    )
    (result,) = gateway(fake.url).send_batch([message()])
    assert result.error is not None
    assert result.error.kind is kind
    assert "9715" not in result.error.text


def test_a_message_twilio_does_not_know_is_no_fault_of_the_account(fake: FakeTwilio) -> None:
    (sent,) = gateway(fake.url).send_batch([message()])
    fake.accepted[0].status = "delivered"
    fates = gateway(fake.url).status_by_provider_id(["SM404", sent.provider_id])
    assert set(fates) == {sent.provider_id}
    assert fates[sent.provider_id].cost == Decimal("0.00750")
    fake.accepted[0].status, fake.accepted[0].extra["error_code"] = "undelivered", 21610
    fates = gateway(fake.url).status_by_provider_id([sent.provider_id])
    assert fates[sent.provider_id].state is DeliveryState.BLOCKED


def test_trouble_while_asking_ends_the_questions(fake: FakeTwilio) -> None:
    fake.plan("error", times=99, status=429, body={"code": 20429, "message": "", "status": 429})
    with pytest.raises(GatewayError) as caught:
        gateway(fake.url).status_by_provider_id([f"SM{number}" for number in range(40)])
    assert caught.value.kind is ErrorKind.RETRYABLE
    assert len(fake.calls) <= WORKERS


def test_the_list_finds_what_still_waits_and_overlooks_other_times(fake: FakeTwilio) -> None:
    old = datetime.now(UTC) - timedelta(minutes=30)
    fake.accept("SM1", "whatsapp:+971501200001", "See you soon", status="sent", at=old.timestamp() - 7200)
    fake.accept("SM2", "whatsapp:+971501200001", "See you soon", status="queued", at=old.timestamp() + 3)
    lost = [Doubtful(n, f"+9715012{n:05}", "See you soon", old) for n in (1, 2)]
    found = gateway(fake.url, channel="whatsapp").find(lost)
    assert {key: fate.provider_id for key, fate in found.items()} == {1: "SM2"}


def test_the_signature_of_the_vector() -> None:
    assert signature("12345", URL, FORM) == VECTOR
    twilio = gateway("http://127.0.0.1:9")
    assert twilio.verify(callback(FORM, given=VECTOR))
    assert not twilio.verify(callback(FORM))
    assert not twilio.verify(callback({**FORM, "MessageStatus": "failed"}, given=VECTOR))
    assert not twilio.verify(callback(FORM, url=URL.replace("tenant=1", "tenant=2"), given=VECTOR))
    assert not twilio.verify(callback(FORM, given="گواهی"))
    with_port = URL.replace("example.com", "example.com:443")
    assert twilio.verify(callback(FORM, url=with_port, given=VECTOR))
    assert twilio.verify(callback(FORM, given=signature("12345", with_port, FORM)))
    assert twilio.verify(callback(FORM, given=signature("12345", URL, {}), method="GET"))


@pytest.mark.parametrize(
    ("status", "code", "state", "is_read"),
    [
        ("sent", "", DeliveryState.ACCEPTED, False),
        ("delivered", "", DeliveryState.DELIVERED, False),
        ("read", "", DeliveryState.DELIVERED, True),
        ("undelivered", "30003", DeliveryState.UNDELIVERED, False),
        ("failed", "21610", DeliveryState.BLOCKED, False),
        ("news", "", DeliveryState.UNKNOWN, False),
    ],
)
def test_delivery_reports(status: str, code: str, state: DeliveryState, is_read: bool) -> None:
    form = {**FORM, "MessageStatus": status, **({"ErrorCode": code} if code else {})}
    (report,) = gateway("http://127.0.0.1:9").read_callback("status", callback(form)).reports
    assert (report.provider_id, report.state, report.is_read) == (FORM["MessageSid"], state, is_read)


def test_texts_of_guests() -> None:
    form = {"MessageSid": "SM9", "From": "whatsapp:+971501200001", "To": f"whatsapp:{SENDER}", "Body": "STOP"}
    (text,) = gateway("http://127.0.0.1:9").read_callback("receive", callback(form)).inbound
    assert (text.provider_id, text.sender, text.receiver, text.body) == (
        "SM9",
        "+971501200001",
        SENDER,
        "STOP",
    )
    assert gateway("http://127.0.0.1:9").read_callback("status", callback({})).reports == ()


def test_the_balance_has_its_currency(fake: FakeTwilio) -> None:
    account = gateway(fake.url).account_info()
    assert (account.credit, account.kind) == (Decimal("12.50"), "USD")
