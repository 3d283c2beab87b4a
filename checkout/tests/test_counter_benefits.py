"""The counter with codes, vouchers and rewards: in the browser by keyboard, and its parts."""

import re
from decimal import Decimal

import pytest
from django_tenants.utils import tenant_context

from checkout.tests.invariants import assert_books_agree
from checkout.tests.stack import running_stack
from customers.models import Visit
from loyalty.models import BonusRule, DiscountCode, LoyaltyProgram, RedemptionCode, Voucher
from loyalty.services.rewards import redeem_reward
from loyalty.tests.codes_at_hand import code
from loyalty.tests.shelf import card_of, guest_with, reward_of
from servaan_crm.messaging.models import Message


def form(guest, **fields):
    """What the counter's form sends: amounts in toman."""
    return {
        "customer_id": str(guest.pk), "total_amount": "40000", "items": "{}", "idempotency_key": "key-1", **fields,
    }  # fmt: skip


def test_the_card_offers_what_the_guest_can_have(cafe):
    guest = guest_with(5200)
    dear, cheap = reward_of(9000, name="گران"), reward_of(100, name="ارزان")
    held = redeem_reward(actor=cafe.staff.actor, customer_id=guest.pk, reward_id=cheap.pk)
    shown = cafe.browser("staff").get(f"/counter/guest/{guest.pk}/").content.decode()
    assert f'data-voucher="{held.code}"' in shown
    assert f'data-reward="{cheap.pk}"' in shown
    assert str(dear.pk) not in shown
    assert 'data-tier-percent="5' in shown


def test_one_field_takes_code_and_vouchers_and_the_preview_names_each_part(cafe):
    guest = guest_with(500)
    code("YALDA", 10, name="شب یلدا")
    BonusRule.objects.create(name="جشن", kind="points", points=40, campaign_code="YALDA")
    held = redeem_reward(
        actor=cafe.staff.actor, customer_id=guest.pk, reward_id=reward_of(100, name="بن من").pk
    )
    client, typed = cafe.browser("staff"), f" yalda {held.code[:5].lower()}-{held.code[5:]} "
    shown = client.get("/counter/preview/", form(guest, codes=typed)).content.decode()
    for text in ("YALDA", "بن من", "جشن", "۳۱٬۰۰۰ تومان"):
        assert text in shown
    unknown = client.get("/counter/preview/", form(guest, codes="nothing")).content.decode()
    assert "NOTHING" in unknown
    two = client.get("/counter/preview/", form(guest, codes="one two")).content.decode()
    assert 'role="alert"' in two
    assert client.post("/counter/record/", form(guest, codes="nothing")).status_code == 422
    answer = client.post("/counter/record/", form(guest, codes=typed))
    assert answer.status_code == 200
    assert "شب یلدا" not in answer.content.decode()
    assert "YALDA" in answer.content.decode()
    assert Visit.objects.get().final_amount == 310_000
    assert_books_agree()


def test_the_guest_s_code_by_sms_at_the_counter(cafe):
    guest = guest_with(5000)
    LoyaltyProgram.objects.update(confirm_above=Decimal(10_000))
    client = cafe.browser("staff")
    asked = client.post("/counter/record/", form(guest, points_to_redeem="200"))
    assert (asked.status_code, asked["HX-Retarget"]) == (422, "#bill-errors")
    assert "confirmation_code" in asked.content.decode()
    assert RedemptionCode.objects.count() == 1
    digits = re.search(r"\b[0-9]{4}\b", Message.objects.get().body)[0]
    wrong = str((int(digits) + 1) % 10_000).zfill(4)
    refused = client.post("/counter/record/", form(guest, points_to_redeem="200", confirmation_code=wrong))
    assert refused.status_code == 422
    assert RedemptionCode.objects.get().attempts == 1, "the try counts although nothing was recorded"
    fields = form(guest, points_to_redeem="200", confirmation_code=digits)
    first = client.post("/counter/record/", fields)
    assert first.status_code == 200, first.content
    assert client.post("/counter/record/", fields).content == first.content
    assert Visit.objects.get().points_redeemed == 200
    assert_books_agree()


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_code_and_reward_by_keyboard(fresh_cafe, tmp_path, chromium_page):
    cast, page = fresh_cafe(), chromium_page
    guest = guest_with(900, phone="+989351112233", name="مریم کریمی")
    code("YALDA", 10, max_uses_per_guest=1)
    reward_of(300, name="کیک روز")
    card_of(2)
    with running_stack(tmp_path) as stack:
        stack.start_redis()
        stack.start_web()
        page.goto(f"http://{cast.host}:{stack.port}/counter/")
        page.fill("[name=username]", "staff")
        page.fill("[name=password]", "servaan-demo")
        page.keyboard.press("Enter")
        page.wait_for_selector("#phone:focus")
        page.keyboard.type("0935111")
        page.wait_for_selector("[data-match] >> text=مریم کریمی")
        page.keyboard.press("Enter")
        page.wait_for_selector("#total_amount:focus")
        page.keyboard.type("40000")
        # A scanner types the code and Enter: it counts, and the bill is not saved by it.
        page.focus("#codes")
        page.keyboard.type("yalda")
        page.keyboard.press("Enter")
        page.wait_for_selector("#offers-state >> text=YALDA")
        assert Visit.objects.count() == 0
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.wait_for_selector("#offers-state >> text=کیک روز")
        page.focus("#total_amount")
        page.keyboard.press("Enter")
        page.wait_for_selector("[data-receipt] >> text=کیک روز")
        visit = Visit.objects.get()
        assert (visit.customer_id, visit.discount_amount) == (guest.pk, 40_000 + 50_000)
        assert DiscountCode.objects.get().times_used == 1
        page.click("[data-undo]")
        page.wait_for_selector("text=مراجعه پس گرفته شد")
        assert DiscountCode.objects.get().times_used == 0
        assert Voucher.objects.get().status == "cancelled"
        with tenant_context(cast.cafe):
            assert_books_agree()
    assert [problem for problem in page.problems if "422" not in problem] == []
