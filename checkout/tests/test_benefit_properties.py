"""Bills with codes, vouchers, rewards, bonuses and stamps, corrected in any order; and what the screen foretells."""

import contextlib
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.services import (
    VisitItem,
    VisitRequest,
    edit_visit,
    move_visit,
    record_visit,
    restore_visit,
    void_visit,
)
from checkout.services.foresee import preview_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import Customer, Visit
from loyalty.models import BonusRule, LoyaltyProgram, Reward, Voucher
from loyalty.services.rewards import redeem_reward
from loyalty.tests.codes_at_hand import code
from loyalty.tests.shelf import card_of, guest_with, reward_of
from servaan_crm.core.errors import DomainError

PHONES = ("+989121110001", "+989121110002")
CODES = ("", "", "TENTH", "TWICE", "LATTE", "NOBODY")
who = st.sampled_from(PHONES)
amounts = st.integers(0, 60).map(lambda tens: tens * 10_000)
bills = st.fixed_dictionaries({
    "total": amounts, "percent": st.integers(0, 100), "code": st.sampled_from(CODES), "vouchers": st.integers(0, 2),
    "reward": st.sampled_from([None, 0, 1]), "points": st.sampled_from([0, 0, 30, 400]), "lattes": st.integers(0, 3),
    "cake": st.booleans(),
})  # fmt: skip
place = st.integers(0, 12)
steps = st.one_of(
    st.tuples(st.just("bill"), who, bills),
    st.tuples(st.just("bill"), who, bills),
    st.tuples(st.just("bill"), st.none(), bills),
    st.tuples(st.just("buy"), who, st.integers(0, 1)),
    st.tuples(st.just("void"), place),
    st.tuples(st.just("restore"), place),
    st.tuples(st.just("move"), place, who),
    st.tuples(st.just("edit"), place, amounts, st.integers(0, 3)),
)


def set_the_table() -> None:
    """Two guests, codes, rewards, a bonus for lattes and one for a code, two stamp cards."""
    for phone in PHONES:
        guest_with(600, phone=phone)
    code("TENTH", 10, max_uses=3)
    code("TWICE", 30_000, kind="amount", max_uses_per_guest=2, minimum_amount=Decimal(50_000))
    code("LATTE", 0, kind="item", item_name="لاته")
    reward_of(100, name="تخفیف", stock=3)
    reward_of(150, name="لاته", kind="item", item_name="لاته", value=Decimal(40_000))
    card_of(2)
    card_of(3, name="لاته", counts="items", items=["لاته"], points=20)
    BonusRule.objects.create(name="لاته", kind="multiplier", factor=2, items=["لاته"])
    BonusRule.objects.create(name="کد", kind="points", points=7, campaign_code="TENTH")
    LoyaltyProgram.objects.update(max_points_per_day=900, minimum_redemption=20)


def lines(lattes: int, cake: bool = False) -> tuple[VisitItem, ...]:
    found = []
    if lattes:
        found.append(VisitItem("لاته", lattes, Decimal(40_000), Decimal(40_000 * lattes)))
    if cake:
        found.append(VisitItem("کیک", 1, Decimal(90_000), Decimal(90_000)))
    return tuple(found)


def request_of(phone, bill) -> VisitRequest:
    held = Voucher.objects.filter(status="issued", customer__phone=phone).order_by("created_at")
    rewards = list(Reward.objects.order_by("points_cost"))
    return VisitRequest(
        phone=phone,
        total_amount=Decimal(bill["total"]),
        discount_amount=Decimal(bill["total"] * bill["percent"] // 200),
        discount_code=bill["code"],
        voucher_codes=tuple(held.values_list("code", flat=True)[: bill["vouchers"]]) if phone else (),
        reward_id=rewards[bill["reward"]].pk if bill["reward"] is not None and phone else None,
        points_to_redeem=bill["points"] if phone else 0,
        items=lines(bill["lattes"], bill["cake"]),
    )


def perform(cafe, kind, *rest) -> None:
    actor = cafe.owner.actor
    if kind == "bill":
        record_as_foretold(actor, request_of(rest[0], rest[1]))
    elif kind == "buy":
        guest = Customer.objects.get(phone=rest[0])
        reward = Reward.objects.order_by("points_cost")[rest[1]]
        redeem_reward(actor=actor, customer_id=guest.pk, reward_id=reward.pk)
    else:
        ids = list(Visit.objects.order_by("created_at").values_list("pk", flat=True))
        if ids:
            correct(actor, kind, ids[rest[0] % len(ids)], rest[1:])


def record_as_foretold(actor, request) -> None:
    """Record a bill; what the counter showed before is what was recorded, to the last point and rial."""
    customer = Customer.objects.select_related("summary").filter(phone=request.phone).first()
    shown = preview_visit(request, customer)
    receipt = record_visit(actor=actor, request=request)
    assert shown.problems == ()
    assert shown.discounts.total == receipt.visit.discount_amount
    assert shown.to_pay == receipt.to_pay
    if customer is not None:
        assert parts_of(shown.earning) == parts_of(receipt.earning)
        stamped = sum(gain.points for gain in receipt.stamps)
        assert shown.balance_after + stamped == receipt.status.current_points


def parts_of(earning):
    return [(part.type, part.name, part.points) for part in earning.parts]


def correct(actor, kind, visit_id, rest) -> None:
    if kind == "void":
        void_visit(actor=actor, visit_id=visit_id)
    elif kind == "restore":
        restore_visit(actor=actor, visit_id=visit_id)
    elif kind == "move":
        move_visit(actor=actor, visit_id=visit_id, to_customer_id=Customer.objects.get(phone=rest[0]).pk)
    else:
        items = [item.as_json() for item in lines(rest[1])]
        changes = {"total_amount": Decimal(rest[0]), "items": items, "item_count": rest[1]}
        edit_visit(actor=actor, visit_id=visit_id, changes=changes)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(steps, min_size=2, max_size=12))
def test_any_order_of_bills_and_corrections(cafe, story):
    with transaction.atomic():
        set_the_table()
        for step in story:
            with contextlib.suppress(DomainError, ValidationError):
                perform(cafe, *step)
        assert_books_agree()
        transaction.set_rollback(True)
