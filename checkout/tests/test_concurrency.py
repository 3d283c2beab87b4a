"""Two tills at once, double clicks, repeated requests: real threads, committed data."""

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import Customer, CustomerSummary, Visit
from loyalty.errors import InsufficientPoints
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.services import award_points, redeem_points
from servaan_crm.core.models import Event
from servaan_crm.l10n.locale import use_locale

PHONE = "+989121110022"


def run_together(cast, jobs: list[Callable[[], object]]) -> list[object]:
    """Run the jobs at the same moment, each in its own thread and connection; returns results or errors."""
    gate = threading.Barrier(len(jobs))
    results: list[object] = [None] * len(jobs)

    def work(index: int) -> None:
        try:
            with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
                gate.wait()
                results[index] = jobs[index]()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_fifty_parallel_checkouts_of_one_new_guest(fresh_cafe):
    cast = fresh_cafe()
    request = VisitRequest(total_amount=Decimal(50_000), phone=PHONE, customer_name="مینا رضایی")
    receipts = run_together(cast, [lambda: record_visit(actor=cast.staff.actor, request=request)] * 50)
    assert not [error for error in receipts if isinstance(error, Exception)]
    assert Customer.objects.count() == 1
    assert sorted(Visit.objects.values_list("visit_number", flat=True)) == list(range(1, 51))
    assert sum(receipt.is_new_customer for receipt in receipts) == 1
    account = LoyaltyAccount.objects.get()
    # 50 points a visit; silver (×1.1) from 1,000 lifetime points on.
    assert account.balance == 20 * 50 + 30 * 55
    assert_books_agree()


@pytest.mark.parametrize("with_key", [True])
def test_same_idempotency_key_twenty_times_in_parallel(fresh_cafe, with_key):
    cast = fresh_cafe()
    body = {"customer_phone": "09121110022", "total_amount": 100_000}

    def post():
        return cast.api("staff").post(
            "/api/crm/visits", body, format="json", HTTP_IDEMPOTENCY_KEY="till-1-bill-77"
        )

    answers = run_together(cast, [post] * 20)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replay" not in answer.headers for answer in answers) == 1
    assert Visit.objects.count() == 1
    assert LoyaltyAccount.objects.get().balance == 100
    assert Event.objects.filter(name="visit.recorded").count() == 1
    other = cast.api("staff").post(
        "/api/crm/visits", body | {"total_amount": 1}, format="json", HTTP_IDEMPOTENCY_KEY="till-1-bill-77"
    )
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_redemptions_cannot_overspend(fresh_cafe):
    cast = fresh_cafe()
    customer = record_visit(
        actor=cast.staff.actor, request=VisitRequest(total_amount=Decimal(100_000), phone=PHONE)
    ).customer
    job = lambda: redeem_points(  # noqa: E731
        actor=cast.staff.actor, customer_id=customer.pk, points=10, reward_type="discount"
    )
    results = run_together(cast, [job] * 25)
    assert sum(isinstance(result, LedgerEntry) for result in results) == 10
    assert sum(isinstance(result, InsufficientPoints) for result in results) == 15
    assert LoyaltyAccount.objects.get().balance == 0
    assert_books_agree()


def test_everything_at_once_on_one_guest(fresh_cafe):
    cast = fresh_cafe()
    request = VisitRequest(total_amount=Decimal(400_000), phone=PHONE)
    first = [record_visit(actor=cast.staff.actor, request=request) for _ in range(6)]
    customer = first[0].customer
    actor = cast.manager.actor
    jobs = [
        lambda visit=receipt.visit: void_visit(actor=actor, visit_id=visit.pk) for receipt in first[:3]
    ] * 2
    jobs += [lambda: record_visit(actor=actor, request=request)] * 6
    jobs += [lambda: award_points(actor=actor, customer_id=customer.pk, points=33, reason="هدیه")] * 4
    jobs += [lambda: redeem_points(actor=actor, customer_id=customer.pk, points=700, reward_type="item")] * 6
    run_together(cast, jobs)
    assert Visit.objects.filter(voided_at__isnull=False).count() == 3
    assert CustomerSummary.objects.get().total_visits == 9
    assert_books_agree()
