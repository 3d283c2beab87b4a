"""What every adapter must do, whatever its provider: asked of a fake provider over real connections."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from servaan_crm.messaging.gateways import http
from servaan_crm.messaging.gateways.base import (
    DeliveryState,
    Doubtful,
    ErrorKind,
    Gateway,
    GatewayError,
    OutgoingMessage,
    SendResult,
)
from servaan_crm.messaging.gateways.fake import FakeServer, running, unused_url
from servaan_crm.messaging.gateways.listing import SETTLE
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.gateways.tests.cases import CASES, KEY, Case

KINDS = {"credit": ErrorKind.CREDIT, "auth": ErrorKind.AUTH, "permanent": ErrorKind.PERMANENT}
FINDING = [case for case in CASES if case.finds]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def fake(case: Case) -> Iterator[FakeServer]:
    with running(case.fake(api_key=KEY)) as server:
        yield server


@pytest.fixture
def gateway(case: Case, fake: FakeServer) -> Iterator[Gateway]:
    adapter = case.gateway(fake.url)
    yield adapter
    adapter.close()


def kinds(results: Sequence[SendResult]) -> Counter[ErrorKind | None]:
    return Counter(result.error.kind if result.error else None for result in results)


def plan_refusal(case: Case, fake: FakeServer, why: str, text: str = "no", *, times: int = 1) -> None:
    if why not in case.refusals:
        pytest.skip(f"{case.name} has no such answer")
    status, code = case.refusals[why]
    fake.plan("error", path=case.path, status=status, body=case.envelope(code, text), times=times)


def doubtful(messages: Sequence[OutgoingMessage], *, age: timedelta = timedelta()) -> list[Doubtful]:
    at = datetime.now(UTC) - age
    return [Doubtful(message.local_id, message.recipient, message.body, at) for message in messages]


def test_it_is_registered_with_what_the_settings_page_needs(case: Case) -> None:
    adapter = ADAPTERS[case.adapter.name]
    assert adapter is case.adapter
    assert str(adapter.label)
    assert case.channel in adapter.channels
    keys = [setting.key for setting in adapter.settings]
    assert len(keys) == len(set(keys))
    assert set(case.options) <= set(keys)
    assert all(str(setting.label) for setting in adapter.settings)


@pytest.mark.parametrize("body", ["", "یک متن برای همه"], ids=["own-texts", "one-text"])
def test_a_batch_is_accepted_and_its_delivery_told(
    case: Case, gateway: Gateway, fake: FakeServer, body: str
) -> None:
    messages = case.messages(5, body=body)
    results = gateway.send_batch(messages)
    assert [result.local_id for result in results] == [1, 2, 3, 4, 5]
    assert kinds(results) == {None: 5}
    ids = [result.provider_id for result in results]
    assert len(set(ids)) == 5
    assert all(result.state is DeliveryState.ACCEPTED for result in results)
    assert len(fake.accepted) == 5
    sent = {sms.provider_id: sms for sms in fake.accepted}
    assert [sent[key].body for key in ids] == [message.body for message in messages]
    assert [sent[key].recipient[-9:] for key in ids] == [message.recipient[-9:] for message in messages]
    if case.delivered:
        sent[ids[2]].status = case.delivered
        fates = gateway.status_by_provider_id([*ids, "999999"])
        assert fates[ids[2]].state is DeliveryState.DELIVERED
        assert fates[ids[0]].state is DeliveryState.ACCEPTED
        assert "999999" not in fates or fates["999999"].state is DeliveryState.UNKNOWN


def test_one_bad_address_does_not_stop_the_others(case: Case, gateway: Gateway, fake: FakeServer) -> None:
    if case.bad is None:
        pytest.skip(f"{case.name} refuses no address")
    messages = case.messages(8, body="سلام")
    messages[5] = replace(messages[5], recipient=case.bad)
    results = {result.local_id: result for result in gateway.send_batch(messages)}
    assert results[6].error is not None
    assert results[6].error.kind is ErrorKind.PERMANENT
    assert kinds(list(results.values())) == {None: 7, ErrorKind.PERMANENT: 1}
    # Each of the others exactly once, however the bad one was traced.
    assert Counter(sms.recipient for sms in fake.accepted).most_common(1)[0][1] == 1
    assert len(fake.accepted) == 7


@pytest.mark.parametrize("why", ["credit", "auth"])
def test_trouble_with_the_account_sends_nothing_and_blames_no_message(
    case: Case, gateway: Gateway, fake: FakeServer, why: str
) -> None:
    plan_refusal(case, fake, why, times=100)
    results = gateway.send_batch(case.messages(6))
    assert kinds(results) == {KINDS[why]: 6}
    assert fake.accepted == []


def test_too_many_calls_ask_for_a_pause(case: Case, gateway: Gateway, fake: FakeServer) -> None:
    plan_refusal(case, fake, "throttled", times=100)
    results = gateway.send_batch(case.messages(6))
    assert kinds(results) == {ErrorKind.RETRYABLE: 6}
    assert all(getattr(result.error, "pause", None) >= 30 for result in results)
    assert fake.accepted == []


def test_a_wrong_key_is_told_when_the_connection_is_tested(case: Case, fake: FakeServer) -> None:
    adapter = case.gateway(fake.url, key="wrong")
    with pytest.raises(GatewayError) as caught:
        adapter.account_info()
    assert caught.value.kind is ErrorKind.AUTH
    assert case.gateway(fake.url).account_info().is_proven
    assert kinds(adapter.send_batch(case.messages(2))) == {ErrorKind.AUTH: 2}


def test_nobody_listening_means_surely_not_sent(case: Case) -> None:
    results = case.gateway(unused_url()).send_batch(case.messages(3))
    assert kinds(results) == {ErrorKind.RETRYABLE: 3}


def test_a_key_that_cannot_be_sent_is_a_fault_of_the_account(case: Case, fake: FakeServer) -> None:
    results = case.gateway(fake.url, key="کلید\n").send_batch(case.messages(2))
    assert kinds(results) == {ErrorKind.AUTH: 2}
    assert fake.accepted == []


@pytest.mark.parametrize("accident", ["cut-before", "cut-after", "garbage"])
def test_no_readable_answer_is_an_unknown_outcome(
    case: Case, gateway: Gateway, fake: FakeServer, accident: str
) -> None:
    fake.plan(accident, path=case.path, times=100)
    results = gateway.send_batch(case.messages(4, body="سلام"))
    told = kinds(results)
    assert told[None] == 0
    assert told[ErrorKind.UNKNOWN] >= 1
    # Whatever the provider may have taken is unknown; only what was never tried may be tried again.
    tried = {sms.recipient[-9:] for sms in fake.accepted}
    for result, message in zip(results, case.messages(4), strict=True):
        assert result.error is not None
        if message.recipient[-9:] in tried:
            assert result.error.kind is ErrorKind.UNKNOWN


def test_a_server_fault_and_a_slow_answer_are_unknown_outcomes(
    case: Case, fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.3)
    adapter = case.gateway(fake.url)
    fake.plan("error", path=case.path, status=502, body="<html>bad gateway</html>")
    assert kinds(adapter.send_batch(case.messages(1))) == {ErrorKind.UNKNOWN: 1}
    fake.plan("slow", path=case.path, seconds=1.0)
    assert kinds(adapter.send_batch(case.messages(1))) == {ErrorKind.UNKNOWN: 1}


@pytest.mark.parametrize("case", FINDING, ids=lambda case: case.name, indirect=True)
def test_what_was_taken_before_the_line_broke_is_found(
    case: Case, gateway: Gateway, fake: FakeServer
) -> None:
    fake.plan("cut-after", path=case.path)
    messages = case.messages(4, body="سلام")
    results = gateway.send_batch(messages)
    unknown = [
        message
        for message, result in zip(messages, results, strict=True)
        if result.error and result.error.kind is ErrorKind.UNKNOWN
    ]
    assert unknown
    found = gateway.find(doubtful(unknown))
    assert set(found) == {message.local_id for message in unknown}
    numbers = {result.provider_id for result in found.values()}
    assert len(numbers) == len(unknown)
    assert all(numbers)
    assert all(result.state is DeliveryState.ACCEPTED for result in found.values())


@pytest.mark.parametrize("case", FINDING, ids=lambda case: case.name, indirect=True)
def test_what_was_not_taken_is_proven_only_after_a_while(
    case: Case, gateway: Gateway, fake: FakeServer
) -> None:
    fake.plan("cut-before", path=case.path)
    messages = case.messages(1)
    gateway.send_batch(messages)
    if case.adapter.local_id_is_idempotent:
        assert gateway.find(doubtful(messages)) == {}
        return
    young = gateway.find(doubtful(messages))
    assert young[1].state is DeliveryState.UNKNOWN
    assert young[1].provider_id == ""
    assert gateway.find(doubtful(messages, age=SETTLE * 2)) == {}


def test_key_number_and_text_stay_out_of_logs_and_errors(
    case: Case, gateway: Gateway, fake: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    (message,) = case.messages(1)
    results = gateway.send_batch([message])
    gateway.find(doubtful([message]))
    echo = f"refused {message.recipient} and 0{message.recipient[3:]} at https://x.test/?key={KEY}"
    for why in case.refusals:
        plan_refusal(case, fake, why, echo)
        results += gateway.send_batch([message])
    fake.plan("cut-after", path=case.path)
    results += gateway.send_batch([message])
    written = caplog.text + repr(results) + "".join(repr(result.error) for result in results)
    written += repr(case.gateway(fake.url)._config)
    for secret in (KEY, message.recipient[4:], "سلام"):
        assert secret not in written
