"""SMS.ir's wire format, its codes, and its reports as the way to unknown outcomes."""

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
    GatewayError,
    OutgoingMessage,
)
from servaan_crm.messaging.gateways.fake import running
from servaan_crm.messaging.gateways.sms_ir import SmsIrGateway, adapter
from servaan_crm.messaging.gateways.sms_ir.fake import LINE, FakeSmsIr


@pytest.fixture
def fake() -> Iterator[FakeSmsIr]:
    with running(FakeSmsIr(api_key="key")) as server:
        yield server


def gateway(fake: FakeSmsIr, **options: str) -> SmsIrGateway:
    return SmsIrGateway(GatewayConfig(fake.url, "key", str(LINE), "sms", tuple(sorted(options.items()))))


def texts(*bodies: str) -> list[OutgoingMessage]:
    return [OutgoingMessage(n, f"+98912000{n:04}", body) for n, body in enumerate(bodies, start=1)]


def test_one_text_goes_as_bulk_and_several_as_like_to_like(fake: FakeSmsIr) -> None:
    sms = gateway(fake)
    sms.send_batch(texts("سلام", "سلام"))
    bulk = fake.call_to("/v1/send/bulk")
    assert bulk.headers["x-api-key"] == "key"
    assert bulk.json == {
        "lineNumber": LINE,
        "MessageText": "سلام",
        "Mobiles": ["09120000001", "09120000002"],
        "SendDateTime": None,
    }
    sms.send_batch(texts("یک", "دو"))
    assert fake.call_to("/v1/send/likeToLike").json == {
        "lineNumber": LINE,
        "MessageTexts": ["یک", "دو"],
        "Mobiles": ["09120000001", "09120000002"],
        "SendDateTime": None,
    }


def test_a_template_goes_through_verify_by_itself(fake: FakeSmsIr) -> None:
    filled = OutgoingMessage(
        5, "+989120000005", "کد ۱۲", template="123456", values={"Code": "12", "Name": "علی"}
    )
    results = gateway(fake).send_batch([*texts("سلام"), filled])
    assert {result.local_id for result in results if result.provider_id} == {1, 5}
    assert fake.call_to("verify").json == {
        "Mobile": "09120000005",
        "TemplateId": 123456,
        "Parameters": [{"name": "Code", "value": "12"}, {"name": "Name", "value": "علی"}],
    }
    bad = OutgoingMessage(6, "+989120000006", "x", template="otp")
    (result,) = gateway(fake).send_batch([bad])
    assert result.error is not None
    assert result.error.kind is ErrorKind.PERMANENT


def test_a_number_on_the_blacklist_is_not_called_sent(fake: FakeSmsIr) -> None:
    fake.blacklist = {"09120000002"}
    first, second, third = gateway(fake, unit_price="2000").send_batch(texts("الف", "ب", "پ"))
    assert second.error is not None
    assert second.error.kind is ErrorKind.PERMANENT
    assert first.provider_id
    assert third.provider_id
    assert first.cost == Decimal(2000)  # two were charged, not three


def test_units_become_money_only_with_a_price(fake: FakeSmsIr) -> None:
    plain, priced = gateway(fake), gateway(fake, unit_price="1500")
    assert plain.account_info().credit is None
    assert plain.account_info().kind == "1000.0 SMS"
    assert priced.account_info().credit == Decimal(1_500_000)
    assert plain.send_batch(texts("سلام"))[0].cost is None
    assert priced.send_batch(texts("سلام"))[0].cost == Decimal(1500)


@pytest.mark.parametrize(
    ("http", "code", "kind"),
    [
        (500, 0, ErrorKind.UNKNOWN),
        (400, 0, ErrorKind.UNKNOWN),
        *((401, code, ErrorKind.AUTH) for code in range(10, 15)),
        (429, 20, ErrorKind.RETRYABLE),
        (400, 101, ErrorKind.AUTH),
        (400, 102, ErrorKind.CREDIT),
        *((400, code, ErrorKind.PERMANENT) for code in (*range(103, 111), *range(113, 119))),
        (400, 123, ErrorKind.AUTH),
        (400, 999, ErrorKind.PERMANENT),
        (200, 999, ErrorKind.UNKNOWN),
    ],
)
def test_every_code_has_its_class(fake: FakeSmsIr, http: int, code: int, kind: ErrorKind) -> None:
    fake.plan("error", status=http, body={"status": code, "message": "خطا", "data": None})
    (result,) = gateway(fake).send_batch(texts("سلام"))
    assert result.error is not None
    assert (result.error.kind, result.error.code) == (kind, str(code))


@pytest.mark.parametrize("data", [None, {}, {"messageIds": [1]}, {"messageIds": "x"}, [1, 2]])
def test_success_without_an_id_for_each_text_is_unknown(fake: FakeSmsIr, data: object) -> None:
    fake.plan("error", status=200, body={"status": 1, "message": "موفق", "data": data})
    results = gateway(fake).send_batch(texts("الف", "ب"))
    assert {result.error.kind for result in results if result.error} == {ErrorKind.UNKNOWN}
    assert len(results) == 2


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("1", DeliveryState.DELIVERED),
        ("2", DeliveryState.UNDELIVERED),
        ("3", DeliveryState.ACCEPTED),
        ("4", DeliveryState.FAILED),
        ("6", DeliveryState.FAILED),
        ("7", DeliveryState.BLOCKED),
        ("88", DeliveryState.UNKNOWN),
    ],
)
def test_statuses_by_id_and_by_pack(fake: FakeSmsIr, status: str, state: DeliveryState) -> None:
    (sent,) = gateway(fake).send_batch(texts("سلام"))
    fake.accepted[0].status = status
    assert gateway(fake).status_by_provider_id([sent.provider_id])[sent.provider_id].state is state
    pack = gateway(fake).status_of_pack(fake.accepted[0].extra["pack"])
    assert pack[sent.provider_id].state is state


def test_many_fates_cost_few_calls(fake: FakeSmsIr) -> None:
    sent = [result.provider_id for result in gateway(fake).send_batch(texts(*["سلام"] * 90))]
    fake.accepted[88].status = "1"
    before = len(fake.calls)
    fates = gateway(fake).status_by_provider_id([*sent, "404"])
    assert set(fates) == set(sent)
    assert fates[sent[88]].state is DeliveryState.DELIVERED
    assert len(fake.calls) - before == 2  # one page, and the one that is not on it


def test_a_report_too_long_to_read_proves_nothing(fake: FakeSmsIr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "PAGE", 2)
    monkeypatch.setattr(adapter, "PAGES", 2)
    old = datetime.now(UTC) - timedelta(minutes=10)
    for number in range(3):
        fake.accept(number + 1, "09129999999", "دیگری", extra={"pack": ""})
    lost = [Doubtful(7, "+989120000007", "سلام", old)]
    assert gateway(fake).find(lost) == {}
    fake.accept(9, "09129999999", "دیگری", extra={"pack": ""})
    assert gateway(fake).find(lost)[7].provider_id == ""


def test_yesterdays_text_is_looked_for_in_the_archive(fake: FakeSmsIr) -> None:
    gateway(fake).find([Doubtful(7, "+989120000007", "سلام", datetime.now(UTC) - timedelta(hours=30))])
    query = fake.call_to("send/archive").query
    assert int(query["toDate"]) - int(query["fromDate"]) >= 30 * 3600


def test_texts_of_guests_are_fetched_until_there_are_no_more(fake: FakeSmsIr) -> None:
    fake.inbox = [
        {
            "receiveReturnId": key,
            "messageText": "لغو۱۱",
            "number": LINE,
            "mobile": 989120000001,
            "receivedDateTime": 1_763_700_000,
        }
        for key in range(150)
    ]
    received = gateway(fake).receive()
    assert len({text.provider_id for text in received}) == 150
    assert (received[0].sender, received[0].receiver, received[0].body) == ("09120000001", str(LINE), "لغو۱۱")
    assert gateway(fake).receive() == []


def test_questions_raise_what_is_wrong(fake: FakeSmsIr) -> None:
    fake.plan("error", status=429, body={"status": 20, "message": "", "data": None})
    with pytest.raises(GatewayError) as caught:
        gateway(fake).status_by_provider_id(["1"])
    assert caught.value.kind is ErrorKind.RETRYABLE
