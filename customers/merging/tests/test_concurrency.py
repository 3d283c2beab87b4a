"""Merges beside each other and beside tills: real threads, committed data."""

from decimal import Decimal

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import check_cafe
from checkout.tests.test_concurrency import run_together
from customers.errors import CustomerNotFound
from customers.merging.errors import MergeRefused, UndoRefused
from customers.merging.services import merge_customers, undo_merge
from customers.merging.tests.test_merge import bill
from customers.models import Customer, MergeRecord, Visit
from customers.tests.factories import ACTOR, make_customer
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import award_points


def sound() -> None:
    assert check_cafe(by_rule=False) == []
    assert list(find_wrong_accounts()) == []


def errors_of(results):
    return [result for result in results if isinstance(result, Exception)]


def test_two_merges_of_the_same_pair_at_once_in_both_directions(fresh_cafe):
    cast = fresh_cafe()
    first, second = make_customer(1), make_customer(2)
    for guest in (first, second):
        bill(guest, 2_000_000)
    pairs = [(first.pk, second.pk), (second.pk, first.pk)] * 4
    results = run_together(
        cast,
        [
            lambda pair=pair: merge_customers(actor=ACTOR, kept_id=pair[0], merged_id=pair[1])
            for pair in pairs
        ],
    )
    assert sum(isinstance(result, MergeRecord) for result in results) == 1
    assert all(isinstance(error, MergeRefused) for error in errors_of(results))
    assert Customer.objects.filter(deleted_at=None).count() == 1
    sound()


def test_a_merge_beside_checkouts_voids_and_points_of_both_guests(fresh_cafe):
    cast = fresh_cafe()
    first, second = make_customer(1), make_customer(2)
    visits = [bill(guest, 700_000, days) for guest in (first, second) for days in (5, 3, 1)]

    def pay(phone):
        return record_visit(actor=ACTOR, request=VisitRequest(total_amount=Decimal(300_000), phone=phone))

    jobs = [lambda: merge_customers(actor=ACTOR, kept_id=first.pk, merged_id=second.pk)]
    for number in range(6):
        jobs.append(lambda guest=(first, second)[number % 2]: pay(guest.phone))
        jobs.append(
            lambda guest=(first, second)[number % 2]: award_points(
                actor=ACTOR, customer_id=guest.pk, points=40, reason="هدیه"
            )
        )
    jobs += [lambda visit=visit: void_visit(actor=ACTOR, visit_id=visit.pk) for visit in visits[1:5]]
    results = run_together(cast, jobs)
    assert isinstance(results[0], MergeRecord)
    # Points for a guest who is part of another one are refused; a bill under its number finds the kept guest.
    assert all(isinstance(error, CustomerNotFound) for error in errors_of(results)), errors_of(results)
    assert Customer.objects.filter(deleted_at=None).count() == 1
    assert Visit.objects.filter(customer=first).count() == 12
    assert Visit.objects.filter(customer=first).exclude(voided_at=None).count() == 4
    sound()


def test_an_undo_beside_a_checkout_is_whole_or_refused(fresh_cafe):
    cast = fresh_cafe()
    first, second = make_customer(1), make_customer(2)
    for guest in (first, second):
        bill(guest, 2_000_000)
    record = merge_customers(actor=ACTOR, kept_id=first.pk, merged_id=second.pk)
    request = VisitRequest(total_amount=Decimal(300_000), phone=first.phone)
    undo = lambda: undo_merge(actor=ACTOR, merge_id=record.pk)  # noqa: E731
    results = run_together(cast, [undo, lambda: record_visit(actor=ACTOR, request=request), undo])
    assert not isinstance(results[1], Exception)
    assert all(isinstance(error, UndoRefused) for error in errors_of(results))
    assert sum(isinstance(result, MergeRecord) for result in results) <= 1
    sound()
