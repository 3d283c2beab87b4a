"""Queue, claim, send, record: the whole path on committed data and a real HTTP gateway."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from servaan_crm.core import actors
from servaan_crm.l10n.locale import IN, use_locale
from servaan_crm.messaging import selectors, services
from servaan_crm.messaging.models import GatewayState, Message, ProviderAccount
from servaan_crm.messaging.tests.helpers import draft, due_now, queue, run_in_threads, states
from servaan_crm.messaging.tests.loopback import Loopback, start_loopback


def queue_one(**fields: Any) -> Message:
    base = draft(1)
    values = {name: getattr(base, name) for name in base.__dataclass_fields__}
    return services.queue_message(**(values | fields))


def test_thank_you_goes_out_once_with_its_number(outbox: Loopback) -> None:
    message = queue_one(body="سپاس از شما\nامتیاز: ۱۲")
    report = services.dispatch_until_idle()
    message.refresh_from_db()
    assert report.claimed == 1
    assert (message.state, message.provider, message.attempts, message.parts) == (
        "delivered",
        "kavenegar",
        1,
        1,
    )
    assert message.sent_at
    assert message.delivered_at
    assert message.cost == 1500
    (text,) = outbox.received()["09120000001"]
    assert (text["localid"], text["message"]) == (message.local_id, "سپاس از شما\nامتیاز: ۱۲")
    assert services.dispatch_until_idle().claimed == 0


def test_rials_are_no_rupees(outbox: Loopback) -> None:
    """A provider that charges in other money than the café's: its figure says nothing here."""
    message = queue_one()
    with use_locale(IN):
        services.dispatch_until_idle()
    message.refresh_from_db()
    assert (message.state, message.cost) == ("delivered", None)


def test_same_occurrence_is_queued_once(outbox: Loopback) -> None:
    first = queue_one(dedupe_key="first_visit:1")
    again = queue_one(dedupe_key="first_visit:1", body="متن دیگر")
    assert again.pk == first.pk
    assert again.body == first.body
    assert Message.objects.count() == 1


def test_same_occurrence_from_ten_threads_is_queued_once(outbox: Loopback) -> None:
    ids = run_in_threads(lambda: queue_one(dedupe_key="visit:7").pk, 10)
    assert len(set(ids)) == 1
    assert Message.objects.count() == 1


def test_bulk_queue_skips_known_occurrences(outbox: Loopback) -> None:
    queue_one(dedupe_key="k:1")
    new = services.queue_messages([draft(n, dedupe_key=f"k:{n}") for n in range(3)])
    assert len(new) == 2
    assert Message.objects.count() == 3


def test_rolled_back_business_sends_nothing(outbox: Loopback) -> None:
    with transaction.atomic():
        queue_one()
        transaction.set_rollback(True)
    services.dispatch_until_idle()
    assert outbox.counters["accepted"] == 0


@pytest.mark.parametrize("body", ["", "   ", "س" * 2000])
def test_empty_or_endless_text_is_refused(outbox: Loopback, body: str) -> None:
    with pytest.raises(ValidationError):
        queue_one(body=body)
    assert not Message.objects.exists()


def test_a_number_that_is_not_e164_is_refused_twice(outbox: Loopback) -> None:
    with pytest.raises(ValidationError):
        queue_one(recipient="09121234567")
    queue_one()
    with pytest.raises(DatabaseError):
        Message.objects.update(recipient="09121234567")


def test_provider_is_never_called_inside_a_transaction(outbox: Loopback) -> None:
    queue_one()
    with transaction.atomic(), pytest.raises(RuntimeError, match="transaction"):
        services.dispatch_batch()


def test_two_dispatchers_send_each_message_once(outbox: Loopback) -> None:
    queue(900)
    run_in_threads(services.dispatch_until_idle, 2)
    assert states() == {"delivered": 900}
    assert (outbox.counters["accepted"], outbox.counters["repeated"]) == (900, 0)
    assert set(Message.objects.values_list("attempts", flat=True)) == {1}


def test_service_messages_overtake_advertising(outbox: Loopback) -> None:
    queue(3, purpose="marketing")
    thanks = queue_one(recipient="+989350000000")
    services.dispatch_batch(limit=1)
    thanks.refresh_from_db()
    assert thanks.state == "delivered"


def test_not_before_and_validity(outbox: Loopback) -> None:
    now = timezone.now()
    later = queue_one(not_before=now + timedelta(hours=1))
    stale = queue_one(not_before=now - timedelta(hours=3), expires_at=now - timedelta(hours=1))
    services.dispatch_until_idle()
    later.refresh_from_db()
    stale.refresh_from_db()
    assert (later.state, stale.state) == ("queued", "expired")
    assert outbox.counters["accepted"] == 0


def test_opt_out_between_queueing_and_sending_is_honoured(outbox: Loopback) -> None:
    opted_out, customer = uuid4(), uuid4()
    refused = queue_one(customer_id=opted_out, purpose="marketing")
    allowed = queue_one(customer_id=customer, purpose="marketing", recipient="+989121111111")

    @services.register_recipient_check
    def check(candidates: Any) -> dict[Any, str]:
        return {row.id: "opted out" for row in candidates if row.customer_id == opted_out}

    services.dispatch_until_idle()
    refused.refresh_from_db()
    allowed.refresh_from_db()
    assert (refused.state, refused.error_text, refused.provider_message_id) == ("blocked", "opted out", "")
    assert allowed.state == "delivered"
    assert list(outbox.received()) == ["09121111111"]


def test_a_failing_check_holds_everything_back(outbox: Loopback) -> None:
    message = queue_one()

    @services.register_recipient_check
    def check(candidates: Any) -> dict[Any, str]:
        raise LookupError("no table")

    services.dispatch_until_idle()
    message.refresh_from_db()
    assert message.state == "queued"
    assert message.not_before > timezone.now()
    assert outbox.counters["calls"] == 0


@pytest.mark.parametrize(("code", "kind"), [(418, "credit"), (403, "auth")])
def test_account_trouble_stops_sending_and_loses_nothing(outbox: Loopback, code: int, kind: str) -> None:
    queue(450)
    outbox.control("fail", code=code, times=99)
    services.dispatch_until_idle()
    assert states() == {"queued": 450}
    assert outbox.remaining_accidents() == 98
    (problem,) = selectors.list_gateway_problems()
    assert (problem.account, problem.problem_class, problem.problem_code) == ("default", kind, str(code))
    assert selectors.get_outbox_health()["waiting"] == 450
    outbox.server.store.accidents.clear()
    assert services.dispatch_batch().halted
    assert services.clear_problem("default")
    services.dispatch_until_idle()
    assert states() == {"delivered": 450}
    assert not selectors.list_gateway_problems()


@pytest.mark.parametrize("code", [429, 451, 409])
def test_throttling_pauses_the_account(outbox: Loopback, code: int) -> None:
    queue(250)
    outbox.control("fail", code=code)
    services.dispatch_until_idle()
    assert states() == {"queued": 250}
    assert GatewayState.objects.get().blocked_until > timezone.now() + timedelta(seconds=30)
    GatewayState.objects.update(blocked_until=timezone.now())
    services.dispatch_until_idle()
    assert states() == {"delivered": 250}


def test_failed_operation_is_tried_once_more_only(outbox: Loopback) -> None:
    message = queue_one()
    outbox.control("fail", code=402, times=9)
    for _ in range(3):
        services.dispatch_until_idle()
        due_now()
    message.refresh_from_db()
    assert (message.state, message.attempts, message.error_code) == ("failed", 2, "402")


def test_refused_text_fails_alone(outbox: Loopback) -> None:
    queue(20)
    bad = queue_one(recipient="+989355555555", body="refused-link")
    services.dispatch_until_idle()
    bad.refresh_from_db()
    assert (bad.state, bad.error_class, bad.error_code) == ("failed", "permanent", "420")
    assert states() == {"delivered": 20, "failed": 1}


def test_gateway_that_is_down_costs_nothing(outbox: Loopback, settings: Any) -> None:
    queue(3)
    right = settings.KAVENEGAR_BASE_URL
    settings.KAVENEGAR_BASE_URL = "http://127.0.0.1:9"
    services.dispatch_until_idle()
    assert states() == {"queued": 3}
    settings.KAVENEGAR_BASE_URL = right
    services.clear_problem("default")
    services.dispatch_until_idle()
    assert states() == {"delivered": 3}


def test_second_account_takes_over(outbox: Loopback) -> None:
    with start_loopback(pace=0.0) as reserve:
        first = ProviderAccount.objects.create(
            name="first", adapter="kavenegar", base_url=outbox.url, api_key="k1", priority=1
        )
        second = ProviderAccount.objects.create(
            name="second", adapter="kavenegar", base_url=reserve.url, api_key="k2", priority=2
        )
        queue(30)
        outbox.control("fail", code=418, times=99)
        services.dispatch_until_idle()
        assert states() == {"delivered": 30}
        assert (outbox.counters["accepted"], reserve.counters["accepted"]) == (0, 30)
        assert set(Message.objects.values_list("provider_account", flat=True)) == {str(second.pk)}
        assert GatewayState.objects.get().account == str(first.pk)


def test_unknown_outcome_never_moves_to_another_account(outbox: Loopback) -> None:
    with start_loopback(pace=0.0) as reserve:
        first = ProviderAccount.objects.create(
            name="first", adapter="kavenegar", base_url=outbox.url, api_key="k1", sender="1000", priority=1
        )
        ProviderAccount.objects.create(
            name="second", adapter="kavenegar", base_url=reserve.url, api_key="k2", priority=2
        )
        queue(5)
        outbox.control("cut-before")
        services.dispatch_batch()
        due_now()
        assert services.reconcile_unknown() == {"found": 0, "requeued": 5, "given_up": 0}
        GatewayState.objects.update_or_create(
            account=str(first.pk),
            defaults={
                "blocked_until": timezone.now() + timedelta(hours=1),
                "problem_since": timezone.now(),
            },
        )
        services.dispatch_until_idle()
        assert states() == {"queued": 5}
        services.clear_problem(str(first.pk))
        services.dispatch_until_idle()
        assert (outbox.counters["accepted"], reserve.counters["accepted"]) == (5, 0)


def test_waiting_message_can_be_taken_back(outbox: Loopback) -> None:
    message = queue_one()
    owner = actors.system("test")
    assert services.cancel_messages([message.pk], reason="visit voided", actor=owner) == 1
    services.dispatch_until_idle()
    assert states() == {"cancelled": 1}
    assert services.cancel_messages([message.pk], reason="again", actor=owner) == 0


def test_no_account_means_waiting(outbox: Loopback, settings: Any) -> None:
    settings.KAVENEGAR_API_KEY = ""
    queue_one()
    assert services.dispatch_batch().halted
    assert states() == {"queued": 1}


def test_logs_hold_no_secret(outbox: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    queue(2)
    outbox.control("cut-after")
    services.dispatch_until_idle()
    due_now()
    services.reconcile_unknown()
    services.poll_deliveries()
    assert "test-key" not in caplog.text.replace(connection.schema_name, "")
    records = [record for record in caplog.records if not record.name.startswith("django.db")]
    written = "\n".join(record.getMessage() for record in records)
    for secret in ("+98912", "0912000", "سپاس"):
        assert secret not in written
