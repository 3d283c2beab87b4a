"""Events are handed over in batches, and each handler still takes effect once per event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from feedback.tests.helpers import make_customer
from servaan_crm.core import events
from servaan_crm.core.actors import system
from servaan_crm.core.db import write
from servaan_crm.core.models import AuditEntry, Event
from servaan_crm.messaging.tests.helpers import run_in_threads

NAME = "test.happened"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The handlers of the event these tests are about, by name."""
    handlers: dict[str, Any] = {}
    monkeypatch.setitem(events._subscribers, NAME, handlers)
    return handlers


def tell(count: int) -> None:
    Event.objects.bulk_create(Event(name=NAME, payload={"number": number}) for number in range(count))


def note(payload: dict[str, Any]) -> None:
    """An effect that can be counted: one row per call."""
    Event.objects.create(name="test.effect", payload=payload["number"], dispatched_at=timezone.now())


def effects() -> list[int]:
    return sorted(Event.objects.filter(name="test.effect").values_list("payload", flat=True))


def test_two_dispatchers_hand_every_event_over_once(fresh_cafe: Any, heard: dict[str, Any]) -> None:
    fresh_cafe()
    heard["note"] = note
    Event.objects.all().delete()
    tell(230)
    done = run_in_threads(events.dispatch_pending, 2)
    assert sum(done) == 230
    assert effects() == list(range(230))


def test_a_handler_that_fails_spoils_neither_its_neighbours_nor_the_other_handler(
    cafe: Any, heard: dict[str, Any]
) -> None:
    def fail(payload: dict[str, Any]) -> None:
        note(payload)
        if payload["number"] == 3 and not Event.objects.filter(name="test.repaired").exists():
            raise ValueError("not now")

    heard |= {"note": note, "fail": fail}
    tell(6)
    events.dispatch_pending()
    assert effects() == sorted([*range(6), *(number for number in range(6) if number != 3)])
    stuck = Event.objects.get(name=NAME, dispatched_at=None)
    assert (stuck.payload["number"], stuck.handled, stuck.attempts) == (3, ["note"], 1)
    assert "ValueError: not now" in stuck.last_error
    assert events.dispatch_pending() == 0, "it waits for its next try"
    Event.objects.create(name="test.repaired", payload={}, dispatched_at=timezone.now())
    Event.objects.filter(pk=stuck.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert events.dispatch_pending() == 1
    assert effects() == sorted([*range(6), *range(6)])


def test_a_reference_missing_at_commit_stops_its_own_event_alone(
    fresh_cafe: Any, heard: dict[str, Any]
) -> None:
    fresh_cafe()
    Event.objects.all().delete()

    def refer(payload: dict[str, Any]) -> None:
        note(payload)
        if payload["number"] == 2:
            with connection.cursor() as cursor:  # the foreign key is looked at when the transaction ends
                cursor.execute(
                    "INSERT INTO customers_customersummary (customer_id, total_visits, last_visit_number,"
                    " lifetime_spent, segment, tier, points)"
                    " VALUES (gen_random_uuid(), 0, 0, 0, 'new', 'bronze', 0)"
                )

    heard["refer"] = refer
    tell(5)
    assert events.dispatch_pending() == 4
    assert effects() == [0, 1, 3, 4]
    stuck = Event.objects.get(name=NAME, dispatched_at=None)
    assert IntegrityError.__name__ in stuck.last_error


def test_deadlocked_batches_end_with_every_effect_once(fresh_cafe: Any, heard: dict[str, Any]) -> None:
    fresh_cafe()
    guests = [make_customer(), make_customer()]
    Event.objects.all().delete()
    tell(40)

    def lock(payload: dict[str, Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM customers_customer WHERE id = %s FOR UPDATE",
                           [guests[payload["number"] * 7 % 3 % 2].pk])  # fmt: skip
            cursor.execute("SELECT pg_sleep(0.01)")
        note(payload)

    heard["lock"] = lock
    run_in_threads(events.dispatch_pending, 3)
    Event.objects.filter(dispatched_at=None).update(next_attempt_at=timezone.now())
    events.dispatch_pending()
    assert effects() == list(range(40))


def test_the_author_of_one_event_does_not_sign_the_next(cafe: Any, heard: dict[str, Any]) -> None:
    guests = [make_customer(), make_customer()]

    def change(payload: dict[str, Any]) -> None:
        guest = guests[payload["number"]]
        guest.city = "یزد"
        if payload["number"] == 0:
            with write(system("first")):
                guest.save(update_fields=["city"])
        else:
            guest.save(update_fields=["city"])

    heard["change"] = change
    tell(2)
    events.dispatch_pending()
    rows = AuditEntry.objects.filter(table_name="customers_customer", action="update")
    assert {row.row_id: row.actor_name for row in rows} == {str(guests[0].pk): "first", str(guests[1].pk): ""}
