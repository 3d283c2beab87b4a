"""Credit, blocked lists, polled texts, early reports, events of outcomes, verification codes."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from servaan_crm.core import actors, events
from servaan_crm.core.models import Event
from servaan_crm.messaging import services
from servaan_crm.messaging.gateways.base import DeliveryReport, DeliveryState
from servaan_crm.messaging.models import (
    BlockedNumber,
    EarlyReport,
    GatewayState,
    InboundMessage,
    Message,
    ProviderAccount,
    PushSubscription,
    VerificationCode,
)
from servaan_crm.messaging.services.accounts import account_of
from servaan_crm.messaging.services.outcomes import Accepted, record_accepted, record_reports
from servaan_crm.messaging.tests.helpers import draft, queue, run_in_threads, states
from servaan_crm.messaging.tests.loopback import Loopback
from servaan_crm.messaging.tests.paper import PaperGateway

ACTOR = actors.system("test")
PHONE = "+989121234567"


@pytest.fixture
def paper(monkeypatch: Any) -> type[PaperGateway]:
    from servaan_crm.messaging.gateways import registry

    monkeypatch.setitem(registry.ADAPTERS, "paper", PaperGateway)
    PaperGateway.sent.clear()
    PaperGateway.gone.clear()
    return PaperGateway


def test_low_credit_is_noted_and_new_credit_wakes_the_account(outbox: Loopback) -> None:
    account = ProviderAccount.objects.create(
        name="first", adapter="kavenegar", base_url=outbox.url, api_key="k", low_credit=Decimal(50_000)
    )
    outbox.control("credit", rial=40_000)
    assert services.watch_balances() == 1
    state = GatewayState.objects.get()
    assert (state.account, state.credit) == (str(account.pk), Decimal(40_000))
    since = state.low_since
    assert since is not None
    services.watch_balances()
    assert GatewayState.objects.get().low_since == since
    outbox.control("credit", rial=0)
    queue(3)
    services.dispatch_until_idle()
    assert states() == {"queued": 3}
    assert GatewayState.objects.get().problem_class == "credit"
    outbox.control("credit", rial=900_000)
    services.watch_balances()
    assert GatewayState.objects.get().low_since is None
    services.dispatch_until_idle()
    assert states() == {"delivered": 3}


def test_blocked_list_is_taken_over_whole(outbox: Loopback) -> None:
    for number in range(250):
        outbox.control("block", receptor=f"0912{number:07}")
    assert services.sync_blocked_numbers() == 250
    assert services.sync_blocked_numbers() == 250
    outbox.server.store.blocked.pop("09120000007")
    services.sync_blocked_numbers()
    assert BlockedNumber.objects.count() == 249
    assert not BlockedNumber.objects.filter(recipient="+989120000007").exists()


def test_polled_texts_and_called_ones_are_kept_once(outbox: Loopback) -> None:
    from servaan_crm.messaging.gateways.base import InboundText

    outbox.control(
        "inbound", **{"from": "09121111111", "to": "10004346", "message": "سلام", "messageid": 500}
    )
    services.record_inbound(
        provider="kavenegar", message=InboundText("500", "09121111111", "10004346", "سلام")
    )
    outbox.control("inbound", **{"from": "09121111111", "to": "10004346", "message": "۱۱", "messageid": 501})
    assert services.receive_messages() == 1
    assert services.receive_messages() == 0
    assert InboundMessage.objects.count() == 2


def test_reports_that_come_before_our_own_note(outbox: Loopback, paper: type[PaperGateway]) -> None:
    account = account_of(ProviderAccount.objects.create(name="a", adapter="paper", channel="whatsapp"))
    early, late = services.queue_messages(
        [draft(number, channel="whatsapp", recipient=f"+91987654321{number}") for number in range(2)]
    )
    reports = [DeliveryReport("w1", DeliveryState.DELIVERED, "delivered", is_read=True)]
    record_reports(reports, account=account)
    record_reports(reports, account=account)
    assert EarlyReport.objects.count() == 2
    Message.objects.update(state="claimed", claimed_at=timezone.now(), provider_account=account.key)
    record_accepted(
        [Accepted(early, "w1", "sent"), Accepted(late, "w2", "sent")], account=account.key, provider="paper"
    )
    assert states() == {"delivered": 1, "sent": 1}
    assert Message.objects.get(pk=early).read_at is not None
    assert not EarlyReport.objects.exists()
    record_reports([DeliveryReport("foreign", DeliveryState.FAILED)], account=account)
    EarlyReport.objects.update(created_at=timezone.now() - timedelta(days=3))
    assert services.purge_early() == 1


def test_outcomes_are_told_in_one_event_per_batch(outbox: Loopback, monkeypatch: Any) -> None:
    monkeypatch.setitem(events._subscribers, "message.delivered", {"test": lambda payload: None})
    campaign = uuid4()
    guests = [uuid4() for _ in range(150)]
    services.queue_messages(
        [draft(number, customer_id=guest, group_id=campaign) for number, guest in enumerate(guests)]
    )
    services.queue_messages([draft(900)])
    services.dispatch_until_idle()
    (event,) = Event.objects.filter(name="message.delivered")
    assert event.payload["group_id"] == str(campaign)
    assert event.payload["kind"] == "first_visit_thanks"
    assert sorted(event.payload["customer_ids"]) == sorted(map(str, guests))


def test_browser_that_is_gone_is_written_to_once(outbox: Loopback, paper: type[PaperGateway]) -> None:
    ProviderAccount.objects.create(name="push", adapter="paper", channel="push")
    rows = [
        PushSubscription.objects.create(
            customer_id=uuid4(), endpoint=f"https://push/{n}", p256dh="k", auth="a"
        )
        for n in range(2)
    ]
    paper.gone.add(f'{{"endpoint": "{rows[0].endpoint}", "keys": {{"p256dh": "k", "auth": "a"}}}}')
    for _ in range(2):
        services.queue_messages([draft(channel="push", recipient=str(row.pk)) for row in rows])
        services.dispatch_until_idle()
    assert states() == {"failed": 1, "blocked": 1, "sent": 2}
    assert list(PushSubscription.objects.filter(failed_at=None)) == [rows[1]]


def code_of(message: Message) -> str:
    return re.findall(r"[0-9]{5}", message.body)[-1]  # the café's name may hold digits as well


def test_code_is_right_once_for_its_phone_and_purpose(outbox: Loopback) -> None:
    message = services.send_code(actor=ACTOR, phone=PHONE, purpose="login")
    code = code_of(message)
    row = VerificationCode.objects.get()
    assert code not in row.code_hash
    assert row.expires_at - row.created_at <= timedelta(minutes=5, seconds=1)
    assert not services.confirm_code(phone=PHONE, purpose="other", code=code)
    assert not services.confirm_code(phone="+989120000000", purpose="login", code=code)
    persian = code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    right = run_in_threads(lambda: services.confirm_code(phone=PHONE, purpose="login", code=persian), 4)
    assert sorted(right) == [False, False, False, True]


def test_five_wrong_tries_or_five_minutes_end_a_code(outbox: Loopback) -> None:
    code = code_of(services.send_code(actor=ACTOR, phone=PHONE, purpose="login"))
    wrong = f"{(int(code) + 1) % 100_000:05}"
    tries = run_in_threads(lambda: services.confirm_code(phone=PHONE, purpose="login", code=wrong), 5)
    assert not any(tries)
    assert not services.confirm_code(phone=PHONE, purpose="login", code=code)
    older = code_of(services.send_code(actor=ACTOR, phone=PHONE, purpose="login"))
    newer = code_of(services.send_code(actor=ACTOR, phone=PHONE, purpose="login"))
    assert older == newer or not services.confirm_code(phone=PHONE, purpose="login", code=older)
    VerificationCode.objects.update(expires_at=timezone.now())
    assert not services.confirm_code(phone=PHONE, purpose="login", code=newer)


def test_sent_codes_leave_the_texts(outbox: Loopback) -> None:
    message = services.send_code(actor=ACTOR, phone=PHONE, purpose="login")
    services.dispatch_until_idle()
    services.purge_codes()
    message.refresh_from_db()
    assert re.search("[0-9]{5}", message.body)
    assert VerificationCode.objects.exists()
    from servaan_crm.messaging.services.caps import first_id

    Message.objects.filter(pk=message.pk).update(id=first_id(timezone.now() - timedelta(hours=2)))
    services.purge_codes()
    kept = Message.objects.get()
    assert (kept.values, re.search("[0-9]{5}", kept.body)) == ([], None)
