"""The Kavenegar adapter against a real HTTP server that answers in the documented format."""

from __future__ import annotations

import json
import logging
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from servaan_crm.messaging.gateways.base import (
    DeliveryState,
    ErrorKind,
    GatewayConfig,
    GatewayError,
    OutgoingMessage,
)
from servaan_crm.messaging.gateways.kavenegar import KavenegarGateway
from servaan_crm.messaging.tests.loopback import Loopback, start_loopback

KEY = "6D4B7A5F-very-secret-key"


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with start_loopback(pace=0.0) as running:
        yield running


@pytest.fixture
def gateway(loopback: Loopback) -> Iterator[KavenegarGateway]:
    adapter = KavenegarGateway(GatewayConfig(base_url=loopback.url, api_key=KEY, sender="10004346"))
    yield adapter
    adapter.close()


def texts(
    count: int, *, start: int = 1, body: str | None = None, sender: str = "10004346"
) -> list[OutgoingMessage]:
    return [
        OutgoingMessage(
            local_id=start + index,
            recipient=f"+98912000{index:04}",
            body=body if body is not None else f"سلام {index}",
            sender=sender,
        )
        for index in range(count)
    ]


@pytest.mark.parametrize("body", [None, "یک متن برای همه"], ids=["sendarray", "send"])
def test_batch_is_accepted_with_ids_and_cost(
    gateway: KavenegarGateway, loopback: Loopback, body: str | None
) -> None:
    results = gateway.send_batch(texts(200, body=body))
    assert [result.local_id for result in results] == list(range(1, 201))
    assert all(result.provider_id and result.cost == 1500 and result.error is None for result in results)
    assert loopback.counters["accepted"] == 200
    received = loopback.received()
    assert received["09120000199"][0]["localid"] == 200
    assert received["09120000199"][0]["message"] == (body or "سلام 199")


def test_texts_without_a_line_are_grouped_by_body(gateway: KavenegarGateway, loopback: Loopback) -> None:
    mixed = texts(3, body="الف", sender="") + texts(2, start=50, body="ب", sender="")
    results = gateway.send_batch(mixed)
    assert sorted(result.local_id for result in results) == [1, 2, 3, 50, 51]
    assert loopback.counters["calls"] == 2


def test_existing_localid_is_not_sent_again(gateway: KavenegarGateway, loopback: Loopback) -> None:
    first = gateway.send_batch(texts(3))
    again = gateway.send_batch(texts(3))
    assert [result.provider_id for result in again] == [result.provider_id for result in first]
    assert loopback.counters["accepted"] == 3


def test_foreign_numbers_keep_their_country(gateway: KavenegarGateway, loopback: Loopback) -> None:
    gateway.send_batch([OutgoingMessage(9, "+919876543210", "Hello", "")])
    assert list(loopback.received()) == ["00919876543210"]


@pytest.mark.parametrize("as_http", [True, False], ids=["http", "body"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, ErrorKind.PERMANENT),
        (401, ErrorKind.AUTH),
        (402, ErrorKind.RETRYABLE),
        (403, ErrorKind.AUTH),
        (404, ErrorKind.AUTH),
        (405, ErrorKind.AUTH),
        (406, ErrorKind.PERMANENT),
        (407, ErrorKind.AUTH),
        (409, ErrorKind.RETRYABLE),
        (411, ErrorKind.PERMANENT),
        (412, ErrorKind.AUTH),
        (413, ErrorKind.PERMANENT),
        (414, ErrorKind.PERMANENT),
        (415, ErrorKind.PERMANENT),
        (416, ErrorKind.AUTH),
        (417, ErrorKind.PERMANENT),
        (418, ErrorKind.CREDIT),
        (419, ErrorKind.PERMANENT),
        (420, ErrorKind.PERMANENT),
        (422, ErrorKind.PERMANENT),
        (424, ErrorKind.PERMANENT),
        (426, ErrorKind.PERMANENT),
        (427, ErrorKind.PERMANENT),
        (428, ErrorKind.PERMANENT),
        (429, ErrorKind.RETRYABLE),
        (431, ErrorKind.PERMANENT),
        (432, ErrorKind.PERMANENT),
        (451, ErrorKind.RETRYABLE),
        (501, ErrorKind.AUTH),
        (500, ErrorKind.UNKNOWN),
        (607, ErrorKind.PERMANENT),
    ],
)
def test_every_code_has_its_class(
    gateway: KavenegarGateway, loopback: Loopback, code: int, kind: ErrorKind, as_http: bool
) -> None:
    loopback.control("fail", code=code, as_http=as_http)
    (result,) = gateway.send_batch(texts(1))
    assert result.error is not None
    assert (result.error.kind, result.error.code) == (kind, str(code))
    assert loopback.counters["accepted"] == 0


@pytest.mark.parametrize("code", [429, 451, 409])
def test_throttling_asks_for_a_pause(gateway: KavenegarGateway, loopback: Loopback, code: int) -> None:
    loopback.control("fail", code=code)
    result = gateway.send_batch(texts(5))[4]
    assert getattr(result.error, "pause", 0) >= 60


def test_one_bad_number_does_not_stop_the_others(gateway: KavenegarGateway, loopback: Loopback) -> None:
    batch = texts(200)
    batch[77] = OutgoingMessage(78, "+98912x", "سلام", "10004346")
    results = {result.local_id: result for result in gateway.send_batch(batch)}
    assert results[78].error is not None
    assert results[78].error.kind is ErrorKind.PERMANENT
    assert sum(1 for result in results.values() if result.error is None) == 199
    assert loopback.counters["accepted"] == 199


def test_a_fault_of_the_account_is_not_blamed_on_two_hundred_texts(
    gateway: KavenegarGateway, loopback: Loopback
) -> None:
    loopback.control("fail", code=420, times=1000)
    results = gateway.send_batch(texts(200))
    kinds = [result.error.kind for result in results if result.error]
    assert len(results) == 200
    assert kinds.count(ErrorKind.PERMANENT) == 4
    assert kinds.count(ErrorKind.RETRYABLE) == 196
    assert loopback.remaining_accidents() > 970


def test_credit_running_out_in_mid_batch_keeps_the_rest(
    gateway: KavenegarGateway, loopback: Loopback
) -> None:
    loopback.control("fail", code=414)  # the halves are tried separately
    loopback.control("entries", entries="null")
    loopback.control("fail", code=418)
    results = gateway.send_batch(texts(4))
    assert [result.error.kind for result in results if result.error] == [
        ErrorKind.UNKNOWN,
        ErrorKind.UNKNOWN,
        ErrorKind.CREDIT,
        ErrorKind.CREDIT,
    ]


def test_cut_after_accepting_is_unknown_and_found_by_localid(
    gateway: KavenegarGateway, loopback: Loopback
) -> None:
    loopback.control("cut-after")
    results = gateway.send_batch(texts(3))
    assert {result.error.kind for result in results if result.error} == {ErrorKind.UNKNOWN}
    found = gateway.status_by_local_id([1, 2, 3, 4])
    assert set(found) == {1, 2, 3}
    assert found[1].provider_id
    assert found[1].state is DeliveryState.DELIVERED


def test_nobody_listening_means_surely_not_sent() -> None:
    adapter = KavenegarGateway(GatewayConfig(base_url="http://127.0.0.1:9", api_key=KEY))
    (result,) = adapter.send_batch(texts(1))
    assert result.error is not None
    assert result.error.kind is ErrorKind.RETRYABLE


def test_slow_answer_is_unknown(loopback: Loopback) -> None:
    adapter = KavenegarGateway(GatewayConfig(base_url=loopback.url, api_key=KEY), timeout=0.2)
    loopback.control("delay", seconds=1.0)
    (result,) = adapter.send_batch(texts(1))
    assert result.error is not None
    assert result.error.kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize("entries", ["null", "[]", "{}", '[{"messageid": 0}]', '"text"'])
def test_answers_without_a_usable_entry_are_unknown(
    gateway: KavenegarGateway, loopback: Loopback, entries: str
) -> None:
    loopback.control("entries", entries=entries)
    (result,) = gateway.send_batch(texts(1))
    assert result.error is not None
    assert result.error.kind is ErrorKind.UNKNOWN


def test_entries_may_be_one_object(gateway: KavenegarGateway, loopback: Loopback) -> None:
    entry = {"messageid": 5, "status": 1, "receptor": "09120000000", "cost": 120}
    loopback.control("entries", entries=json.dumps(entry))
    (result,) = gateway.send_batch(texts(1))
    assert (result.provider_id, result.cost) == ("5", 120)


def test_entries_in_another_order_are_matched_by_number(
    gateway: KavenegarGateway, loopback: Loopback
) -> None:
    shuffled = [
        {"messageid": 70 + index, "status": 1, "receptor": f"98912000{index:04}"} for index in (2, 0, 1)
    ]
    loopback.control("entries", entries=json.dumps(shuffled))
    results = gateway.send_batch(texts(3))
    assert [result.provider_id for result in results] == ["70", "71", "72"]


def test_unreadable_answer_is_unknown(gateway: KavenegarGateway, loopback: Loopback) -> None:
    loopback.control("garbage")
    (result,) = gateway.send_batch(texts(1))
    assert result.error is not None
    assert result.error.kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (6, DeliveryState.FAILED),
        (10, DeliveryState.DELIVERED),
        (11, DeliveryState.UNDELIVERED),
        (14, DeliveryState.BLOCKED),
    ],
)
def test_statuses(gateway: KavenegarGateway, loopback: Loopback, status: int, state: DeliveryState) -> None:
    loopback.control("outcome", receptor="09120000000", status=status)
    (sent,) = gateway.send_batch(texts(1))
    found = gateway.status_by_provider_id([sent.provider_id, "999"])
    assert found[sent.provider_id].state is state
    assert found["999"].state is DeliveryState.UNKNOWN


def test_progress_from_queue_to_phone() -> None:
    with start_loopback(pace=1000.0) as slow:
        adapter = KavenegarGateway(GatewayConfig(base_url=slow.url, api_key=KEY))
        (sent,) = adapter.send_batch(texts(1))
        seen = [sent.status]
        for _ in range(2):
            slow.control("hurry", seconds=1000)
            seen.append(adapter.status_by_provider_id([sent.provider_id])[sent.provider_id].status)
    assert seen == ["1", "5", "10"]


def test_account_lookup_inbox_and_blocked_list(gateway: KavenegarGateway, loopback: Loopback) -> None:
    loopback.control("credit", rial=123_456)
    account = gateway.account_info()
    assert account.credit == 123_456
    assert account.expires_at is not None
    sent = gateway.lookup("+989120000001", "verify", {"token": "1234"})
    assert sent.provider_id
    assert gateway.receive_line("10004346") == []
    loopback.control("inbound", **{"from": "09120000001", "to": "10004346", "message": "لغو۱۱"})
    (inbound,) = gateway.receive_line("10004346")
    assert (inbound.sender, inbound.body) == ("09120000001", "لغو۱۱")
    assert gateway.receive_line("10004346") == []
    loopback.control("block", receptor="09120000001")
    assert gateway.blocked_on_line("10004346", reason=2) == ["09120000001"]
    assert gateway.cancel([sent.provider_id])[sent.provider_id].state is DeliveryState.DELIVERED


def test_wrong_key_is_an_account_error(loopback: Loopback) -> None:
    loopback.server.api_key = "right"
    adapter = KavenegarGateway(GatewayConfig(base_url=loopback.url, api_key=KEY))
    with pytest.raises(GatewayError) as caught:
        adapter.account_info()
    assert caught.value.kind is ErrorKind.AUTH


def test_key_number_and_text_stay_out_of_logs_and_errors(
    gateway: KavenegarGateway, loopback: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    gateway.send_batch(texts(2))
    loopback.control("cut-before")
    (result,) = gateway.send_batch(texts(1, start=9))
    written = caplog.text + repr(result) + repr(result.error) + repr(GatewayConfig("x", KEY))
    for secret in (KEY, "0912000", "سلام"):
        assert secret not in written


def test_restart_keeps_what_was_sent(tmp_path: Path) -> None:
    state = tmp_path / "gateway.jsonl"
    with start_loopback(state=state) as first:
        KavenegarGateway(GatewayConfig(first.url, KEY)).send_batch(texts(3))
    with state.open("a") as file:
        file.write('{"messageid": 12, "half')
    with start_loopback(state=state) as second:
        adapter = KavenegarGateway(GatewayConfig(second.url, KEY))
        adapter.send_batch(texts(4))
        assert len(second.received()) == 4
        assert second.counters["repeated"] == 3


def test_memory_is_bounded(gateway: KavenegarGateway, loopback: Loopback) -> None:
    loopback.server.store.keep = 150
    gateway.send_batch(texts(200))
    assert loopback.counters["kept"] == 150
    assert len(loopback.server.store.by_local) == 150


def test_journal_is_bounded(tmp_path: Path) -> None:
    state = tmp_path / "gateway.jsonl"
    with start_loopback(state=state, keep=100) as running:
        adapter = KavenegarGateway(GatewayConfig(running.url, KEY, "1000"))
        for start in range(0, 3000, 200):
            adapter.send_batch(texts(200, start=start + 1))
        assert len(state.read_text(encoding="utf-8").splitlines()) <= 1_400
    with start_loopback(state=state, keep=100) as again:
        assert again.counters["kept"] == 100


def test_taken_port_is_one_clear_sentence(loopback: Loopback) -> None:
    port = loopback.server.server_address[1]
    with pytest.raises(CommandError, match=f"Port {port} cannot be used"):
        call_command("run_loopback_gateway", port=port)


def test_control_answers_over_http(loopback: Loopback) -> None:
    def post(path: str, data: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            loopback.url + path, json.dumps(data).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    assert post("/_control/credit", {"rial": 5}) == {"ok": True}
    with urllib.request.urlopen(loopback.url + "/_phones") as answer:
        assert json.loads(answer.read())["counters"]["credit"] == 5
