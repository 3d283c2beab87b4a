"""Who brings whom: entered once, rewarded once, taken back with the visit, held in a ring."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, edit_visit, move_visit, record_visit, restore_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from checkout.tests.test_concurrency import run_together
from customers.merging.services import merge_customers, undo_merge
from customers.models import Customer, Visit
from customers.services.customers import update_customer
from customers.tests.factories import ACTOR, make_customer
from loyalty.models import LedgerEntry, LoyaltyAccount, LoyaltyProgram, Referral, ReviewItem
from loyalty.referral_errors import (
    ReferralCodeUnknown,
    ReferralDecided,
    ReferralNotPossible,
    ReferralsInactive,
)
from loyalty.services import redeem_points
from loyalty.services.referral import (
    enter_referral,
    owner_of,
    referral_code_of,
    refuse_referral,
    release_referral,
)
from loyalty.services.referral_rewards import settle
from servaan_crm.core.events import dispatch_pending
from servaan_crm.l10n.digits import to_persian
from servaan_crm.l10n.locale import use_locale


def program(**changes: Any) -> None:
    values = {
        "referral_is_active": True, "referrer_points": 100, "friend_points": 40,
        "referral_minimum": Decimal(50_000), "amount_per_point": Decimal(10**9), **changes,
    }  # fmt: skip
    LoyaltyProgram.objects.update(**values)


@pytest.fixture
def pair(cafe: Any) -> tuple[Customer, Customer]:
    program()
    return make_customer(1, "نگار احمدی"), make_customer(2, "بابک رستمی")


def bring(referrer: Customer, friend: Customer) -> Referral:
    return enter_referral(actor=ACTOR, referrer_id=referrer.pk, friend_id=friend.pk)


def come(cast: Any, guest: Customer, total: int = 200_000) -> Visit:
    bill = VisitRequest(customer_id=guest.pk, total_amount=Decimal(total))
    visit = record_visit(actor=cast.staff.actor, request=bill).visit
    tell()
    return visit


def tell() -> None:
    """Let the worker take all events; none may fail."""
    dispatch_pending()
    from servaan_crm.core.models import Event

    assert not Event.objects.exclude(last_error="").exists(), list(
        Event.objects.values_list("last_error", flat=True)
    )


def block(guest: Customer) -> None:
    changes = {"status": "blocked", "block_reason": "تقلب"}
    update_customer(actor=ACTOR, customer_id=guest.pk, expected_version=None, changes=changes)


def balance(guest: Customer) -> int:
    return LoyaltyAccount.objects.filter(pk=guest.pk).values_list("balance", flat=True).first() or 0


def balances(*guests: Customer) -> list[int]:
    return [balance(guest) for guest in guests]


def state(referral: Referral) -> tuple[str, str]:
    referral.refresh_from_db()
    return referral.status, referral.reason


def test_a_code_is_made_once_and_read_however_it_is_typed(pair: Any) -> None:
    guest = pair[0]
    code = referral_code_of(guest.pk)
    assert referral_code_of(guest.pk) == code
    assert not set(code) & set("01258OILZSBUV")
    for typed in (code.lower(), f" {code[:3]}-{code[3:]} ", to_persian(code)):
        assert owner_of(typed) == guest.pk
    with pytest.raises(ReferralCodeUnknown):
        owner_of("NOBODY")


def test_the_first_visit_pays_both_sides_once(cafe: Any, pair: Any) -> None:
    referrer, friend = pair
    code = referral_code_of(referrer.pk)
    referral = enter_referral(
        actor=cafe.staff.actor, referrer_code=code, friend_phone="0912 000 0002", friend_name=""
    )
    assert (referral.friend_id, referral.status, referral.created_by_id) == (
        friend.pk,
        "pending",
        cafe.staff.pk,
    )
    visit = come(cafe, friend)
    assert balances(*pair) == [100, 40]
    assert state(referral) == ("rewarded", "")
    assert (referral.visit_id, referral.referrer_points, referral.friend_points) == (visit.pk, 100, 40)
    kinds = LedgerEntry.objects.values_list("customer_id", "type", "visit_id")
    assert set(kinds) == {(guest.pk, "earned_referral", None) for guest in pair}
    come(cafe, friend)
    settle(actor=ACTOR, referral_id=referral.pk)
    assert balances(*pair) == [100, 40]
    assert_books_agree()


def test_an_unknown_number_is_entered_as_a_guest(cafe: Any, pair: Any) -> None:
    enter = {"actor": cafe.staff.actor, "referrer_id": pair[0].pk, "friend_phone": "09120000003"}
    with pytest.raises(ValidationError) as refused:
        enter_referral(**enter, friend_name="x")
    assert set(refused.value.message_dict) == {"friend_name"}
    assert not Customer.objects.filter(phone="+989120000003").exists()
    friend = enter_referral(**enter, friend_name="لیلا صادقی").friend
    assert (friend.name, friend.phone) == ("لیلا صادقی", "+989120000003")


def test_what_is_refused(cafe: Any, pair: Any) -> None:
    referrer, friend = pair

    def reason(one: Customer, other: Customer) -> str:
        with pytest.raises(ReferralNotPossible) as refused:
            bring(one, other)
        return str(refused.value.details["reason"])

    assert reason(referrer, referrer) == "self"
    bring(referrer, friend)
    third, known = make_customer(3), make_customer(4)
    assert reason(third, friend) == "already_referred"
    come(cafe, known)
    assert reason(referrer, known) == "not_new"
    block(third)
    assert reason(third, make_customer(5)) == "blocked"
    program(referral_is_active=False)
    with pytest.raises(ReferralsInactive):
        bring(referrer, make_customer(6))
    with pytest.raises(ValidationError):
        enter_referral(actor=ACTOR, referrer_id=referrer.pk, referrer_code="X", friend_id=friend.pk)
    assert Referral.objects.count() == 1


def test_points_follow_the_first_visit_wherever_it_goes(cafe: Any, pair: Any) -> None:
    referral = bring(*pair)
    visit = come(cafe, pair[1])
    actor = cafe.manager.actor
    void_visit(actor=actor, visit_id=visit.pk)
    tell()
    assert (balances(*pair), state(referral)) == ([0, 0], ("reversed", "no_visit"))
    restore_visit(actor=actor, visit_id=visit.pk)
    tell()
    assert (balances(*pair), state(referral)) == ([100, 40], ("rewarded", ""))
    edit_visit(actor=actor, visit_id=visit.pk, changes={"total_amount": Decimal(40_000)})
    tell()
    assert (balances(*pair), state(referral)) == ([0, 0], ("reversed", "below_minimum"))
    edit_visit(actor=actor, visit_id=visit.pk, changes={"total_amount": Decimal(90_000)})
    tell()
    program(referral_minimum=Decimal(500_000))  # the new minimum does not reach back
    edit_visit(actor=actor, visit_id=visit.pk, changes={"total_amount": Decimal(80_000)})
    tell()
    assert (balances(*pair), state(referral)) == ([100, 40], ("rewarded", ""))
    move_visit(actor=actor, visit_id=visit.pk, to_customer_id=make_customer(9).pk)
    tell()
    assert (balances(*pair), state(referral)) == ([0, 0], ("reversed", "no_visit"))
    assert_books_agree()


def test_a_voided_first_visit_with_a_second_one_keeps_the_reward(cafe: Any, pair: Any) -> None:
    referral = bring(*pair)
    first, second = come(cafe, pair[1]), come(cafe, pair[1])
    void_visit(actor=cafe.manager.actor, visit_id=first.pk)
    tell()
    assert (balances(*pair), state(referral)) == ([100, 40], ("rewarded", ""))
    assert referral.visit_id == second.pk
    assert LedgerEntry.objects.count() == 2, "nothing was taken and given again"


def test_spent_points_are_not_given_twice(cafe: Any, pair: Any) -> None:
    referral = bring(*pair)
    visit = come(cafe, pair[1])
    redeem_points(actor=cafe.staff.actor, customer_id=pair[1].pk, points=30, reward_type="item")
    void_visit(actor=cafe.manager.actor, visit_id=visit.pk)
    tell()
    assert balances(*pair) == [0, 0]
    assert LedgerEntry.objects.get(customer=pair[1], type="reversed_earning").shortfall == 30
    restore_visit(actor=cafe.manager.actor, visit_id=visit.pk)
    tell()
    assert balances(*pair) == [100, 10]
    assert state(referral) == ("rewarded", "")
    assert_books_agree()


@pytest.mark.parametrize(("who", "left"), [(0, [0, 40]), (1, [100, 0])])
def test_a_blocked_side_gets_nothing_and_it_says_why(cafe: Any, pair: Any, who: int, left: list[int]) -> None:
    referral = bring(*pair)
    block(pair[who])
    come(cafe, pair[1])
    assert balances(*pair) == left
    assert state(referral) == ("rewarded", ("referrer_blocked", "friend_blocked")[who])


def test_a_ring_is_held_until_a_manager_decides(cafe: Any, pair: Any) -> None:
    a, b = pair
    c = make_customer(3)
    bring(a, b)
    bring(b, c)
    closing = bring(c, a)
    assert state(closing) == ("held", "ring")
    note = ReviewItem.objects.get(signal="referral_ring")
    assert note.evidence["length"] == 3
    come(cafe, a)
    assert balances(a, b, c) == [0, 0, 0]
    release_referral(actor=cafe.manager.actor, referral_id=closing.pk)
    assert (balances(a, b, c), state(closing)) == ([40, 0, 100], ("rewarded", "released"))
    refuse_referral(actor=cafe.manager.actor, referral_id=closing.pk, reason="همه یک نفرند")
    assert (balances(a, b, c), state(closing)) == ([0, 0, 0], ("reversed", "همه یک نفرند"))
    come(cafe, a)
    assert balances(a, b, c) == [0, 0, 0]
    for decide in (release_referral, lambda **kw: refuse_referral(**kw, reason="x")):
        with pytest.raises(ReferralDecided):
            decide(actor=cafe.manager.actor, referral_id=closing.pk)
    assert_books_agree()


def test_a_ring_that_closes_over_a_merge_is_found_before_it_is_paid(cafe: Any, pair: Any) -> None:
    a, b = pair
    second_a = make_customer(3, "نگار احمدی")
    bring(a, b)
    referral = bring(b, second_a)
    merge_customers(actor=ACTOR, kept_id=a.pk, merged_id=second_a.pk)
    come(cafe, a)
    assert state(referral) == ("held", "ring")
    assert balances(a, b) == [0, 0]


def test_a_merge_of_both_sides_pays_nothing_and_a_paid_one_is_noted(cafe: Any, pair: Any) -> None:
    referral = bring(*pair)
    record = merge_customers(actor=ACTOR, kept_id=pair[0].pk, merged_id=pair[1].pk)
    come(cafe, pair[0])
    assert (balances(*pair), state(referral)) == ([0, 0], ("refused", "same_guest"))
    assert record
    third, fourth = make_customer(3), make_customer(4)
    paid = bring(third, fourth)
    come(cafe, fourth)
    record = merge_customers(actor=ACTOR, kept_id=third.pk, merged_id=fourth.pk)
    tell()
    assert balances(third, fourth) == [140, 0]
    assert ReviewItem.objects.get(signal="referral_ring").evidence["referral_id"] == str(paid.pk)
    undo_merge(actor=ACTOR, merge_id=record.pk)
    tell()
    assert (balances(third, fourth), state(paid)) == ([100, 40], ("rewarded", ""))
    assert_books_agree()


def test_points_go_to_and_come_from_the_guest_a_side_is_part_of(cafe: Any, pair: Any) -> None:
    old = make_customer(3, "نگار احمدی")
    referral = bring(*pair)
    merge_customers(actor=ACTOR, kept_id=old.pk, merged_id=pair[0].pk)
    visit = come(cafe, pair[1])
    assert balances(old, *pair) == [100, 0, 40]
    new = make_customer(4)
    merge_customers(actor=ACTOR, kept_id=new.pk, merged_id=old.pk)
    void_visit(actor=cafe.manager.actor, visit_id=visit.pk)
    tell()
    assert balances(new, old, *pair) == [0, 0, 0, 0]
    assert state(referral) == ("reversed", "no_visit")
    assert_books_agree()


def test_many_friends_in_a_day_are_noted_once(cafe: Any, pair: Any) -> None:
    for number in range(11, 19):
        enter_referral(
            actor=cafe.staff.actor,
            referrer_id=pair[0].pk,
            friend_phone=f"0912000{number:04}",
            friend_name="مهمان",
        )
    item = ReviewItem.objects.get(signal="referral_burst")
    assert (item.customer_id, item.evidence["count"], item.status) == (pair[0].pk, 8, "open")


def _committed(cast: Any) -> tuple[Referral, Visit]:
    program()
    referral = bring(make_customer(1), make_customer(2))
    bill = VisitRequest(customer_id=referral.friend_id, total_amount=Decimal(200_000))
    return referral, record_visit(actor=cast.staff.actor, request=bill).visit


def test_eight_workers_pay_once(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        referral, _visit = _committed(cast)
        jobs = [lambda: settle(actor=ACTOR, referral_id=referral.pk)] * 6 + [dispatch_pending] * 2
        results = run_together(cast, jobs)
        assert not [result for result in results if isinstance(result, Exception)]
        assert balances(referral.referrer, referral.friend) == [100, 40]
        assert LedgerEntry.objects.filter(type="earned_referral").count() == 2
        assert_books_agree()


def test_a_void_during_the_reward_leaves_nothing_behind(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        referral, visit = _committed(cast)
        results = run_together(
            cast,
            [
                lambda: settle(actor=ACTOR, referral_id=referral.pk),
                lambda: void_visit(actor=cast.manager.actor, visit_id=visit.pk),
                dispatch_pending,
            ],
        )
        assert not [result for result in results if isinstance(result, Exception)]
        tell()
        assert balances(referral.referrer, referral.friend) == [0, 0]
        referral.refresh_from_db()
        assert referral.status in ("pending", "reversed")
        assert_books_agree()


def test_a_friend_is_entered_once_by_many_tills(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        program()
        guests = [make_customer(number) for number in range(1, 7)]
        jobs = [
            lambda guest=guest: enter_referral(
                actor=cast.staff.actor,
                referrer_id=guest.pk,
                friend_phone="09120000099",
                friend_name="مهمان نو",
            )
            for guest in guests
        ]
        results = run_together(cast, jobs)
        refused = [result for result in results if isinstance(result, Exception)]
        assert len(refused) == 5
        assert {type(error) for error in refused} == {ReferralNotPossible}
        assert Referral.objects.count() == 1


def test_the_counter_takes_the_code_with_the_new_guests_bill(cafe: Any, pair: Any) -> None:
    staff, code = cafe.browser("staff"), referral_code_of(pair[0].pk)
    form = {"phone": "09120000077", "customer_name": "مینا رضایی", "total_amount": "20000"}
    assert "referral_code" in staff.get("/counter/new/?phone=09120000077").content.decode()

    def press(code: str, key: str) -> int:
        body = {**form, "referral_code": code, "idempotency_key": key}
        return int(staff.post("/counter/record/", body, headers={"HX-Request": "true"}).status_code)

    assert press("AAAAAAA", "one") == 422
    assert not Customer.objects.filter(phone="+989120000077").exists(), "a wrong code leaves nothing behind"
    assert [press(code, "two"), press(code, "two")] == [200, 200]
    tell()
    referral = Referral.objects.get()
    assert (referral.friend.name, referral.status, referral.created_by_id) == (
        "مینا رضایی",
        "rewarded",
        cafe.staff.pk,
    )
    assert balances(pair[0], referral.friend) == [100, 40]
    assert Visit.objects.count() == 1
