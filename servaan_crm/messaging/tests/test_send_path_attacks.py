"""The way of a message against slow providers, crossing reports and callers who write nonsense."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone
from django_tenants.utils import tenant_context
from psycopg.errors import DeadlockDetected

from servaan_crm.messaging import callbacks, services
from servaan_crm.messaging.gateways.base import DeliveryReport, DeliveryState
from servaan_crm.messaging.gateways.kavenegar import KavenegarGateway
from servaan_crm.messaging.gateways.meta_whatsapp import MetaWhatsAppGateway
from servaan_crm.messaging.models import InboundMessage, Message, ProviderAccount
from servaan_crm.messaging.services import claims, conflicts
from servaan_crm.messaging.services.accounts import account_of, default_account
from servaan_crm.messaging.services.inbound import LONGEST
from servaan_crm.messaging.services.outcomes import Accepted, record_accepted, record_reports
from servaan_crm.messaging.services.reconcile import mark_stale_claims
from servaan_crm.messaging.tests.helpers import queue, run_in_threads, states
from servaan_crm.messaging.tests.loopback import Loopback
from servaan_crm.tenancy.current import get_cafe


def test_a_claim_that_others_gave_up_is_not_sent(outbox: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waited behind a slow batch for so long that its outcome counts as unknown: somebody else asks and sends."""
    monkeypatch.setattr(claims, "FRESH", 0.0)

    @services.register_recipient_check
    def meanwhile(candidates: Any) -> dict[Any, str]:
        long_ago = timezone.now() - 2 * services.reconcile.CLAIM_TIMEOUT
        Message.objects.filter(state="claimed").update(claimed_at=long_ago)
        mark_stale_claims()
        return {}

    queue(3)
    services.dispatch_until_idle()
    assert outbox.received() == {}
    assert states() == {"unknown": 3}


def test_an_old_claim_that_is_still_ours_is_dated_anew(
    outbox: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "FRESH", 0.0)
    old = timezone.now() - services.reconcile.CLAIM_TIMEOUT / 2
    seen: list[Any] = []

    @services.register_recipient_check
    def wait(candidates: Any) -> dict[Any, str]:
        Message.objects.filter(state="claimed").update(claimed_at=old)
        return {}

    real = services.dispatch.send_batch

    def send(claim: Any, rows: Any) -> Any:
        seen.append(len(rows))
        return real(claim, rows)

    monkeypatch.setattr(services.dispatch, "send_batch", send)
    queue(3)
    services.dispatch_until_idle()
    assert seen == [3]
    assert set(states()) <= {"sent", "delivered"}
    assert not Message.objects.filter(claimed_at=old).exists()


@pytest.mark.parametrize("broken", ["the call", "the note"])
def test_a_fault_of_one_batch_loses_no_other(
    outbox: Loopback, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """What was claimed and not sent goes back; what is on the wire meanwhile is written down."""
    monkeypatch.setattr(KavenegarGateway, "batch_size", 2)
    name = "send_batch" if broken == "the call" else "record_batch"
    real, turns = getattr(services.dispatch, name), iter(range(100))

    def break_once(*values: Any) -> Any:
        if next(turns) == 0:
            raise RuntimeError("a fault")
        return real(*values)

    monkeypatch.setattr(services.dispatch, name, break_once)
    queue(6)
    with pytest.raises(RuntimeError, match="a fault"):
        services.dispatch_until_idle()
    left = states()
    sent = sum(left.get(state, 0) for state in ("sent", "delivered"))
    # The outcome of the broken call is nobody's to tell: it stays claimed, and is asked for later.
    assert (sent, left.get("claimed", 0), left.get("queued", 0)) == (
        (0, 2, 4) if broken == "the call" else (4, 0, 2)
    )
    assert len(outbox.received()) == sent


def _sent(count: int) -> list[Message]:
    queue(count)
    services.dispatch_until_idle()
    Message.objects.update(state="sent", delivered_at=None)
    return list(Message.objects.order_by("pk"))


def test_reports_lock_messages_in_one_order(outbox: Loopback) -> None:
    """Told of two messages the other way round, a call waits for the first and holds nothing meanwhile."""
    first, second = _sent(2)
    cafe, done = connection.tenant, threading.Event()

    def tell() -> None:
        told = [(row.provider_message_id, DeliveryState.DELIVERED, "10") for row in (second, first)]
        with tenant_context(cafe):
            services.record_delivery_reports(provider="kavenegar", reports=told)
        connection.close()
        done.set()

    with transaction.atomic():
        Message.objects.select_for_update().get(pk=first.pk)
        caller = threading.Thread(target=tell)
        caller.start()
        _until_somebody_waits()
        # Had the call taken the second one already, this would be a deadlock.
        Message.objects.select_for_update(nowait=True).get(pk=second.pk)
    caller.join()
    assert done.is_set()
    assert states() == {"delivered": 2}


def _until_somebody_waits() -> None:
    """Until another transaction waits for this one to end."""
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        waiting = 0
        while not waiting:
            assert time.monotonic() < deadline, "nobody waits"
            cursor.execute("SELECT pg_sleep(0.02)")
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
            )
            waiting = cursor.fetchone()[0]


def test_crossing_reports_of_many_threads_all_count(outbox: Loopback) -> None:
    rows = _sent(60)
    turn = iter(range(4))
    account = default_account()

    def tell() -> int:
        mine = rows if next(turn) % 2 else rows[::-1]
        return record_reports(
            [
                DeliveryReport(row.provider_message_id, DeliveryState.DELIVERED, "10", is_read=True)
                for row in mine
            ],
            account=account,
        )

    assert sum(run_in_threads(tell, 4)) == 120
    assert states() == {"delivered": 60}


def test_what_the_database_broke_off_is_done_once_more(outbox: Loopback) -> None:
    tries: list[int] = []

    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError from DeadlockDetected()
        return "done"

    assert conflicts.once_more(work) == "done"
    assert len(tries) == 3


def test_other_faults_and_foreign_transactions_are_not_repeated(outbox: Loopback) -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise OperationalError from (DeadlockDetected() if connection.in_atomic_block else ValueError())

    with pytest.raises(OperationalError):
        conflicts.once_more(work)
    with pytest.raises(OperationalError), transaction.atomic():
        conflicts.once_more(work)
    assert len(tries) == 2


def test_an_answer_outlives_a_lost_connection(outbox: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL is restarted while the provider answers: what it said is written down by a new connection."""
    monkeypatch.setattr(conflicts, "PATIENCE", 0.01)
    tries: list[int] = []

    def work() -> int:
        tries.append(1)
        with connection.cursor() as cursor:
            if len(tries) == 1:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            cursor.execute("SELECT count(*) FROM messaging_message")
            return int(cursor.fetchone()[0])

    queue(2)
    assert conflicts.once_more(work) == 2
    assert len(tries) == 2


@pytest.fixture
def whatsapp(outbox: Loopback) -> ProviderAccount:
    return ProviderAccount.objects.create(
        name="Meta", adapter=MetaWhatsAppGateway.name, channel="whatsapp", api_key="k", sender="",
        options='{"phone_id": "1", "app_secret": "s", "verify_token": "t"}',
    )  # fmt: skip


def _one(account: ProviderAccount, **fields: Any) -> Message:
    queue(1, channel="whatsapp", recipient="+919876543210")
    values = {"provider": account.adapter, "provider_account": str(account.pk), "claimed_at": timezone.now()}
    Message.objects.update(**(values | fields))
    return Message.objects.get()


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "unknown"},
        {"state": "claimed"},
        {"state": "queued"},
        {"state": "failed", "error_class": "unknown"},
    ],
)
def test_a_lost_answer_is_found_by_our_own_number(whatsapp: ProviderAccount, fields: dict[str, str]) -> None:
    """The connection was cut after the provider took it: its report names our number."""
    row = _one(whatsapp, **fields)
    report = DeliveryReport("wamid.1", DeliveryState.DELIVERED, "delivered", local_id=row.local_id)
    account = account_of(whatsapp)
    assert record_reports([report], account=account) == 2
    row.refresh_from_db()
    assert (row.state, row.provider_message_id, row.error_class) == ("delivered", "wamid.1", "")
    assert services.dispatch_until_idle().claimed == 0
    # The worker that still had it in hand only adds what it cost.
    late = [Accepted(row.pk, "wamid.1", "sent", "accepted", cost=7)]
    record_accepted(late, account=account.key, provider=account.adapter)
    row.refresh_from_db()
    assert (row.state, row.provider_status, row.cost) == ("delivered", "delivered", 7)


@pytest.mark.parametrize(
    "fields",
    [{"state": "expired"}, {"state": "failed", "error_class": "permanent"}, {"provider_account": "other"}],
)
def test_our_number_moves_nothing_that_is_over_or_anothers(
    whatsapp: ProviderAccount, fields: dict[str, str]
) -> None:
    row = _one(whatsapp, **({"state": "queued"} | fields))
    report = DeliveryReport("wamid.1", DeliveryState.DELIVERED, "delivered", local_id=row.local_id)
    assert record_reports([report], account=account_of(whatsapp)) == 0
    row.refresh_from_db()
    assert row.provider_message_id == ""


def test_the_truth_may_come_after_a_message_was_given_up(whatsapp: ProviderAccount) -> None:
    """A slow batch comes back when everybody took it for lost."""
    row = _one(whatsapp, state="failed", error_class="unknown", failed_at=timezone.now())
    account = account_of(whatsapp)
    told = [Accepted(row.pk, "wamid.1", "sent")]
    assert record_accepted(told, account=account.key, provider=account.adapter) == 1
    row.refresh_from_db()
    assert (row.state, row.provider_message_id, row.failed_at, row.reason) == ("sent", "wamid.1", None, "")


@pytest.fixture
def calling(outbox: Loopback, committed_cafe: Any) -> Any:
    """Posts JSON to the café's own address for Kavenegar."""
    client = Client(headers={"host": committed_cafe.host})

    def post(kind: str, body: Any) -> Any:
        path = f"/api/callbacks/kavenegar/{kind}/{callbacks.default_callback_secret()}"
        return client.post(path, body if isinstance(body, bytes) else json.dumps(body), "application/json")

    return post


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\udfff" * 3, {"$": 1}, [1], 10**40, None])
def test_texts_that_no_column_holds_are_no_fault_of_ours(calling: Any, text: Any) -> None:
    assert calling("status", {"messageid": text, "status": text}).status_code == 200
    told = {"messageid": text, "from": text or "0912", "to": text, "message": text}
    assert calling("receive", told).status_code == 200


def test_a_huge_text_of_nobody_is_cut(calling: Any) -> None:
    assert calling("receive", {"messageid": 5, "from": "0912", "message": "x" * 3_000_000}).status_code == 200
    assert len(InboundMessage.objects.get().body) == LONGEST


def test_a_body_beyond_all_measure_is_refused(calling: Any) -> None:
    assert calling("receive", b"x" * (6 * 1024 * 1024)).status_code in {400, 413}
    assert not InboundMessage.objects.exists()


def test_a_look_at_the_address_without_a_signature(committed_cafe: Any, whatsapp: ProviderAccount) -> None:
    client = Client(headers={"host": committed_cafe.host})
    path = f"/api/callbacks/{whatsapp.adapter}/all/"
    assert client.head(f"{path}{whatsapp.callback_secret}").status_code == 200
    assert client.head(f"{path}guessed").status_code == 404


def test_addresses_outlive_a_renewed_secret_key(calling: Any, settings: Any) -> None:
    row = _sent(1)[0]
    old = callbacks.default_callback_secret()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [settings.SECRET_KEY]
    assert callbacks.default_callback_secret() != old
    assert callbacks.identify_source("kavenegar", old) is not None
    assert callbacks.identify_source("kavenegar", callbacks.default_callback_secret()) is not None
    settings.SECRET_KEY_FALLBACKS = []
    assert callbacks.identify_source("kavenegar", old) is None
    assert row.state == "sent"


def test_twilio_is_told_our_address(outbox: Loopback, settings: Any) -> None:
    account = ProviderAccount.objects.create(
        name="Twilio", adapter="twilio", api_key="k", sender="+15005550006", options='{"account_sid": "AC1"}'
    )
    settings.BASE_DOMAIN = "servaan.example"
    found = account_of(account).config.callback_url
    assert found.startswith("https://")
    assert found.endswith(f"/api/callbacks/twilio/status/{account.callback_secret}")
    assert get_cafe().slug in found
    # Nobody out there can call a machine without an address of its own.
    settings.BASE_DOMAIN = "localhost"
    assert account_of(account).config.callback_url == ""
