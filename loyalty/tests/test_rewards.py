"""The catalogue, buying, vouchers on bills, and the code by SMS, in one café."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import MenuItem, Visit
from loyalty.models import LedgerEntry, LoyaltyAccount, Reward, Voucher
from loyalty.reward_errors import (
    RewardNotAvailable,
    VoucherClosed,
    VoucherNotUsable,
)
from loyalty.selectors.rewards import offers_for
from loyalty.services.rewards import create_reward, redeem_reward, update_reward
from loyalty.services.vouchers import (
    cancel_voucher,
    expire_vouchers,
    issue,
    lock_voucher,
    mark_used,
    quote,
    release,
)
from loyalty.tests.shelf import SOMEBODY, guest_with, reward_of
from loyalty.voucher_codes import ALPHABET, LENGTH, grouped, new_code, normalise, qr_svg
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.errors import EditConflict, PermissionDenied
from servaan_crm.l10n.digits import to_persian
from servaan_crm.l10n.jalali import local_date

API = "/api/crm/loyalty"


def buy(guest, reward, **more):
    return redeem_reward(actor=SOMEBODY, customer_id=guest.pk, reward_id=reward.pk, **more)


def balance(guest):
    return LoyaltyAccount.objects.get(customer=guest).balance


# ---------- the catalogue ----------


def test_every_bad_field_is_named(cafe):
    bad = {
        "name": " ", "kind": "percent", "value": Decimal(101), "points_cost": 0, "max_discount": Decimal(-1),
        "points_by_tier": {"gold": "x"}, "voucher_days": 0, "weekdays": [7], "per_guest_limit": 0,
        "valid_from": local_date(timezone.now()), "valid_until": local_date(timezone.now()) - timedelta(days=1),
        "outlets": ["00000000-0000-7000-8000-000000000000"],
    }  # fmt: skip
    with pytest.raises(ValidationError) as refusal:
        create_reward(actor=SOMEBODY, values=bad)
    assert set(refusal.value.message_dict) == set(bad) - {"kind", "valid_from"}
    with pytest.raises(ValidationError) as refusal:
        create_reward(actor=SOMEBODY, values={"name": "لاته", "kind": "item", "points_cost": 5, "value": 0})
    assert set(refusal.value.message_dict) == {"item_name"}


def test_a_change_from_an_old_page_is_refused_but_a_sale_is_no_change(cafe):
    reward, guest = reward_of(100, stock=3), guest_with(100)
    seen = reward.updated_at
    buy(guest, reward)
    changed = update_reward(actor=SOMEBODY, reward_id=reward.pk, changes={"name": "نو"}, seen=seen)
    assert (changed.name, changed.stock) == ("نو", 2)
    with pytest.raises(EditConflict):
        update_reward(actor=SOMEBODY, reward_id=reward.pk, changes={"name": "کهنه"}, seen=seen)
    url = f"{API}/rewards/{reward.pk}"
    tag = cafe.api().get(url)["ETag"]
    assert cafe.api().patch(url, {"stock": 9}, format="json", headers={"If-Match": tag}).status_code == 200
    assert cafe.api().patch(url, {"stock": 8}, format="json", headers={"If-Match": tag}).status_code == 409
    assert Reward.objects.get().stock == 9


def test_a_free_item_has_the_price_of_the_menu_of_today(cafe):
    item = MenuItem.objects.create(name="لاته", price=900_000)
    reward, guest = reward_of(100, kind="item", item_name="لاته ", value=Decimal(1)), guest_with(300)
    assert (reward.item_name, reward.value) == ("لاته", 900_000)
    voucher = buy(guest, reward)
    MenuItem.objects.filter(pk=item.pk).update(price=1_200_000)
    [offer] = offers_for(guest)
    assert offer.value == 1_200_000
    assert voucher.entry.related_amount == 900_000
    [quoted] = quote(guest, [voucher.code], total=Decimal(5_000_000))
    assert quoted.discount == 1_200_000
    on_the_bill = [{"name": "لاته", "quantity": 1, "unit_price": 1_000_000, "total_price": 1_000_000}]
    [quoted] = quote(guest, [voucher.code], total=Decimal(5_000_000), items=on_the_bill)
    assert quoted.discount == 1_000_000


def test_what_stands_in_the_way_is_said_and_holds(cafe):
    today = local_date(timezone.now())
    guest = guest_with(500)
    cases = {
        "": {}, "off": {"is_active": False}, "not_yet": {"valid_from": today + timedelta(days=1)},
        "over": {"valid_until": today - timedelta(days=1)}, "sold_out": {"stock": 0}, "tier": {"min_tier": "gold"},
        "points": {"points_cost": 501},
    }  # fmt: skip
    rewards = {reason: reward_of(100, **values) for reason, values in cases.items()}
    found = {offer.reward.pk: offer.reason for offer in offers_for(guest)}
    assert found == {reward.pk: reason for reason, reward in rewards.items() if reason != "off"}
    for reason, reward in rewards.items():
        if reason:
            with pytest.raises(RewardNotAvailable) as refusal:
                buy(guest, reward)
            assert refusal.value.details["reason"] == reason
    limited = reward_of(10, per_guest_limit=1)
    first = buy(guest, limited)
    with pytest.raises(RewardNotAvailable):
        buy(guest, limited)
    cancel_voucher(actor=SOMEBODY, voucher_id=first.pk)
    assert buy(guest, limited).status == "issued"


def test_a_tier_has_its_own_price(cafe):
    guest, reward = guest_with(1_200), reward_of(900, points_by_tier={"silver": 700})
    assert buy(guest, reward).points_paid == 700
    assert balance(guest) == 500


# ---------- buying over HTTP ----------


def test_redeem_over_http_once_per_key(cafe):
    guest, reward = guest_with(450), reward_of(200)
    body = {"customer_id": str(guest.pk)}
    send = lambda: cafe.api("staff").post(  # noqa: E731
        f"{API}/rewards/{reward.pk}/redeem", body, format="json", headers={"Idempotency-Key": "till-7"}
    )
    first, again = send(), send()
    assert (first.status_code, first.content) == (201, again.content)
    voucher = first.json()["data"]["voucher"]
    assert (voucher["status"], voucher["points_paid"], voucher["value"]) == ("issued", 200, 50_000)
    entry = LedgerEntry.objects.get(pk=voucher["transaction_id"])
    assert (entry.type, entry.points, entry.voucher.code) == ("redeemed_discount", -200, voucher["code"])
    listed = cafe.api("staff").get(f"{API}/rewards?customer_id={guest.pk}").json()["data"]["rewards"]
    assert listed[0]["offer"] == {
        "points": 200, "affordable": True, "reason": None, "reason_text": None, "missing_points": 0,
        "needs_confirmation": False,
    }  # fmt: skip
    shown = cafe.api("staff").get(f"{API}/vouchers/{voucher['code'].lower()}").json()["data"]["voucher"]
    assert shown == voucher
    taken = cafe.api("staff").post(f"{API}/vouchers/{voucher['id']}/cancel", {}, format="json")
    assert taken.json()["data"]["voucher"]["status"] == "cancelled"
    assert balance(guest) == 450
    assert_books_agree()


def test_the_neighbours_ids_lead_nowhere(cafe, other_cafe):
    from django_tenants.utils import tenant_context

    with tenant_context(other_cafe.cafe):
        theirs, reward = guest_with(500), reward_of(100)
        voucher = buy(theirs, reward)
    mine = reward_of(100)
    asked = [
        ("post", f"{API}/rewards/{reward.pk}/redeem", {"customer_id": str(theirs.pk)}),
        ("post", f"{API}/rewards/{mine.pk}/redeem", {"customer_id": str(theirs.pk)}),
        ("post", f"{API}/vouchers/{voucher.pk}/cancel", {}),
        ("post", f"{API}/vouchers/{voucher.pk}/use", {}),
        ("post", f"{API}/confirmations", {"customer_id": str(theirs.pk), "points": 5}),
        ("get", f"{API}/vouchers/{voucher.code}", None),
        ("get", f"{API}/rewards?customer_id={theirs.pk}", None),
    ]
    for method, url, body in asked:
        answer = getattr(cafe.api("owner"), method)(url, body, format="json")
        assert answer.status_code == 404, url
    with tenant_context(other_cafe.cafe):
        assert Voucher.objects.get().status == "issued"


# ---------- vouchers on a bill ----------


def visit_of(guest, total=400_000):
    request = VisitRequest(customer_id=guest.pk, total_amount=Decimal(total))
    return record_visit(actor=SOMEBODY, request=request).visit


def test_vouchers_come_off_one_after_the_other_and_come_back(cafe):
    guest = guest_with(500)
    fixed = buy(guest, reward_of(100))
    share = buy(
        guest, reward_of(100, kind="percent", value=Decimal(50), max_discount=Decimal(90_000), name="نیم")
    )
    visit = visit_of(guest)
    typed = [to_persian(grouped(fixed.code)).lower(), f" {share.code} "]
    quotes = quote(guest, typed, total=Decimal(200_000))
    assert [quoted.discount for quoted in quotes] == [50_000, 75_000]
    mark_used(quotes, visit)
    with pytest.raises(VoucherNotUsable) as refusal:
        quote(guest, [share.code], total=Decimal(1))
    assert refusal.value.details == {"voucher_code": share.code, "reason": "used"}
    Voucher.objects.filter(pk=share.pk).update(expires_on=local_date(timezone.now()) - timedelta(days=1))
    back = {voucher.code: voucher for voucher in release(visit)}
    assert {voucher.status for voucher in back.values()} == {"issued"}
    assert back[share.code].expires_on == local_date(timezone.now()) + timedelta(days=7)
    assert back[fixed.code].expires_on == fixed.expires_on


def test_a_reward_bought_on_a_bill_goes_with_it(cafe):
    from django.db import transaction

    from customers.services.visits import lock_customer
    from loyalty.selectors.program import get_rule_book
    from loyalty.services.ledger import account_of
    from loyalty.services.points import save_account
    from loyalty.services.rewards import redeem_reward_locked

    guest, reward = guest_with(500), reward_of(100, stock=1)
    visit = visit_of(guest, 1_000)
    with transaction.atomic():
        locked = lock_customer(customer_id=guest.pk)
        account = account_of(locked)
        voucher = redeem_reward_locked(
            actor=SOMEBODY, customer=locked, account=account, book=get_rule_book(), reward_id=reward.pk,
            visit=visit,
        )  # fmt: skip
        save_account(locked, account)
        mark_used(quote(locked, [voucher.code], total=Decimal(60_000)), visit)
    assert balance(guest) == 401
    release(visit)
    if Visit.objects.get(pk=visit.pk).voided_at is None:
        void_visit(actor=SOMEBODY, visit_id=visit.pk)
    voucher.refresh_from_db()
    assert (voucher.status, voucher.used_visit, Reward.objects.get().stock) == ("cancelled", None, 1)
    assert balance(guest) == 500
    assert_books_agree()


def test_refusals_name_the_code_and_the_reason(cafe):
    guest, other = guest_with(900), guest_with(100, phone="+989121110033")
    today = timezone.now()
    weekday = (local_date(today).weekday() + 1) % 7
    outlet = Outlet.objects.create(name="شعبهٔ دو")
    elsewhere = Outlet.objects.create(name="شعبهٔ سه")
    vouchers = {
        "another_guest": buy(other, reward_of(10)),
        "weekday": buy(guest, reward_of(10, weekdays=[weekday])),
        "outlet": buy(guest, reward_of(10, outlets=[outlet.pk])),
        "cancelled": buy(guest, reward_of(10)),
        "expired": buy(guest, reward_of(10)),
        "item": buy(guest, reward_of(10, kind="item", item_name="کیک", value=Decimal(5))),
    }
    cancel_voucher(actor=SOMEBODY, voucher_id=vouchers["cancelled"].pk)
    Voucher.objects.filter(pk=vouchers["expired"].pk).update(expires_on=local_date(today) - timedelta(days=1))
    lines = [{"name": "لاته", "quantity": 1, "unit_price": 5, "total_price": 5}]
    for reason, code in {**{key: row.code for key, row in vouchers.items()}, "unknown": new_code()}.items():
        with pytest.raises(VoucherNotUsable) as refusal:
            quote(guest, [code], total=Decimal(900_000), items=lines, outlet_id=elsewhere.pk)
        assert refusal.value.details == {"voucher_code": code, "reason": reason}
    code = buy(guest, reward_of(10)).code
    with pytest.raises(VoucherNotUsable) as refusal:
        quote(guest, [code, code], total=Decimal(900_000))
    assert refusal.value.details["reason"] == "repeated"


def test_the_night_ends_vouchers_once_and_keeps_their_points(cafe):
    guest = guest_with(300)
    old, fresh = buy(guest, reward_of(100)), buy(guest, reward_of(100))
    Voucher.objects.filter(pk=old.pk).update(expires_on=local_date(timezone.now()) - timedelta(days=1))
    with pytest.raises(VoucherClosed):
        cancel_voucher(actor=SOMEBODY, voucher_id=old.pk)
    assert [expire_vouchers(), expire_vouchers()] == [1, 0]
    assert [Voucher.objects.get(pk=row.pk).status for row in (old, fresh)] == ["expired", "issued"]
    assert balance(guest) == 100


def test_a_gift_is_issued_once_per_occasion_and_cancelled_by_managers(cafe):
    guest, reward = guest_with(), reward_of(100)
    _locked, gift = lock_voucher(
        issue(actor=SOMEBODY, customer=guest, source="campaign", reward=reward, source_reference="c:1").pk
    )
    again = issue(actor=SOMEBODY, customer=guest, source="campaign", reward=reward, source_reference="c:1")
    assert again.pk == gift.pk
    with pytest.raises(PermissionDenied):
        cancel_voucher(actor=SOMEBODY, voucher_id=gift.pk)
    assert cancel_voucher(actor=SOMEBODY, voucher_id=gift.pk, may_cancel_gifts=True).status == "cancelled"
    assert not LedgerEntry.objects.exists()


def test_codes_are_unguessable_readable_and_scannable():
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert len(ALPHABET) ** LENGTH > 10**13
    assert not set("01258ILOSUBVZ") & set("".join(codes))
    for code in list(codes)[:20]:
        assert normalise(to_persian(f" {grouped(code).lower()} ")) == code
    svg = qr_svg(new_code())
    assert svg.startswith("<svg")
    assert "#fff" in svg
