"""Whoever waits for a guest holds no other one out of order, and a deadlock that happens all the same harms nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django_tenants.utils import tenant_context

from customers.models import Customer
from customers.services.attach import hold_guest
from customers.services.visits import lock_customer, lock_owners
from customers.tests.factories import make_customer
from servaan_crm.core.db import survives_deadlock
from servaan_crm.l10n.locale import use_locale


class _Beside(threading.Thread):
    """Runs ``work`` in its own connection to the café. ``error``: what it ended with."""

    def __init__(self, cast: Any, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._cast, self._work = cast, work
        self.pid = 0
        self.error: Exception | None = None
        self.result: object = None
        self.start()

    def run(self) -> None:
        try:
            with tenant_context(self._cast.cafe), use_locale(self._cast.cafe.locale):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    self.pid = cursor.fetchone()[0]
                self.result = self._work()
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def wait_until_blocked(self) -> None:
        """Return once its statement waits for a lock of this test's own connection."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid() = ANY(pg_blocking_pids(%s))", [self.pid])
                if self.pid and cursor.fetchone()[0]:
                    return
            time.sleep(0.01)
        raise AssertionError(f"never waited for us: {self.error!r}")

    def end(self) -> object:
        """Return what the work returned, or raise what it raised."""
        self.join(60)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.result


def _is_free(customer_id: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM customers_customer WHERE id = %s FOR UPDATE SKIP LOCKED", [customer_id])
        return cursor.fetchone() is not None


@pytest.fixture
def pair(fresh_cafe: Any) -> tuple[Any, Customer, Customer]:
    """A café of its own, and two guests: the lower id first."""
    cast = fresh_cafe()
    first, second = sorted((make_customer(1), make_customer(2)), key=lambda guest: guest.pk)
    return cast, first, second


def test_an_owner_that_changed_is_let_go_before_the_new_one_is_waited_for(pair: Any) -> None:
    cast, new, old = pair
    answers = iter([{old.pk}, {new.pk}, {new.pk}])

    def void() -> list[UUID]:
        with transaction.atomic():
            return list(lock_owners(lambda: next(answers)))

    with transaction.atomic():
        lock_customer(customer_id=new.pk)
        beside = _Beside(cast, void)
        beside.wait_until_blocked()
        assert _is_free(old.pk)
    assert beside.end() == [new.pk]


def test_a_merged_guest_is_let_go_before_its_heir_is_waited_for(pair: Any) -> None:
    cast, heir, merged = pair
    Customer.objects.filter(pk=merged.pk).update(merged_into=heir)

    def attach() -> UUID:
        with transaction.atomic():
            return hold_guest(merged.pk)

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM customers_customer WHERE id = %s FOR UPDATE", [heir.pk])
        beside = _Beside(cast, attach)
        beside.wait_until_blocked()
        assert _is_free(merged.pk)
    assert beside.end() == heir.pk


def test_a_service_ended_by_a_deadlock_is_done_once_all_the_same(pair: Any) -> None:
    """Two that lock in opposite order, each holding its first guest before either asks for its second."""
    cast, first, second = pair
    gate = threading.Barrier(2)
    tries: list[str] = []

    @survives_deadlock
    def visit_both(name: str, *guests: Customer) -> None:
        tries.append(name)
        is_first_try = tries.count(name) == 1
        with transaction.atomic():
            for guest in guests:
                found = lock_customer(customer_id=guest.pk)
                found.name += name
                found.save(update_fields=["name"])
                if is_first_try and guest is guests[0]:
                    gate.wait(30)

    both = [
        _Beside(cast, lambda: visit_both("آ", first, second)),
        _Beside(cast, lambda: visit_both("ب", second, first)),
    ]
    for one in both:
        one.end()
    assert len(tries) == 3  # one of the two had to go back, and came again
    for guest in (first, second):
        name = Customer.objects.get(pk=guest.pk).name
        assert sorted(name.removeprefix(guest.name)) == ["آ", "ب"]
