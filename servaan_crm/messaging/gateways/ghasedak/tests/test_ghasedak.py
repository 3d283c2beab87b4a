"""Ghasedak's wire format, and our number as the way to unknown outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from servaan_crm.messaging.gateways.base import (
    DeliveryState,
    Doubtful,
    ErrorKind,
    GatewayConfig,
    OutgoingMessage,
)
from servaan_crm.messaging.gateways.fake import running
from servaan_crm.messaging.gateways.ghasedak import GhasedakGateway
from servaan_crm.messaging.gateways.ghasedak.fake import LINE, FakeGhasedak

ROOT = "/rest/api/v1/WebService"


@pytest.fixture
def fake() -> Iterator[FakeGhasedak]:
    with running(FakeGhasedak(api_key="key")) as server:
        yield server


@pytest.fixture
def gateway(fake: FakeGhasedak) -> GhasedakGateway:
    return GhasedakGateway(GatewayConfig(f"{fake.url}{ROOT}", "key", LINE))


def texts(*bodies: str) -> list[OutgoingMessage]:
    return [OutgoingMessage(n, f"+98912000{n:04}", body) for n, body in enumerate(bodies, start=1)]


def test_every_text_carries_our_number(gateway: GhasedakGateway, fake: FakeGhasedak) -> None:
    gateway.send_batch(texts("سلام"))
    single = fake.call_to(f"{ROOT}/SendSingleSMS")
    assert single.headers["apikey"] == "key"
    assert single.json == {
        "lineNumber": LINE,
        "receptor": "09120000001",
        "message": "سلام",
        "clientReferenceId": "1",
        "udh": False,
    }
    gateway.send_batch(texts("یک", "دو"))
    pairs = fake.call_to(f"{ROOT}/SendPairToPairSMS").json
    assert [item["clientReferenceId"] for item in pairs["items"]] == ["1", "2"]
    assert [item["message"] for item in pairs["items"]] == ["یک", "دو"]
    filled = OutgoingMessage(9, "+989120000009", "کد ۱۲", template="newOTP", values={"Code": "12"})
    gateway.send_batch([filled])
    assert fake.call_to(f"{ROOT}/SendOtpSMS").json == {
        "receptors": [{"mobile": "09120000009", "clientReferenceId": "9"}],
        "templateName": "newOTP",
        "inputs": [{"param": "Code", "value": "12"}],
        "udh": False,
    }


@pytest.mark.parametrize("capital", [False, True])
@pytest.mark.parametrize("echoes", [False, True])
def test_answers_are_read_in_all_their_spellings(
    gateway: GhasedakGateway, fake: FakeGhasedak, capital: bool, echoes: bool
) -> None:
    fake.capital, fake.echoes = capital, echoes
    results = gateway.send_batch(texts("یک", "دو", "سه"))
    assert [result.provider_id for result in results] == [sms.provider_id for sms in fake.accepted]
    assert {result.cost for result in results} == {Decimal(1000)}
    account = gateway.account_info()
    assert account.credit == Decimal(997_000)
    assert account.expires_at == datetime(2027, 7, 16, 7, 18, 21, tzinfo=UTC)


def test_entries_in_another_order_are_matched_by_number(gateway: GhasedakGateway, fake: FakeGhasedak) -> None:
    twice = [*texts("یک", "دو", "سه"), OutgoingMessage(4, "+989120000003", "چهار")]
    items = [
        {"receptor": number, "messageId": key}
        for number, key in (
            ("9120000002", "72"),
            ("+989120000001", "71"),
            ("09120000003", "73"),
            ("09120000003", "74"),
        )
    ]
    body = {"isSuccess": True, "statusCode": 200, "message": "", "data": {"items": items}}
    fake.plan("error", status=200, body=body)
    results = gateway.send_batch(twice)
    assert [result.provider_id for result in results] == ["71", "72", "", ""]
    # Which of two texts to one number is which cannot be told: both may be out.
    assert {result.error.kind for result in results[2:] if result.error} == {ErrorKind.UNKNOWN}


def test_the_http_status_counts_where_the_body_says_ok(gateway: GhasedakGateway, fake: FakeGhasedak) -> None:
    for status, kind in ((401, ErrorKind.AUTH), (500, ErrorKind.UNKNOWN)):
        fake.plan("error", status=status, body={"isSuccess": False, "statusCode": 200, "message": ""})
        (result,) = gateway.send_batch(texts("سلام"))
        assert result.error is not None
        assert result.error.kind is kind


@pytest.mark.parametrize(
    ("http", "code", "kind"),
    [
        (400, 400, ErrorKind.PERMANENT),
        (401, 401, ErrorKind.AUTH),
        (200, 402, ErrorKind.CREDIT),
        (403, 403, ErrorKind.AUTH),
        (200, 418, ErrorKind.CREDIT),
        (400, 412, ErrorKind.AUTH),
        (409, 409, ErrorKind.RETRYABLE),
        (200, 429, ErrorKind.RETRYABLE),
        (500, 500, ErrorKind.UNKNOWN),
        (200, 200, ErrorKind.UNKNOWN),
    ],
)
def test_every_code_has_its_class(
    gateway: GhasedakGateway, fake: FakeGhasedak, http: int, code: int, kind: ErrorKind
) -> None:
    body = {"isSuccess": False, "statusCode": code, "message": "خطا", "data": None}
    fake.plan("error", status=http, body=body)
    (result,) = gateway.send_batch(texts("سلام"))
    assert result.error is not None
    assert (result.error.kind, result.error.code) == (kind, str(code))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("0", DeliveryState.ACCEPTED),
        ("1", DeliveryState.CANCELLED),
        ("2", DeliveryState.BLOCKED),
        ("3", DeliveryState.ACCEPTED),
        ("4", DeliveryState.UNDELIVERED),
        ("5", DeliveryState.DELIVERED),
        ("6", DeliveryState.FAILED),
        ("8", DeliveryState.UNKNOWN),
    ],
)
def test_statuses_by_both_numbers(
    gateway: GhasedakGateway, fake: FakeGhasedak, status: str, state: DeliveryState
) -> None:
    (sent,) = gateway.send_batch(texts("سلام"))
    fake.accepted[0].status = status
    assert gateway.status_by_provider_id([sent.provider_id])[sent.provider_id].state is state
    assert fake.call_to("CheckSmsStatus").query == {"Ids": sent.provider_id, "Type": "1"}
    found = gateway.find([Doubtful(1, "+989120000001", "سلام", datetime.now(UTC))])
    assert (found[1].state, found[1].provider_id) == (state, sent.provider_id)
    assert fake.call_to("CheckSmsStatus").query == {"Ids": "1", "Type": "2"}


@pytest.mark.parametrize("code", [400, 404])
def test_a_refused_question_is_no_proof_of_absence(
    gateway: GhasedakGateway, fake: FakeGhasedak, code: int
) -> None:
    old = Doubtful(1, "+989120000001", "سلام", datetime.now(UTC) - timedelta(hours=1))
    assert gateway.find([old]) == {}
    body = {"isSuccess": False, "statusCode": code, "message": "یافت نشد", "data": None}
    fake.plan("error", path="CheckSmsStatus", status=code, body=body)
    assert gateway.find([old])[1].provider_id == ""


def test_unread_texts_of_guests(gateway: GhasedakGateway, fake: FakeGhasedak) -> None:
    fake.inbox = [
        {
            "id": 12345,
            "message": "لغو۱۱",
            "sender": "09120000001",
            "lineNumber": LINE,
            "receiveDate": "2024-07-02T14:00:34.975Z",
        }
    ]
    (text,) = gateway.receive()
    assert (text.provider_id, text.sender, text.receiver) == ("12345", "09120000001", LINE)
    assert text.received_at == datetime(2024, 7, 2, 14, 0, 34, 975_000, tzinfo=UTC)
    assert fake.call_to("GetReceivedSmses").query == {"LineNumber": LINE, "IsRead": "false"}
