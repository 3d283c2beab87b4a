"""Codes, vouchers and stock at several tills at the same moment."""

from decimal import Decimal

from checkout.services import VisitRequest, record_visit, restore_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from checkout.tests.test_concurrency import run_together
from customers.models import Visit
from loyalty.code_errors import DiscountCodeNotUsable
from loyalty.models import DiscountCode, DiscountUse, Reward, Voucher
from loyalty.reward_errors import VoucherNotUsable
from loyalty.services.rewards import redeem_reward
from loyalty.tests.codes_at_hand import code
from loyalty.tests.shelf import guest_with, reward_of


def till(cast, guest, **fields):
    """Return a job that records a bill of this guest."""
    request = VisitRequest(customer_id=guest.pk, total_amount=Decimal(200_000), **fields)
    return lambda: record_visit(actor=cast.staff.actor, request=request)


def test_one_single_use_code_at_two_tills(fresh_cafe):
    cast = fresh_cafe()
    guests = [guest_with(phone=f"+98912111000{number}") for number in range(2)]
    code("ONCE", 10, max_uses=1)
    results = run_together(cast, [till(cast, guest, discount_code="ONCE") for guest in guests])
    refused = [result for result in results if isinstance(result, DiscountCodeNotUsable)]
    assert [error.details["reason"] for error in refused] == ["used_up"]
    assert (Visit.objects.count(), DiscountCode.objects.get().times_used) == (1, 1)
    assert_books_agree()


def test_fifty_guests_want_a_code_of_five_uses(fresh_cafe):
    cast = fresh_cafe()
    guests = [guest_with(phone=f"+9891211101{number:02}") for number in range(50)]
    code("FIVE", 10, max_uses=5)
    results = run_together(cast, [till(cast, guest, discount_code="FIVE") for guest in guests])
    assert sum(isinstance(result, DiscountCodeNotUsable) for result in results) == 45
    assert not [
        result
        for result in results
        if isinstance(result, Exception) and result.args != ("DISCOUNT_CODE_NOT_USABLE",)
    ]
    assert (DiscountCode.objects.get().times_used, DiscountUse.objects.count(), Visit.objects.count()) == (
        5,
        5,
        5,
    )
    assert_books_agree()


def test_one_guest_at_ten_tills_uses_code_and_voucher_once(fresh_cafe):
    cast = fresh_cafe()
    guest = guest_with(1000)
    code("MINE", 10, max_uses_per_guest=1)
    reward = reward_of(100)
    voucher = redeem_reward(actor=cast.staff.actor, customer_id=guest.pk, reward_id=reward.pk)
    jobs = [till(cast, guest, discount_code="MINE")] * 5 + [
        till(cast, guest, voucher_codes=(voucher.code,))
    ] * 5
    results = run_together(cast, jobs)
    assert sum(isinstance(result, DiscountCodeNotUsable) for result in results) == 4
    assert sum(isinstance(result, VoucherNotUsable) for result in results) == 4
    assert Visit.objects.count() == 2
    assert_books_agree()


def test_voids_restores_and_redemptions_at_once(fresh_cafe):
    cast = fresh_cafe()
    guests = [guest_with(2000, phone=f"+98912111020{number}") for number in range(4)]
    code("FEW", 10, max_uses=6)
    reward = reward_of(100, stock=6)
    first = [till(cast, guest, discount_code="FEW", reward_id=reward.pk)().visit for guest in guests]
    actor = cast.manager.actor
    jobs = [lambda visit=visit: void_visit(actor=actor, visit_id=visit.pk) for visit in first]
    jobs += [lambda visit=visit: restore_visit(actor=actor, visit_id=visit.pk) for visit in first]
    jobs += [till(cast, guest, discount_code="FEW", reward_id=reward.pk) for guest in guests] * 2
    run_together(cast, jobs)
    assert_books_agree()
    used = Voucher.objects.filter(status="used").count()
    assert Reward.objects.get().stock == 6 - used
    assert DiscountCode.objects.get().times_used == DiscountUse.objects.filter(reversed_at=None).count() <= 6
