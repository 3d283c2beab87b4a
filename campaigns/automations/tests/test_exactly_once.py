"""Two workers, events told twice, workers killed: every guest gets everything once, and nobody nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from campaigns.automations import engine
from campaigns.automations.tests.helpers import ACTOR, automation, due_now, only_mine, recorded
from campaigns.models import AutomationRun
from customers.merging.services import merge_customers
from customers.services.visits import lock_customer
from feedback.tests.helpers import make_customer, make_visit
from loyalty.models import LedgerEntry, Voucher
from servaan_crm.core import events
from servaan_crm.core.models import Event
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.tests.helpers import run_in_threads
from servaan_crm.messaging.tests.test_outbox_crashes import database_url

GUESTS = 60
EVERYTHING = {
    "purpose": "marketing",
    "template": "{{name}} {{code}}",
    "actions": [
        {"type": "points", "points": 7},
        {"type": "coupon", "benefit": "percent", "value": 10, "days": 7},
    ],
}


def tell(visits: list[Any], times: int = 1) -> None:
    rows = [Event(name="visit.recorded", payload=recorded(visit)) for visit in visits]
    for _again in range(times):
        for row in rows:
            row.pk = None
        Event.objects.bulk_create(rows)


def everybody_got_everything_once(guests: list[Any]) -> None:
    expected = sorted(guest.pk for guest in guests)
    assert list(AutomationRun.objects.order_by("customer_id").values_list("customer_id", "state")) == [
        (pk, "done") for pk in expected
    ]
    for model in (Message, Voucher, LedgerEntry):
        assert sorted(model.objects.values_list("customer_id", flat=True)) == expected, model


def test_two_workers_and_every_event_twice(fresh_cafe: Any) -> None:
    fresh_cafe()
    only_mine(automation(**EVERYTHING))
    visits = [make_visit(make_customer()) for _guest in range(GUESTS)]
    Event.objects.all().delete()
    tell(visits, times=2)
    run_in_threads(lambda: (events.dispatch_pending(), engine.work_off()), 3)
    engine.work_off()
    everybody_got_everything_once([visit.customer for visit in visits])


@pytest.mark.parametrize("stop", ["after-claim", "before-commit"])
def test_a_worker_killed_in_the_middle_has_done_nothing(fresh_cafe: Any, stop: str) -> None:
    fresh_cafe()
    only_mine(automation(wait_minutes=5, **EVERYTHING))
    visits = [make_visit(make_customer()) for _guest in range(GUESTS)]
    for visit in visits:
        engine.hear("visit.recorded", recorded(visit))
    due_now()
    worker = subprocess.Popen(
        [sys.executable, "-m", "campaigns.automations.tests.crashing_worker", connection.schema_name, stop],
        env=os.environ | {
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "servaan_crm.settings.test"),
            "DATABASE_URL": database_url(),
        },
        cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert worker.stdout is not None
    assert int(worker.stdout.readline()) == GUESTS
    assert engine.work_off_batch() == 0, "what another worker holds is left alone"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    assert not Message.objects.exists()
    while AutomationRun.objects.filter(state="waiting").exists():  # PostgreSQL notices the death in a moment
        engine.work_off()
    everybody_got_everything_once([visit.customer for visit in visits])


def test_a_till_that_holds_the_guest_keeps_nobody_waiting(fresh_cafe: Any) -> None:
    fresh_cafe()
    only_mine(automation(wait_minutes=5, **EVERYTHING))
    visits = [make_visit(make_customer()) for _guest in range(3)]
    for visit in visits:
        engine.hear("visit.recorded", recorded(visit))
    due_now()
    held = visits[1].customer
    with transaction.atomic():
        lock_customer(customer_id=held.pk)
        run_in_threads(engine.work_off, 1)
        assert AutomationRun.objects.get(state="waiting").customer_id == held.pk
    engine.work_off()
    everybody_got_everything_once([visit.customer for visit in visits])


def test_a_guest_merged_while_it_waits_gets_it_once(cafe: Any) -> None:
    only_mine(automation("customer.created", wait_minutes=5, purpose="transactional"))
    kept, merged, other = make_customer("الف"), make_customer("ب"), make_customer("ج")
    for guest in (kept, merged, other):
        engine.hear("customer.created", {"customer_id": str(guest.pk)})
    merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
    moved = merge_customers(actor=ACTOR, kept_id=make_customer("د").pk, merged_id=other.pk)
    due_now()
    engine.work_off()
    assert sorted(Message.objects.values_list("customer_id", flat=True)) == sorted([kept.pk, moved.kept_id])
    cancelled = AutomationRun.objects.get(customer=merged)
    assert (cancelled.state, cancelled.reason) == ("cancelled", "merged")


def test_many_gifts_are_given_in_portions_so_that_no_till_waits_for_all_of_them(
    cafe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "HOLD_SECONDS", 0)
    only_mine(automation("segment.entered", trigger_options={"segment": "vip_customers"}, **EVERYTHING))
    guests = [make_customer() for _guest in range(25)]
    told = {"key": "vip_customers", "customer_ids": [str(guest.pk) for guest in guests]}
    assert engine.hear("segment.entered", told) == 25
    assert AutomationRun.objects.filter(state="done").count() == engine.FEW
    engine.work_off()
    everybody_got_everything_once(guests)
