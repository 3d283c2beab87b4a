"""Corrections of the same visits at the same moment: real threads, committed data, books that agree."""

from checkout.errors import VisitAlreadyVoided, VisitIsVoided, VisitNotVoided
from checkout.services import edit_visit, move_visit, restore_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from checkout.tests.test_concurrency import run_together
from checkout.tests.test_corrections_api import A, B, record
from customers.models import Visit
from servaan_crm.core.errors import EditConflict

# What the loser of a race is told.
REFUSALS = (EditConflict, VisitAlreadyVoided, VisitIsVoided, VisitNotVoided)


def unexpected(results):
    return [
        result for result in results if isinstance(result, Exception) and not isinstance(result, REFUSALS)
    ]


def test_edit_void_restore_and_move_of_one_visit(fresh_cafe):
    cast = fresh_cafe()
    actor = cast.manager.actor
    first = record(cast, A).visit
    record(cast, A, 250_000)
    other = record(cast, B, 70_000).customer
    jobs = [
        *(lambda amount=amount: edit_visit(actor=actor, visit_id=first.pk, changes={"total_amount": amount})
          for amount in (150_000, 90_000, 300_000)),
        *[lambda: void_visit(actor=actor, visit_id=first.pk)] * 2,
        *[lambda: restore_visit(actor=actor, visit_id=first.pk)] * 2,
        *[lambda: move_visit(actor=actor, visit_id=first.pk, to_customer_id=other.pk)] * 2,
        lambda: move_visit(actor=actor, visit_id=first.pk, to_customer_id=first.customer_id),
    ]  # fmt: skip
    for _round in range(3):
        assert unexpected(run_together(cast, jobs)) == []
        assert_books_agree()


def test_visits_that_change_places(fresh_cafe):
    cast = fresh_cafe()
    actor = cast.manager.actor
    mine = [record(cast, A, amount).visit for amount in (100_000, 200_000, 300_000)]
    theirs = [record(cast, B, amount).visit for amount in (50_000, 60_000, 70_000)]
    a, b = mine[0].customer_id, theirs[0].customer_id
    jobs = [
        *(lambda pk=v.pk: move_visit(actor=actor, visit_id=pk, to_customer_id=b) for v in mine),
        *(lambda pk=v.pk: move_visit(actor=actor, visit_id=pk, to_customer_id=a) for v in theirs),
    ]
    assert unexpected(run_together(cast, jobs)) == []
    assert set(Visit.objects.filter(customer_id=b).values_list("pk", flat=True)) == {v.pk for v in mine}
    assert_books_agree()


def test_two_editors_with_the_same_page(fresh_cafe):
    cast = fresh_cafe()
    visit = record(cast, A).visit
    jobs = [
        lambda amount=amount: edit_visit(
            actor=cast.staff.actor, visit_id=visit.pk, changes={"total_amount": amount}, seen=visit.updated_at
        )
        for amount in range(110_000, 190_000, 10_000)
    ]
    results = run_together(cast, jobs)
    assert sum(isinstance(result, EditConflict) for result in results) == len(jobs) - 1
    assert_books_agree()
