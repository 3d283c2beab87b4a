"""Many tills at once: what there is once is sold once. Real threads, committed data."""

from decimal import Decimal

from checkout.tests.invariants import assert_books_agree
from checkout.tests.test_concurrency import run_together
from customers.models import CustomerSummary
from loyalty.models import LedgerEntry, LoyaltyAccount, RedemptionCode, Reward, Voucher
from loyalty.reward_errors import ConfirmationFailed, RewardNotAvailable, VoucherNotUsable
from loyalty.services import confirmation, update_program
from loyalty.services.rewards import redeem_reward
from loyalty.services.vouchers import cancel_voucher, use_voucher
from loyalty.tests.shelf import guest_with, reward_of


def refusals(results, kind):
    wrong = [result for result in results if isinstance(result, Exception) and not isinstance(result, kind)]
    assert wrong == []
    return [result for result in results if isinstance(result, kind)]


def test_a_stock_of_five_and_fifty_buyers(fresh_cafe):
    cast = fresh_cafe()
    actor = cast.staff.actor
    reward = reward_of(100, stock=5)
    guests = [guest_with(250, phone=f"+98912111{number:04}") for number in range(50)]
    jobs = [
        lambda pk=guest.pk: redeem_reward(actor=actor, customer_id=pk, reward_id=reward.pk)
        for guest in guests
    ]
    results = run_together(cast, jobs)
    sold_out = refusals(results, RewardNotAvailable)
    assert [error.details["reason"] for error in sold_out] == ["sold_out"] * 45
    reward.refresh_from_db()
    assert reward.stock == 0
    buyers = set(Voucher.objects.values_list("customer_id", flat=True))
    assert len(buyers) == Voucher.objects.count() == 5
    paid = LedgerEntry.objects.filter(type=LedgerEntry.Type.REDEEMED_DISCOUNT)
    assert {entry.customer_id for entry in paid} == buyers
    assert set(CustomerSummary.objects.filter(pk__in=buyers).values_list("points", flat=True)) == {150}
    others = CustomerSummary.objects.exclude(pk__in=buyers)
    assert set(others.values_list("points", flat=True)) == {250}
    assert_books_agree()


def test_a_hundred_redemptions_of_a_balance_that_allows_ten(fresh_cafe):
    cast = fresh_cafe()
    guest, reward, actor = guest_with(1_050), reward_of(100), cast.staff.actor
    buy = lambda: redeem_reward(actor=actor, customer_id=guest.pk, reward_id=reward.pk)  # noqa: E731
    results = run_together(cast, [buy] * 100)
    refused = refusals(results, RewardNotAvailable)
    assert [error.details["reason"] for error in refused] == ["points"] * 90
    assert Voucher.objects.count() == len(set(Voucher.objects.values_list("code", flat=True))) == 10
    assert LoyaltyAccount.objects.get().balance == 50
    assert_books_agree()


def test_a_voucher_is_used_or_cancelled_once(fresh_cafe):
    cast = fresh_cafe()
    guest, reward, actor = guest_with(500), reward_of(100), cast.staff.actor
    voucher = redeem_reward(actor=actor, customer_id=guest.pk, reward_id=reward.pk)
    use = lambda: use_voucher(actor=actor, voucher_id=voucher.pk, total=Decimal(90_000))  # noqa: E731
    results = run_together(cast, [use] * 12)
    assert len(refusals(results, VoucherNotUsable)) == 11
    assert [quote.discount for quote in results if not isinstance(quote, Exception)] == [50_000]
    second = redeem_reward(actor=actor, customer_id=guest.pk, reward_id=reward.pk)
    take_back = lambda: cancel_voucher(actor=actor, voucher_id=second.pk)  # noqa: E731
    results = run_together(cast, [take_back] * 12)
    assert sum(not isinstance(result, Exception) for result in results) == 1
    assert LoyaltyAccount.objects.get().balance == 400
    assert LedgerEntry.objects.filter(type=LedgerEntry.Type.REVERSED_REDEMPTION).count() == 1
    assert_books_agree()


def test_twenty_guesses_at_once_are_five_tries(fresh_cafe):
    cast = fresh_cafe()
    update_program(actor=cast.owner.actor, changes={"confirm_above": Decimal(1)})
    guest = guest_with(500)
    confirmation.send_code(actor=cast.staff.actor, customer_id=guest.pk, points=300)
    guess = lambda: confirmation.check_code(customer_id=guest.pk, code="no", points=300)  # noqa: E731
    results = run_together(cast, [guess] * 20)
    assert len(refusals(results, ConfirmationFailed)) == 20
    assert sorted(error.details["tries_left"] for error in results) == [0] * 16 + [1, 2, 3, 4]
    assert RedemptionCode.objects.get().attempts == confirmation.MAX_TRIES


def test_the_last_piece_goes_back_on_the_shelf(fresh_cafe):
    cast = fresh_cafe()
    guest, reward, actor = guest_with(500), reward_of(100, stock=1), cast.staff.actor
    for _ in range(3):
        voucher = redeem_reward(actor=actor, customer_id=guest.pk, reward_id=reward.pk)
        cancel_voucher(actor=actor, voucher_id=voucher.pk)
    assert Reward.objects.get().stock == 1
    assert LoyaltyAccount.objects.get().balance == 500
