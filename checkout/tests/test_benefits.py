"""Codes, vouchers, rewards and stamps on a bill, and the way back."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from checkout.errors import PaidWithVoucher, VoucherIsGone
from checkout.services import (
    VisitItem,
    VisitRequest,
    edit_visit,
    move_visit,
    record_visit,
    restore_visit,
    void_visit,
)
from checkout.tests.invariants import assert_books_agree
from customers.models import Visit
from loyalty.code_errors import CodeNotForGuest, CodeUsedUp, DiscountCodeNotUsable
from loyalty.models import (
    BonusRule,
    DiscountCode,
    DiscountUse,
    LoyaltyAccount,
    LoyaltyProgram,
    StampEntry,
    Voucher,
)
from loyalty.reward_errors import ConfirmationRequired, RewardNotAvailable, VoucherNotUsable
from loyalty.services.rewards import redeem_reward
from loyalty.tests.codes_at_hand import code
from loyalty.tests.shelf import card_of, guest_with, reward_of

OTHER = "+989121110099"


def latte(quantity=1, price=100_000) -> VisitItem:
    return VisitItem("لاته", quantity, Decimal(price), Decimal(price * quantity), category="قهوه")


def bill(guest, total=400_000, **fields) -> VisitRequest:
    return VisitRequest(customer_id=guest.pk if guest else None, total_amount=Decimal(total), **fields)


def record(cafe, guest, total=400_000, **fields):
    return record_visit(actor=cafe.staff.actor, request=bill(guest, total, **fields))


def held(cafe, guest, **terms) -> Voucher:
    """Buy a voucher beforehand."""
    reward = reward_of(100, **terms)
    return redeem_reward(actor=cafe.staff.actor, customer_id=guest.pk, reward_id=reward.pk)


def test_the_order_of_discounts(cafe):
    guest = guest_with(900)
    code("TEN", 10)
    first = held(cafe, guest, name="بن", value=Decimal(60_000))
    half = reward_of(100, name="نیم‌بها", kind="percent", value=Decimal(50))
    receipt = record(
        cafe, guest, discount_amount=Decimal(100_000), discount_code="ten ", voucher_codes=(first.code,),
        reward_id=half.pk,
    )  # fmt: skip
    # 400,000 − 100,000 by hand; a tenth of the rest; the voucher; half of what is left then.
    assert receipt.visit.discount_amount == 100_000 + 30_000 + 60_000 + 105_000
    assert receipt.visit.points_earned == 105
    assert DiscountUse.objects.get().amount == 30_000
    assert sorted(Voucher.objects.values_list("discount_given", flat=True)) == [60_000, 105_000]
    assert receipt.status.current_points == 900 - 100 - 100 + 105
    assert_books_agree()


def test_nothing_falls_below_zero_and_nothing_is_spent_for_nothing(cafe):
    guest = guest_with(1000)
    voucher = held(cafe, guest, value=Decimal(900_000))
    receipt = record(cafe, guest, 400_000, voucher_codes=(voucher.code,))
    assert (receipt.visit.discount_amount, receipt.earning.points) == (400_000, 0)
    code("LATE")
    with pytest.raises(DiscountCodeNotUsable) as refused:
        record(cafe, guest, 400_000, discount_amount=Decimal(400_000), discount_code="LATE")
    assert refused.value.details["reason"] == "nothing_left"
    reward = reward_of(100)
    with pytest.raises(ValidationError) as error:
        record(cafe, guest, 400_000, discount_amount=Decimal(400_000), reward_id=reward.pk)
    assert "reward_id" in error.value.error_dict
    assert LoyaltyAccount.objects.get().balance == 900


def test_two_free_lattes_need_two_lattes(cafe):
    guest = guest_with(1000)
    terms = {"name": "لاته", "kind": "item", "item_name": "لاته", "value": Decimal(100_000)}
    first, second = held(cafe, guest, **terms), held(cafe, guest, **terms)
    both = (first.code, second.code)
    with pytest.raises(VoucherNotUsable) as refused:
        record(
            cafe,
            guest,
            300_000,
            voucher_codes=both,
            items=(latte(1), VisitItem("کیک", 1, Decimal(1), Decimal(1))),
        )
    assert refused.value.details == {"voucher_code": second.code, "reason": "item", "field": "voucher_codes"}
    assert (
        record(cafe, guest, 300_000, voucher_codes=both, items=(latte(2),)).visit.discount_amount == 200_000
    )


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"is_active": False}, "off"),
        ({"starts_on": "2099-01-01"}, "not_yet"),
        ({"ends_on": "2020-01-01"}, "expired"),
        ({"tiers": ["gold"]}, "tier"),
        ({"minimum_amount": Decimal(500_000)}, "minimum"),
        ({"kind": "item", "item_name": "چیزکیک"}, "item"),
        ({"max_uses_per_guest": 1}, "used_by_guest"),
        ({"max_uses": 1}, "used_up"),
    ],
)
def test_why_a_code_does_not_fit(cafe, terms, reason):
    guest = guest_with()
    values = {name: _date(value) if name.endswith("_on") else value for name, value in terms.items()}
    row = code("SPRING", **values)
    if reason.startswith("used"):
        record(cafe, guest, discount_code="SPRING")
    with pytest.raises(DiscountCodeNotUsable) as refused:
        record(cafe, guest, discount_code="SPRING", items=(latte(),))
    assert refused.value.details == {"field": "discount_code", "discount_code": "SPRING", "reason": reason}
    row.refresh_from_db()
    assert row.times_used == DiscountUse.objects.count() == Visit.objects.count()


def _date(text):
    import datetime as dt

    return dt.date.fromisoformat(text)


def test_a_walk_in_may_use_an_open_code_only(cafe):
    guest = guest_with()
    code("OPEN", 10)
    code("ONCE", 10, max_uses=1)
    code("MINE", 10, customer_id=guest.pk)
    assert record(cafe, None, discount_code="open").visit.discount_amount == 40_000
    for text in ("ONCE", "MINE"):
        with pytest.raises(DiscountCodeNotUsable) as refused:
            record(cafe, None, discount_code=text)
        assert refused.value.details["reason"] == "needs_guest"
    with pytest.raises(ValidationError) as error:
        record(cafe, None, voucher_codes=("ACDEF34679",))
    assert "voucher_codes" in error.value.error_dict


def test_a_personal_code_is_for_its_guest(cafe):
    guest, other = guest_with(), guest_with(phone=OTHER)
    code("MINE", 10, customer_id=guest.pk)
    with pytest.raises(DiscountCodeNotUsable):
        record(cafe, other, discount_code="MINE")
    visit = record(cafe, guest, discount_code="MINE").visit
    with pytest.raises(CodeNotForGuest):
        move_visit(actor=cafe.staff.actor, visit_id=visit.pk, to_customer_id=other.pk)


def test_void_gives_everything_back_and_restore_takes_it_again(cafe):
    guest = guest_with(1000)
    card_of(2)
    code("TEN", 10, max_uses=1)
    voucher, reward = held(cafe, guest), reward_of(200, name="ناهار", stock=1)
    visit = record(cafe, guest, discount_code="TEN", voucher_codes=(voucher.code,), reward_id=reward.pk).visit
    after = LoyaltyAccount.objects.get().balance
    void_visit(actor=cafe.staff.actor, visit_id=visit.pk)
    reward.refresh_from_db()
    assert (DiscountCode.objects.get().times_used, reward.stock, LoyaltyAccount.objects.get().balance) == (
        0,
        1,
        900,
    )
    assert set(Voucher.objects.values_list("status", flat=True)) == {"issued", "cancelled"}
    assert StampEntry.objects.order_by("-sequence").first().total_after == 0
    assert_books_agree()
    restore_visit(actor=cafe.staff.actor, visit_id=visit.pk)
    reward.refresh_from_db()
    assert (DiscountCode.objects.get().times_used, reward.stock, LoyaltyAccount.objects.get().balance) == (
        1,
        0,
        after,
    )
    assert set(Voucher.objects.values_list("status", flat=True)) == {"used"}
    assert StampEntry.objects.order_by("-sequence").first().total_after == 1
    assert_books_agree()
    void_visit(actor=cafe.staff.actor, visit_id=visit.pk)
    assert LoyaltyAccount.objects.get().balance == 900
    assert_books_agree()


def test_what_went_to_another_bill_cannot_be_restored(cafe):
    guest = guest_with(1000)
    code("TEN", 10, max_uses=1)
    voucher = held(cafe, guest)
    actor = cafe.staff.actor
    with_code, with_voucher = (
        record(cafe, guest, discount_code="TEN").visit,
        record(cafe, guest, voucher_codes=(voucher.code,)).visit,
    )
    for visit in (with_code, with_voucher):
        void_visit(actor=actor, visit_id=visit.pk)
    record(cafe, guest, discount_code="TEN", voucher_codes=(voucher.code,))
    with pytest.raises(CodeUsedUp):
        restore_visit(actor=actor, visit_id=with_code.pk)
    with pytest.raises(VoucherIsGone):
        restore_visit(actor=actor, visit_id=with_voucher.pk)
    assert_books_agree()


def test_moving_a_bill(cafe):
    guest, other = guest_with(1000), guest_with(phone=OTHER)
    card_of(2)
    code("TEN", 10, max_uses_per_guest=1)
    paid = record(cafe, guest, voucher_codes=(held(cafe, guest).code,)).visit
    with pytest.raises(PaidWithVoucher):
        move_visit(actor=cafe.staff.actor, visit_id=paid.pk, to_customer_id=other.pk)
    visit = record(cafe, guest, discount_code="TEN").visit
    move_visit(actor=cafe.staff.actor, visit_id=visit.pk, to_customer_id=other.pk)
    assert DiscountUse.objects.get().customer_id == other.pk
    assert StampEntry.objects.filter(customer=other).get().total_after == 1
    assert StampEntry.objects.filter(customer=guest).order_by("-sequence").first().total_after == 1
    assert record(cafe, guest, discount_code="TEN").visit.discount_amount == 40_000
    again = record(cafe, other).visit
    move_visit(actor=cafe.staff.actor, visit_id=again.pk, to_customer_id=guest.pk)
    assert_books_agree()


def test_an_edit_keeps_what_the_code_gave_and_judges_the_items_anew(cafe):
    guest = guest_with()
    card_of(5, counts="items", items=["لاته"])
    BonusRule.objects.create(name="لاته دوبرابر", kind="multiplier", factor=2, items=["لاته"])
    code("TEN", 10)
    visit = record(cafe, guest, 400_000, discount_code="TEN", items=(latte(),)).visit
    assert visit.points_earned == 360 + 90
    actor = cafe.staff.actor
    with pytest.raises(ValidationError) as error:
        edit_visit(actor=actor, visit_id=visit.pk, changes={"discount_amount": Decimal(39_999)})
    assert "discount_amount" in error.value.error_dict
    items = [latte(3).as_json()]
    edited = edit_visit(actor=actor, visit_id=visit.pk, changes={"items": items, "item_count": 3}).visit
    assert edited.points_earned == 360 + 270
    assert StampEntry.objects.order_by("-sequence").first().total_after == 3
    assert_books_agree()


def test_a_bonus_for_a_code(cafe):
    guest = guest_with()
    BonusRule.objects.create(name="یلدا", kind="points", points=50, campaign_code="YALDA")
    code("YALDA", 10)
    assert record(cafe, guest).earning.points == 400
    visit = record(cafe, guest, discount_code="yalda").visit
    assert visit.points_earned == 360 + 50
    edited = edit_visit(
        actor=cafe.staff.actor, visit_id=visit.pk, changes={"total_amount": Decimal(500_000)}
    ).visit
    assert edited.points_earned == 460 + 50, "the code still counts"
    assert_books_agree()


def test_many_points_ask_for_the_code_by_sms(cafe):
    guest = guest_with(5000)
    LoyaltyProgram.objects.update(confirm_above=Decimal(20_000), minimum_redemption=50)
    with pytest.raises(ValidationError):
        record(cafe, guest, points_to_redeem=49)
    record(cafe, guest, points_to_redeem=200)
    reward = reward_of(100)
    with pytest.raises(ConfirmationRequired) as asked:
        record(cafe, guest, points_to_redeem=150, reward_id=reward.pk)
    assert asked.value.details == {"points": 250, "threshold": 20_000}
    client = cafe.api("staff")
    body = {
        "customer_id": str(guest.pk), "total_amount": 400_000, "points_redeemed": 150, "reward_id": str(reward.pk),
    }  # fmt: skip
    answer = client.post("/api/crm/visits", body, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFIRMATION_REQUIRED")
    digits = _send(cafe, guest, 250)
    wrong = client.post("/api/crm/visits", body | {"confirmation_code": "x"}, format="json")
    assert wrong.json()["error"]["details"]["tries_left"] == 4, (
        "a wrong try counts although the visit is refused"
    )
    headers = {"HTTP_IDEMPOTENCY_KEY": "till-1"}
    first = client.post("/api/crm/visits", body | {"confirmation_code": digits}, format="json", **headers)
    assert first.status_code == 201, first.content
    again = client.post("/api/crm/visits", body | {"confirmation_code": digits}, format="json", **headers)
    assert (again.content, again["Idempotent-Replay"]) == (first.content, "true")
    assert_books_agree()


def _send(cafe, guest, points) -> str:
    """Send a code with digits the test knows."""
    from loyalty.services import confirmation

    row = confirmation._send(cafe.staff.actor, guest, points, draw=lambda _most: 1234)
    assert row.points == points
    return "1234"


def test_a_reward_that_costs_too_much_names_the_field(cafe):
    guest = guest_with(50)
    with pytest.raises(RewardNotAvailable) as refused:
        record(cafe, guest, reward_id=reward_of(100).pk)
    assert refused.value.details["field"] == "reward_id"
    assert (Visit.objects.count(), LoyaltyAccount.objects.get().balance) == (0, 50)
