"""The catalogue, buying, vouchers on bills, and the code by SMS, in one café."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import MenuItem, Visit
from loyalty.models import LedgerEntry, LoyaltyAccount, RedemptionCode, Reward, Voucher
from loyalty.reward_errors import (
    ConfirmationFailed,
    ConfirmationTooSoon,
    RewardNotAvailable,
    VoucherClosed,
    VoucherNotUsable,
)
from loyalty.selectors.rewards import offers_for
from loyalty.services import confirmation, update_program
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
from servaan_crm.messaging.models import Message

API = "/api/crm/loyalty"


def buy(guest, reward, **more):
    return redeem_reward(actor=SOMEBODY, customer_id=guest.pk, reward_id=reward.pk, **more)


def balance(guest):
    return LoyaltyAccount.objects.get(customer=guest).balance


def codes_sent(guest):
    texts = Message.objects.filter(customer_id=guest.pk, kind="confirmation_code").order_by("id")
    return ["".join(filter(str.isdigit, text.body.split("\n")[0]))[:4] for text in texts]


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


# ---------- the code by SMS ----------


@pytest.fixture
def careful(cafe):
    """A café that asks for a code above 20,000 rial: 200 points."""
    update_program(actor=cafe.owner.actor, changes={"confirm_above": Decimal(20_000)})
    return cafe


def test_a_large_redemption_needs_the_code_and_uses_it_up(careful):
    guest, reward, api = guest_with(1_000), reward_of(300), careful.api("staff")
    url, body = f"{API}/rewards/{reward.pk}/redeem", {"customer_id": str(guest.pk)}
    refused = api.post(url, body, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFIRMATION_REQUIRED")
    assert refused.json()["error"]["details"] == {"points": 300, "threshold": 20_000}
    sent = api.post(f"{API}/confirmations", body | {"points": 300}, format="json")
    assert sent.status_code == 202
    [code] = codes_sent(guest)
    assert code not in sent.content.decode()
    assert code not in RedemptionCode.objects.get().code_hash
    headers = {"Idempotency-Key": "once"}
    good = body | {"confirmation_code": to_persian(code)}
    first, again = (api.post(url, good, format="json", headers=headers) for _ in range(2))
    assert (first.status_code, first.content) == (201, again.content)
    used_up = api.post(url, good, format="json")
    assert used_up.json()["error"]["code"] == "CONFIRMATION_FAILED"
    small = {"customer_id": str(guest.pk), "points": 200, "reward_type": "discount"}
    assert api.post(f"{API}/redeem-points", small, format="json").status_code == 201
    large = api.post(f"{API}/redeem-points", small | {"points": 201}, format="json")
    assert large.json()["error"]["code"] == "CONFIRMATION_REQUIRED"
    assert balance(guest) == 500


def test_wrong_tries_count_although_the_request_is_refused(careful):
    guest, api = guest_with(1_000), careful.api("staff")
    confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    [code] = codes_sent(guest)
    wrong = f"{(int(code) + 1) % 10_000:04}"
    body = {"customer_id": str(guest.pk), "points": 400, "reward_type": "item", "confirmation_code": wrong}
    for number in range(5):
        headers = {"Idempotency-Key": f"till-{number}"}
        answer = api.post(f"{API}/redeem-points", body, format="json", headers=headers)
        assert answer.json()["error"]["details"]["tries_left"] == 4 - number
    answer = api.post(f"{API}/redeem-points", body | {"confirmation_code": code}, format="json")
    assert answer.json()["error"]["code"] == "CONFIRMATION_FAILED"
    assert balance(guest) == 1_000


def test_a_code_is_of_one_guest_for_so_many_points_for_five_minutes(careful):
    guest, other = guest_with(1_000), guest_with(1_000, phone="+989121110033")
    first = confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    with pytest.raises(ConfirmationTooSoon) as refusal:
        confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    assert 0 < refusal.value.details["retry_after"] <= 60
    RedemptionCode.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=500)
    old, new = codes_sent(guest)
    check = confirmation.check_code
    if old != new:
        with pytest.raises(ConfirmationFailed):
            check(customer_id=guest.pk, code=old, points=400)
    with pytest.raises(ConfirmationFailed):
        check(customer_id=other.pk, code=new, points=400)
    with pytest.raises(ConfirmationFailed):
        check(customer_id=guest.pk, code=new, points=501)
    confirmed = check(customer_id=guest.pk, code=new, points=500)
    assert confirmed.pk != first.pk
    with pytest.raises(ConfirmationFailed):
        buy(other, reward_of(300), confirmed=confirmed)
    RedemptionCode.objects.filter(pk=confirmed.pk).update(expires_at=timezone.now())
    with pytest.raises(ConfirmationFailed):
        buy(guest, reward_of(300), confirmed=confirmed)
    assert balance(guest) == balance(other) == 1_000


def test_five_codes_an_hour(careful):
    guest = guest_with(1_000)
    for number in range(5):
        confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
        moment = timezone.now() - timedelta(minutes=30 - number)
        RedemptionCode.objects.filter(created_at__gt=timezone.now() - timedelta(minutes=1)).update(
            created_at=moment
        )
    with pytest.raises(ConfirmationTooSoon) as refusal:
        confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    assert 1_700 < refusal.value.details["retry_after"] <= 1_801


def test_nobody_reads_the_code_on_a_screen(careful):
    guest = guest_with(1_000)
    confirmation.send_code(actor=SOMEBODY, customer_id=guest.pk, points=400)
    [code] = codes_sent(guest)
    message = Message.objects.get(kind="confirmation_code")
    pages = [
        careful.browser("manager").get(f"/admin/messaging/message/{message.pk}/change/"),
        careful.browser("manager").get("/admin/messaging/message/"),
        careful.api("manager").get(f"/api/crm/customers/{guest.pk}/communications"),
        careful.browser("manager").get(f"/customers/{guest.pk}/communications/"),
    ]
    for page in pages[:3]:
        assert page.status_code == 200
    for page in pages:
        assert code not in page.content.decode().replace(str(message.pk), "")
    assert "••••" in pages[0].content.decode()
    assert "••••" in pages[2].content.decode()
