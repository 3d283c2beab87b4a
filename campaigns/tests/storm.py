"""A campaign in bad weather: everything that can go wrong at once goes wrong, by a plan drawn from a seed.

Workers are killed wherever they are, Redis stops, PostgreSQL crashes and recovers, the gateway answers slowly, with
refusals, or takes a batch and hangs up; its reports come twice and in any order. Whoever runs the café does what a
person would: tops up the credit and presses "go on", says that a resting account is well again.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection
from django.db.models import Count
from django.db.utils import InterfaceError
from django_tenants.utils import tenant_context

from campaigns.models import Campaign, CampaignDelivery
from campaigns.services import resume_campaign
from checkout.tests.stack import Stack, wait_for
from customers.models import Customer, CustomerSummary
from customers.services.consent import set_consent
from servaan_crm.l10n.locale import use_locale
from servaan_crm.messaging.callbacks import default_callback_secret
from servaan_crm.messaging.models import GatewayState, Message
from servaan_crm.messaging.services import clear_problem

LINE = "10004346"
# What the gateway does instead of working: it refuses, is slow, hangs up before or after it took a batch.
FAULTS: list[dict[str, Any]] = [
    {"action": "fail", "code": 409},
    {"action": "fail", "code": 451},
    {"action": "fail", "code": 429, "as_http": False},
    {"action": "delay", "seconds": 1.5},
    {"action": "cut-before"},
    {"action": "cut-after"},
    {"action": "cut-after", "times": 2},
    {"action": "garbage"},
]


def enter_guests(count: int, *, unwilling: int) -> list[Customer]:
    """Enter ``count`` guests who want messages and ``unwilling`` who do not; returns the former."""
    guests = [
        Customer(phone=f"+98912{number:07d}", name=f"مهمان {number}", allow_marketing=number < count)
        for number in range(count + unwilling)
    ]
    Customer.objects.bulk_create(guests, batch_size=2_000)
    CustomerSummary.objects.bulk_create(
        [CustomerSummary(customer=guest) for guest in guests], batch_size=2_000
    )
    return guests[:count]


@dataclass
class Storm:
    """The weather over one campaign. ``log`` says what happened, for whoever looks at a failure."""

    cast: Any
    stack: Stack
    campaign_id: UUID
    chance: random.Random
    workers: int = 1
    log: list[str] = field(default_factory=list)
    refusers: dict[UUID, float] = field(default_factory=dict)

    def rage(self, seconds: float) -> None:
        """Let it blow for so long, or until each thing happened once if that takes longer."""
        blows: list[Callable[[], None]] = [
            self.kill_a_worker, self.kill_a_worker, self.stop_redis, self.crash_postgres, self.no_credit,
            self.somebody_refuses, self.somebody_refuses,
        ]  # fmt: skip
        self.chance.shuffle(blows)
        deadline = time.monotonic() + seconds
        while blows or time.monotonic() < deadline:
            self.plan_faults(self.chance.randrange(1, 4))
            time.sleep(self.chance.uniform(0.5, 2.5))
            blow = blows.pop() if blows else self.chance.choice([self.kill_a_worker, self.somebody_refuses])
            blow()
            self.tend()

    def calm(self, seconds: float) -> None:
        """Wait until every message has come to its end; the person in charge goes on tending."""
        self.stack.gateway.server.store.accidents.clear()

        def over() -> bool:
            self.tend()
            with self.cafe():
                waiting = CampaignDelivery.objects.filter(
                    campaign_id=self.campaign_id, state="waiting"
                ).exists()
                open_messages = Message.objects.exclude(state__in=Message.FINAL_STATES).exists()
            return not waiting and not open_messages and self.campaign().built_at is not None

        with contextlib.suppress(AssertionError):
            wait_for(over, seconds, "the end of the sending")

    # -- what happens --------------------------------------------------------------------------------------------

    def start_workers(self) -> None:
        for number in range(self.workers):
            self.start_worker(f"worker{number}", beat=number == 0)
        log = self.stack.folder / "worker0.log"
        wait_for(lambda: "ready." in log.read_text(), 60, "the worker")

    def start_worker(self, name: str, *, beat: bool) -> None:
        extra = ["-B", "--schedule", str(self.stack.folder / "beat")] if beat else []
        self.stack.start_celery(name, *extra)

    def kill_a_worker(self) -> None:
        name = f"worker{self.chance.randrange(self.workers)}"
        process = self.stack.processes.pop(name, None)
        if process is None:
            return
        self.log.append(f"{name} killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        time.sleep(self.chance.uniform(0, 1.5))
        self.start_worker(name, beat=name == "worker0")

    def stop_redis(self) -> None:
        self.log.append("Redis stopped")
        self.stack.stop_redis()
        time.sleep(self.chance.uniform(0.5, 3))
        self.stack.start_redis()

    def crash_postgres(self) -> None:
        """Kill our own back end: the server takes all others down, recovers from its log and goes on.

        Where the server is not on this machine (or not ours to kill) every other connection is cut instead.
        """
        with self.cafe(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), current_setting('listen_addresses')")
            pid, addresses = cursor.fetchone()
            try:
                if addresses:
                    raise PermissionError
                os.kill(pid, signal.SIGKILL)
                self.log.append("PostgreSQL crashed")
            except (PermissionError, ProcessLookupError):
                self.log.append("connections cut")
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        connection.close()
        time.sleep(0.5)
        wait_for(self.database_answers, 30, "PostgreSQL")

    def database_answers(self) -> bool:
        try:
            with self.cafe():
                return Message.objects.exists() or True
        except (OperationalError, InterfaceError):
            connection.close()
            return False

    def no_credit(self) -> None:
        self.log.append("no credit")
        self.stack.gateway.control("fail", code=418, method="sms/sendarray")

    def plan_faults(self, count: int) -> None:
        for fault in self.chance.choices(FAULTS, k=count):
            plan = dict(fault)
            self.log.append(str(plan))
            self.stack.gateway.control(plan.pop("action"), method="sms/sendarray", **plan)

    def somebody_refuses(self) -> None:
        """A guest whose message still waits says no."""
        with self.cafe():
            waiting = Message.objects.filter(state="queued", purpose="marketing").exclude(customer_id=None)
            ids = list(waiting.values_list("customer_id", flat=True)[:50])
            if not ids:
                return
            guest = self.chance.choice(ids)
            set_consent(
                actor=self.cast.owner.actor, customer_id=guest, channel="sms", granted=False, source="staff"
            )
            self.refusers[guest] = time.time()
        self.log.append(f"{guest} refuses")

    def tend(self) -> None:
        """What a person does about it: a resting account is well again, credit is there, the campaign goes on.

        Claims of killed workers are made two minutes old, which is what time would do.
        """
        with self.cafe():
            for account in GatewayState.objects.filter(problem_since__isnull=False):
                clear_problem(account.account)
            campaign = Campaign.objects.get(pk=self.campaign_id)
            if campaign.status == Campaign.Status.PAUSED:
                resume_campaign(actor=self.cast.owner.actor, campaign_id=campaign.pk)
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE messaging_message SET claimed_at = claimed_at - interval '2 minutes'"
                    " WHERE state = 'claimed' AND claimed_at < now() - interval '8 seconds'"
                )
                cursor.execute(
                    "UPDATE messaging_message SET not_before = now() WHERE state = 'queued' AND not_before > now()"
                )
                cursor.execute(
                    "UPDATE messaging_message SET next_check_at = now() - interval '1 second'"
                    " WHERE state = 'unknown' AND next_check_at > now()"
                )

    def story(self) -> str:
        """Return what happened and how the messages stand, for whoever looks at a failure."""
        with self.cafe():
            states = Message.objects.order_by().values_list("state", "error_class", "error_code")
            counts = [str(row) for row in states.annotate(Count("pk"))]
        return "\n".join([*self.log, *counts, str(self.stack.gateway.counters)])

    # -- looking -------------------------------------------------------------------------------------------------

    @contextmanager
    def cafe(self) -> Iterator[None]:
        with tenant_context(self.cast.cafe), use_locale(self.cast.cafe.locale):
            yield

    def campaign(self) -> Campaign:
        with self.cafe():
            return Campaign.objects.get(pk=self.campaign_id)

    def reports_come_back(self, host: str, port: int) -> None:
        """Let the gateway tell each status twice, shuffled, through the café's web server."""
        with self.cafe():
            secret = default_callback_secret()
        url = f"http://127.0.0.1:{port}/api/callbacks/kavenegar/status/{secret}"
        self.stack.gateway.control("callback", url=url, host=host, duplicates=2, reorder=True)


@contextmanager
def crash_safe_database() -> Iterator[None]:
    """Let new connections keep what they commit through a crash of the server, as every real installation does.

    The suite's own server writes its log lazily to be quick.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_database())")
        name = cursor.fetchone()[0]
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
    connection.close()
    try:
        yield
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} RESET synchronous_commit")
        connection.close()


def press_together(press: Callable[[], Any], count: int = 2) -> list[Any]:
    """Call ``press`` from several threads at the same moment; returns what each got, exceptions included."""
    start, results = threading.Barrier(count), []
    cafe = connection.tenant

    def run() -> None:
        try:
            with tenant_context(cafe), use_locale(cafe.locale):
                start.wait()
                results.append(press())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
