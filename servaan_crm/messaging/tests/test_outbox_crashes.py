"""Workers killed, connections cut, answers lost: every guest gets the text exactly once, as the gateway counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from servaan_crm.messaging import services
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.tests.helpers import due_now, queue, run_in_threads, states
from servaan_crm.messaging.tests.loopback import Loopback


def kill_worker(gateway: Loopback, stop: str) -> int:
    """Let a worker process run to ``stop``, kill it there; returns how many messages it had claimed."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "servaan_crm.settings.test"),
        "DATABASE_URL": database_url(),
        "KAVENEGAR_BASE_URL": gateway.url,
        "KAVENEGAR_API_KEY": "test-key",
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "servaan_crm.messaging.tests.crashing_worker", connection.schema_name, stop],
        env=environment,
        cwd=django_settings.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    claimed = int(worker.stdout.readline())
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    return claimed


def database_url() -> str:
    """The URL of the test's own database."""
    values = connection.settings_dict
    host, port = values["HOST"] or "", values["PORT"] or ""
    return f"postgresql://{values['USER']}:{values['PASSWORD']}@/{values['NAME']}?host={host}&port={port or 5432}"


def recover() -> None:
    """What the periodic task does, without its waiting times."""
    services.mark_stale_claims(older_than=timedelta(0))
    due_now()
    services.reconcile_unknown()
    services.dispatch_until_idle()


@pytest.mark.parametrize("stop", ["after-claim", "before-record"])
def test_killed_worker_loses_nothing_and_sends_nothing_twice(outbox: Loopback, stop: str) -> None:
    queue(150)
    assert kill_worker(outbox, stop) == 150
    assert states() == {"claimed": 150}
    services.dispatch_until_idle()
    assert outbox.counters["accepted"] == (150 if stop == "before-record" else 0)
    recover()
    assert states() == {"delivered": 150}
    assert outbox.counters["accepted"] == 150
    assert outbox.counters["repeated"] == 0
    assert all(len(texts) == 1 for texts in outbox.received().values())


def test_fresh_claims_are_left_alone(outbox: Loopback) -> None:
    queue(3)
    Message.objects.update(state="claimed", claimed_at=timezone.now(), provider_account="default")
    assert services.mark_stale_claims() == 0
    Message.objects.update(claimed_at=timezone.now() - timedelta(minutes=5))
    assert services.mark_stale_claims() == 3
    assert states() == {"unknown": 3}


@pytest.mark.parametrize("accident", ["cut-after", "cut-before", "garbage"])
def test_lost_answer_is_reconciled(outbox: Loopback, accident: str) -> None:
    queue(40)
    outbox.control(accident)
    services.dispatch_until_idle()
    assert states() == {"unknown": 40}
    recover()
    assert states() == {"delivered": 40}
    assert (outbox.counters["accepted"], outbox.counters["repeated"]) == (40, 0)


def test_unknown_messages_wait_while_the_provider_cannot_tell(outbox: Loopback) -> None:
    queue(5)
    outbox.control("cut-after")
    services.dispatch_until_idle()
    due_now()
    outbox.control("fail", code=409, method="sms/statuslocalmessageid")
    assert services.reconcile_unknown() == {"found": 0, "requeued": 0, "given_up": 0}
    assert states() == {"unknown": 5}


def test_nobody_can_tell_after_twelve_hours(outbox: Loopback) -> None:
    queue(2)
    outbox.control("cut-before")
    services.dispatch_until_idle()
    Message.objects.update(claimed_at=timezone.now() - timedelta(hours=13))
    due_now()
    assert services.reconcile_unknown()["given_up"] == 2
    services.dispatch_until_idle()
    assert states() == {"failed": 2}
    assert set(Message.objects.values_list("error_class", flat=True)) == {"unknown"}
    assert outbox.counters["accepted"] == 0


def test_slow_worker_comes_back_after_its_claim_was_given_up(outbox: Loopback) -> None:
    from servaan_crm.messaging.services import dispatch
    from servaan_crm.messaging.services.accounts import usable_account

    queue(10)
    account = usable_account()
    assert account is not None
    claim = dispatch.claim_batch(account)
    services.mark_stale_claims(older_than=timedelta(0))
    due_now()
    services.reconcile_unknown()  # not there yet: back to the queue
    results = dispatch.send_batch(claim, claim.rows)
    services.dispatch_until_idle()  # somebody else sends the same numbers
    dispatch.record_batch(claim, results)
    assert states() == {"delivered": 10}
    assert outbox.counters["accepted"] == 10


def test_chaos_ends_with_everybody_reached_once(outbox: Loopback) -> None:
    queue(1500)
    for kind, code in [("fail", 409), ("cut-after", 0), ("fail", 451), ("cut-before", 0), ("garbage", 0)] * 3:
        extra = {"code": code} if code else {}
        outbox.control(kind, **extra)
    for _ in range(30):
        run_in_threads(services.dispatch_until_idle, 2)
        services.clear_problem("default")
        due_now()
        recover()
        services.clear_problem("default")
        if states() == {"delivered": 1500}:
            break
    assert states() == {"delivered": 1500}
    assert outbox.counters["accepted"] == 1500
    received = outbox.received()
    assert len(received) == 1500
    assert all(len(texts) == 1 for texts in received.values())
