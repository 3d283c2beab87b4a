"""Melipayamak's wire format and codes, and how much its answers really say."""

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
from servaan_crm.messaging.gateways.melipayamak import MelipayamakGateway
from servaan_crm.messaging.gateways.melipayamak.fake import LINE, USER, FakeMelipayamak


@pytest.fixture
def fake() -> Iterator[FakeMelipayamak]:
    with running(FakeMelipayamak(api_key="key")) as server:
        yield server


def gateway(fake: FakeMelipayamak, **options: str) -> MelipayamakGateway:
    settings = tuple(sorted({"username": USER, **options}.items()))
    return MelipayamakGateway(GatewayConfig(f"{fake.url}/api/SendSMS", "key", LINE, "sms", settings))


def texts(*bodies: str) -> list[OutgoingMessage]:
    return [OutgoingMessage(n, f"+98912000{n:04}", body) for n, body in enumerate(bodies, start=1)]


def test_one_call_for_every_text_with_all_its_numbers(fake: FakeMelipayamak) -> None:
    results = gateway(fake).send_batch(texts("الف", "ب", "الف", "الف"))
    assert sorted(result.local_id for result in results) == [1, 2, 3, 4]
    assert len(fake.calls) == 2
    assert fake.calls[0].path == "/api/SendSMS/SendSMS"
    assert fake.calls[0].form == {
        "username": USER,
        "password": "key",
        "to": "09120000001,09120000003,09120000004",
        "from": LINE,
        "text": "الف",
        "isFlash": "false",
    }


def test_a_template_gets_its_values_in_order(fake: FakeMelipayamak) -> None:
    filled = OutgoingMessage(5, "+989120000005", "کد", template="9876", values={"a": "علی؛ رضا", "b": "۱;۲"})
    (result,) = gateway(fake).send_batch([filled])
    assert result.provider_id
    form = fake.call_to("BaseServiceNumber").form
    assert (form["to"], form["bodyId"], form["text"]) == ("09120000005", "9876", "علی؛ رضا;۱،۲")


def test_one_id_for_several_numbers_is_not_asked_about(fake: FakeMelipayamak) -> None:
    fake.shares_ids = True
    sms = gateway(fake)
    results = sms.send_batch(texts("سلام", "سلام", "سلام"))
    ids = [result.provider_id for result in results]
    assert len(set(ids)) == 3
    assert sms.status_by_provider_id(ids) == {}
    (lone,) = sms.send_batch(texts("تنها"))
    assert lone.provider_id.isdigit()


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"Value": "0", "RetStatus": 0}, ErrorKind.AUTH, "0"),
        ({"Value": "2", "RetStatus": 0}, ErrorKind.CREDIT, "2"),
        ({"Value": "0", "RetStatus": 2}, ErrorKind.CREDIT, "2"),
        ({"Value": "0", "RetStatus": 3}, ErrorKind.RETRYABLE, "3"),
        ({"Value": "0", "RetStatus": 4}, ErrorKind.RETRYABLE, "4"),
        ({"Value": "0", "RetStatus": 5}, ErrorKind.AUTH, "5"),
        ({"Value": "0", "RetStatus": 7}, ErrorKind.PERMANENT, "7"),
        ({"Value": "0", "RetStatus": 10}, ErrorKind.AUTH, "10"),
        ({"Value": "0", "RetStatus": 14}, ErrorKind.PERMANENT, "14"),
        ({"Value": "0", "RetStatus": 15}, ErrorKind.PERMANENT, "15"),
        ({"Value": "0", "RetStatus": 35}, ErrorKind.PERMANENT, "35"),
        ({"Value": "0", "RetStatus": -1}, ErrorKind.UNKNOWN, "-1"),
        ({"Value": "7", "RetStatus": 1}, ErrorKind.PERMANENT, "7"),
        ({"Value": "", "RetStatus": 1}, ErrorKind.UNKNOWN, "entry"),
        ({"Value": "123456789,55", "RetStatus": 1}, ErrorKind.UNKNOWN, "entry"),
        ({"Value": "x"}, ErrorKind.UNKNOWN, "200"),
    ],
)
def test_every_answer_has_its_class(
    fake: FakeMelipayamak, answer: dict[str, object], kind: ErrorKind, code: str
) -> None:
    fake.plan("error", status=200, body={"StrRetStatus": "No", **answer})
    (result,) = gateway(fake).send_batch(texts("سلام"))
    assert result.error is not None
    assert (result.error.kind, result.error.code) == (kind, code)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("1", DeliveryState.DELIVERED),
        ("2", DeliveryState.UNDELIVERED),
        ("8", DeliveryState.ACCEPTED),
        ("16", DeliveryState.FAILED),
        ("35", DeliveryState.BLOCKED),
        ("100", DeliveryState.UNKNOWN),
        ("400", DeliveryState.ACCEPTED),
        ("500", DeliveryState.FAILED),
        ("?", DeliveryState.UNKNOWN),
    ],
)
def test_statuses(fake: FakeMelipayamak, status: str, state: DeliveryState) -> None:
    (sent,) = gateway(fake).send_batch(texts("سلام"))
    fake.accepted[0].status = status
    assert gateway(fake).status_by_provider_id([sent.provider_id])[sent.provider_id].state is state
    assert fake.call_to("GetDeliveries2").form["recId"] == sent.provider_id


def test_a_text_found_in_the_list_is_out_but_a_missing_one_is_never_repeated(fake: FakeMelipayamak) -> None:
    old = datetime.now(UTC) - timedelta(minutes=10)
    fake.accept("4731885462082896494", "09120000001", "سلام", at=old.timestamp(), extra={"msg": 77})
    out, gone = (
        Doubtful(1, "+989120000001", "سلام", old),
        Doubtful(2, "+989120000002", "سلام", old),
    )
    found = gateway(fake).find([out, gone])
    assert found[1].provider_id == "m77"
    assert 2 not in found
    assert not MelipayamakGateway.absence_is_proof
    assert gateway(fake).status_by_provider_id(["m77"]) == {}


def test_credit_and_the_texts_of_guests(fake: FakeMelipayamak) -> None:
    assert gateway(fake, unit_price="1200").account_info().credit == Decimal(1_200_000)
    assert gateway(fake).account_info().credit is None
    fake.inbox = [
        {
            "MsgID": 5,
            "Body": "لغو۱۱",
            "SenderNumber": "09120000001",
            "RecipientNumber": LINE,
            "SendDate": "/Date(1715000000000+0330)/",
        },
        {
            "MsgID": 6,
            "Body": "۱۲",
            "Sender": "09120000002",
            "Receiver": LINE,
            "SendDate": "2026-11-21T10:00:00",
        },
        {"MsgID": 7, "Body": "?", "SendDate": "?"},
    ]
    first, second = gateway(fake).receive()
    assert (first.provider_id, first.sender, first.body) == ("5", "09120000001", "لغو۱۱")
    assert first.received_at == datetime.fromtimestamp(1_715_000_000, UTC)
    assert second.received_at == datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
