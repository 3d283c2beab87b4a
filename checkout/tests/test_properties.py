"""Whatever happens at the counter, in any order: the figures, the ledger and the accounts agree."""

import contextlib
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.services import VisitRequest, edit_visit, move_visit, record_visit, restore_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import Customer, Visit
from loyalty.models import LedgerEntry
from loyalty.selectors import get_rule_book
from loyalty.services import adjust_points, award_points, redeem_points
from servaan_crm.core.errors import DomainError

PHONES = ("+989121110001", "+989121110002")
amounts = st.one_of(st.integers(0, 3_000_000), st.just(0), st.sampled_from([999, 1000, 1001, 99_999_999_999]))
visits = st.tuples(
    st.just("visit"), st.sampled_from(PHONES), amounts, st.integers(0, 100), st.integers(0, 4000)
)
others = st.one_of(
    st.tuples(st.sampled_from(["void", "restore"]), st.integers(0, 30)),
    st.tuples(st.just("edit"), st.integers(0, 30), amounts, st.integers(0, 100)),
    st.tuples(st.just("move"), st.integers(0, 30), st.sampled_from(PHONES)),
    st.tuples(
        st.sampled_from(["award", "redeem", "adjust"]), st.sampled_from(PHONES), st.integers(-3000, 3000)
    ),
    st.tuples(st.just("block"), st.sampled_from(PHONES), st.booleans()),
    st.tuples(st.just("walk_in"), amounts),
)


def perform(cafe, step) -> None:
    """Do one step; a refusal must leave nothing behind, which ``check_cafe`` sees."""
    kind, *rest = step
    actor = cafe.owner.actor
    if kind == "visit":
        phone, total, percent, redeem = rest
        discount = Decimal(total * percent // 100)
        request = VisitRequest(
            total_amount=Decimal(total), discount_amount=discount, phone=phone, points_to_redeem=redeem
        )
        record_visit(actor=actor, request=request)
    elif kind == "walk_in":
        record_visit(actor=actor, request=VisitRequest(total_amount=Decimal(rest[0])))
    elif kind in ("void", "restore", "edit", "move"):
        correct(actor, kind, rest)
    elif kind == "block":
        Customer.objects.filter(phone=rest[0]).update(status="blocked" if rest[1] else "active")
    else:
        customer = Customer.objects.filter(phone=rest[0]).first()
        if customer is None:
            return
        if kind == "award":
            award_points(actor=actor, customer_id=customer.pk, points=rest[1], reason="هدیه")
        elif kind == "redeem":
            redeem_points(actor=actor, customer_id=customer.pk, points=rest[1], reward_type="item")
        else:
            adjust_points(actor=actor, customer_id=customer.pk, points=rest[1], reason="اصلاح")


def correct(actor, kind, rest) -> None:
    """Correct one of the visits there are."""
    ids = list(Visit.objects.order_by("created_at").values_list("pk", flat=True))
    if not ids:
        return
    visit_id = ids[rest[0] % len(ids)]
    if kind == "void":
        void_visit(actor=actor, visit_id=visit_id)
    elif kind == "restore":
        restore_visit(actor=actor, visit_id=visit_id)
    elif kind == "edit":
        discount = Decimal(rest[1] * rest[2] // 100)
        changes = {"total_amount": Decimal(rest[1]), "discount_amount": discount}
        edit_visit(actor=actor, visit_id=visit_id, changes=changes)
    else:
        target = Customer.objects.filter(phone=rest[1]).first()
        if target:
            move_visit(actor=actor, visit_id=visit_id, to_customer_id=target.pk)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(visits, visits, others), min_size=1, max_size=14))
def test_any_order_of_steps_keeps_every_invariant(cafe, steps):
    with transaction.atomic():
        for step in steps:
            with contextlib.suppress(DomainError, ValidationError):
                perform(cafe, step)
        assert_books_agree()
        _check_rule()
        transaction.set_rollback(True)


def _check_rule() -> None:
    """Each purchase entry is what the rule gives for the bill of its moment and the tier it names."""
    book = get_rule_book()
    for entry in LedgerEntry.objects.filter(type="earned_purchase").select_related("visit"):
        paid = (
            entry.related_amount - entry.visit.points_value
        )  # the bill as it was then: it may be corrected since
        multiplier = {"bronze": 100, "silver": 110, "gold": 120, "platinum": 150}[entry.explanation["tier"]]
        assert entry.points == int(paid // book.amount_per_point) * multiplier // 100
