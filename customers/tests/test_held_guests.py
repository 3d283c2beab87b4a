"""Who waits for a guest while the book changes holds nobody else out of order, and does what is right afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from checkout.services import VisitRequest, record_visit
from customers.imports.undo_steps import _lock_owners
from customers.merging.services import merge_customers
from customers.models import Customer, Visit
from customers.services.bulk import run_bulk, undo_bulk
from customers.services.privacy import erase_customer
from customers.services.visits import lock_customer
from customers.tests.factories import ACTOR, make_customer, make_visit
from customers.tests.test_lock_order import _Beside, _is_free


@pytest.fixture
def book(fresh_cafe: Any) -> tuple[Any, list[Customer]]:
    """A café of its own, and three guests in the order of their ids."""
    cast = fresh_cafe()
    return cast, sorted((make_customer(n) for n in (1, 2, 3)), key=lambda guest: guest.pk)


@contextmanager
def _held_by_another(cast: Any, guest: Customer) -> Iterator[_Beside]:
    """Somebody else has locked ``guest`` meanwhile."""
    has_it, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_customer(customer_id=guest.pk, deleted_too=True)
            has_it.set()
            may_go.wait(60)

    beside = _Beside(cast, hold)
    try:
        assert has_it.wait(30)
        yield beside
    finally:
        may_go.set()
        beside.end()


def _wait_until_blocked_by(waiting: _Beside, holder: _Beside) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s = ANY(pg_blocking_pids(%s))", [holder.pid, waiting.pid])
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError(f"never waited: {waiting.error!r}")


def test_a_guest_who_lost_the_number_meanwhile_is_let_go(book: Any) -> None:
    cast, (first, second, _third) = book

    request = VisitRequest(total_amount=Decimal(100_000), phone=first.phone)
    with _held_by_another(cast, second) as holder:
        with transaction.atomic():
            lock_customer(customer_id=first.pk)
            Customer.objects.filter(pk=first.pk).update(deleted_at=timezone.now(), merged_into=second)
            till = _Beside(cast, lambda: record_visit(actor=ACTOR, request=request))
            till.wait_until_blocked()
        _wait_until_blocked_by(till, holder)
        assert _is_free(first.pk)
    till.end()
    assert Visit.objects.get().customer_id == second.pk


def test_the_undo_of_an_import_lets_guests_go_before_it_waits_for_another(book: Any) -> None:
    cast, (new, old, _third) = book
    visit = make_visit(old)

    def undo() -> list[Any]:
        with transaction.atomic():
            return _lock_owners([visit.pk])

    with _held_by_another(cast, new) as holder:
        with transaction.atomic():
            lock_customer(customer_id=old.pk)
            Visit.objects.filter(pk=visit.pk).update(customer_id=new.pk)
            beside = _Beside(cast, undo)
            beside.wait_until_blocked()
        _wait_until_blocked_by(beside, holder)
        assert _is_free(old.pk)
    assert beside.end() == [new.pk]


def test_a_merge_takes_the_records_merged_before_in_the_same_order(book: Any) -> None:
    cast, (part, kept, merged) = book
    Customer.objects.filter(pk=part.pk).update(merged_into=merged, deleted_at=timezone.now())
    with transaction.atomic():
        lock_customer(customer_id=part.pk, deleted_too=True)
        beside = _Beside(cast, lambda: merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk))
        beside.wait_until_blocked()
        assert (_is_free(kept.pk), _is_free(merged.pk)) == (True, True)
    beside.end()
    assert set(Customer.objects.filter(merged_into=kept)) == {part, merged}


def test_whoever_becomes_part_of_a_guest_in_this_moment_is_forgotten_with_it(book: Any) -> None:
    cast, (kept, merged, _third) = book
    with transaction.atomic():
        merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
        beside = _Beside(cast, lambda: erase_customer(actor=ACTOR, customer_id=kept.pk))
        beside.wait_until_blocked()
    beside.end()
    names = {guest.erased_at is not None for guest in Customer.objects.filter(pk__in=[kept.pk, merged.pk])}
    assert names == {True}


def test_a_number_entered_while_a_deletion_is_undone_stays_with_its_new_owner(book: Any) -> None:
    cast, (first, *_others) = book
    operation = run_bulk(
        actor=ACTOR, action="delete", params={}, matches=Customer.objects.filter(deleted_at=None)
    )
    with transaction.atomic():
        owner = make_customer(first.phone)
        beside = _Beside(cast, lambda: undo_bulk(actor=ACTOR, bulk_id=operation.pk))
        beside.wait_until_blocked()
    beside.end()
    operation.refresh_from_db()
    assert operation.undone == 2
    assert Customer.objects.get(phone=first.phone, deleted_at=None) == owner
