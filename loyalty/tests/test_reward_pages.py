"""The pages of rewards, vouchers and stamp cards, as staff use them."""

from decimal import Decimal

from loyalty.models import RedemptionCode, Reward, StampCard, Voucher
from loyalty.services import update_program
from loyalty.services.rewards import redeem_reward
from loyalty.tests.shelf import SOMEBODY, card_of, guest_with, reward_of
from loyalty.tests.test_confirmation import codes_sent
from loyalty.tests.test_rewards import balance
from loyalty.voucher_codes import grouped

FORM = {"name": "لاتهٔ مهمان", "kind": "amount", "amount": "۵٬۰۰۰", "points_cost": "۲۵۰", "voucher_days": "۳۰",
        "is_active": "on"}  # fmt: skip


def test_a_manager_makes_and_changes_a_reward(cafe):
    browser = cafe.browser("manager")
    assert "/loyalty/rewards/new/" in browser.get("/loyalty/rewards/").content.decode()
    assert browser.post("/loyalty/rewards/new/", FORM).status_code == 302
    reward = Reward.objects.get()
    assert (reward.value, reward.points_cost) == (50_000, 250)
    url = f"/loyalty/rewards/{reward.pk}/"
    page = browser.get(url)
    seen = page.context["form"].initial["seen"]
    Reward.objects.update(stock=3)
    shown = FORM | {"seen": seen, "stock": "۵", "stock_shown": "5", "price_gold": "۲۰۰"}
    assert browser.post(url, shown).status_code == 302
    reward.refresh_from_db()
    assert (reward.stock, reward.points_by_tier) == (3, {"gold": 200})  # sold meanwhile, not put back
    stale = browser.post(url, FORM | {"seen": seen, "name": "کهنه"})
    assert stale.status_code == 409
    bad = browser.post(url, FORM | {"amount": "۰", "points_cost": "۰"})
    assert bad.status_code == 422
    assert set(bad.context["form"].errors) >= {"points_cost"}
    card = browser.post("/loyalty/rewards/preview/", FORM | {"points_cost": "۹۹"})
    assert "۹۹ امتیاز" in card.content.decode() or "۹۹" in card.content.decode()
    assert Reward.objects.count() == 1


def test_staff_look_but_do_not_touch(cafe):
    reward = reward_of()
    page = cafe.browser("staff").get("/loyalty/rewards/").content.decode()
    assert reward.name in page
    assert "/loyalty/rewards/new/" not in page
    assert cafe.browser("staff").post(f"/loyalty/rewards/{reward.pk}/switch/").status_code == 403


def test_a_code_is_found_however_it_is_typed_and_cancelled_on_its_page(cafe):
    guest = guest_with(300)
    voucher = redeem_reward(actor=SOMEBODY, customer_id=guest.pk, reward_id=reward_of(100).pk)
    browser, url = cafe.browser("staff"), f"/loyalty/vouchers/{voucher.pk}/"
    found = browser.get("/loyalty/vouchers/", {"search": grouped(voucher.code).lower()})
    assert (found.status_code, found["Location"]) == (302, url)
    assert grouped(voucher.code) in browser.get("/loyalty/vouchers/", {"search": guest.name}).content.decode()
    page = browser.get(url).content.decode()
    assert 'class="qr"' in page
    assert browser.post(f"{url}cancel/", {"reason": "پشیمان شد"}).status_code == 302
    assert balance(guest) == 300
    page = browser.get(url).content.decode()
    assert "پشیمان شد" in page
    assert 'class="qr"' not in page


def test_a_guest_confirms_a_large_redemption_on_the_profile(cafe):
    update_program(actor=cafe.owner.actor, changes={"confirm_above": Decimal(20_000)})
    guest, reward, later = guest_with(500), reward_of(300), reward_of(900)
    browser, part = cafe.browser("staff"), f"/loyalty/guests/{guest.pk}/rewards/"
    first = browser.get(part).content.decode()
    assert reward.name in first
    assert str(later.pk) not in first
    buy = f"{part}{reward.pk}/redeem/"
    assert 'name="send"' in browser.post(buy).content.decode()
    assert 'name="code"' in browser.post(buy, {"send": "yes"}).content.decode()
    [code] = codes_sent(guest)
    wrong = f"{(int(code) + 1) % 10_000:04}"
    assert "field-error" in browser.post(buy, {"code": wrong}).content.decode()
    done = browser.post(buy, {"code": code})
    voucher = Voucher.objects.get()
    assert grouped(voucher.code) in done.content.decode()
    assert (RedemptionCode.objects.get().attempts, balance(guest)) == (2, 200)


def test_a_double_click_is_one_voucher(cafe):
    guest, reward = guest_with(500), reward_of(100)
    browser, part = cafe.browser("staff"), f"/loyalty/guests/{guest.pk}/rewards/"
    once = browser.get(part).context["once"]
    answers = [browser.post(f"{part}{reward.pk}/redeem/", {"once": once}) for _ in range(2)]
    code = grouped(Voucher.objects.get().code)
    assert all(code in answer.content.decode() for answer in answers)
    assert balance(guest) == 400


def test_stamp_cards_are_made_and_shown(cafe):
    browser = cafe.browser("manager")
    form = {"name": "دهمین قهوه", "counts": "items", "stamps_needed": "۱۰", "items": "لاته\n اسپرسو ", "points": "۵۰",
            "is_active": "on"}  # fmt: skip
    assert browser.post("/loyalty/stamp-cards/new/", form | {"points": ""}).status_code == 422
    assert browser.post("/loyalty/stamp-cards/new/", form).status_code == 302
    card = StampCard.objects.get()
    assert (card.items, card.points, card.stamps_needed) == (["لاته", "اسپرسو"], 50, 10)
    assert card.name in browser.get("/loyalty/stamp-cards/").content.decode()
    assert browser.post(f"/loyalty/stamp-cards/{card.pk}/", form | {"stamps_needed": "۱۲"}).status_code == 302
    assert browser.post(f"/loyalty/stamp-cards/{card.pk}/delete/").status_code == 302
    assert not StampCard.objects.exists()


def test_stamps_of_a_guest_over_http(cafe):
    guest = guest_with()
    card = card_of(4)
    answer = cafe.api("staff").get(f"/api/crm/customers/{guest.pk}/loyalty/stamps").json()["data"]["stamps"]
    assert [(row["stamp_card_id"], row["stamps"], row["stamps_missing"]) for row in answer] == [
        (str(card.pk), 0, 4)
    ]
