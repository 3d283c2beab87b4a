"""The guest's card: who it opens for, what it shows, what it weighs, and how its link travels."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, record_visit
from checkout.tests.test_concurrency import run_together
from customers.merging.services import merge_customers
from customers.models import Customer
from customers.services.customers import delete_customer, update_customer
from customers.services.privacy import erase_customer
from customers.tests.factories import ACTOR, make_customer
from loyalty.card_links import card_token, new_key, read_card_token
from loyalty.models import GuestCard, LoyaltyProgram, Reward
from loyalty.services import award_points
from loyalty.services.guest_card import card_link
from loyalty.services.referral import referral_code_of
from loyalty.services.rewards import create_reward, redeem_reward
from loyalty.services.stamp_cards import create_stamp_card
from servaan_crm.core.events import dispatch_pending
from servaan_crm.l10n.digits import to_persian
from servaan_crm.messaging.gateways.web_push.keys import new_private_key
from servaan_crm.messaging.models import Channel, Message, ProviderAccount

LIMIT = 60 * 1024


def path_of(guest: Customer, **options: Any) -> str:
    link = card_link(actor=ACTOR, customer_id=guest.pk, origin="http://x", **options)
    return link.url.removeprefix("http://x")


def shelf(points: int = 200, rewards: int = 3) -> list[Reward]:
    return [
        create_reward(
            actor=ACTOR,
            values={
                "name": f"قهوهٔ دمی شمارهٔ {number}", "kind": "amount", "value": Decimal(90_000),
                "points_cost": points + number * 100,
            },
        )
        for number in range(rewards)
    ]  # fmt: skip


def rich_guest(cast: Any) -> Customer:
    """A guest with everything a card can show, and more of it than it shows."""
    LoyaltyProgram.objects.update(
        referral_is_active=True, referrer_points=100, friend_points=40, expiry_months=6
    )
    guest = make_customer(1, "نگار احمدی تبریزی")
    create_stamp_card(actor=ACTOR, values={"name": "کارت قهوه", "stamps_needed": 10, "points": 50})
    award_points(actor=ACTOR, customer_id=guest.pk, points=9000, reason="هدیهٔ افتتاحیه")
    for reward in shelf(rewards=9):
        redeem_reward(actor=ACTOR, customer_id=guest.pk, reward_id=reward.pk)
    for _number in range(4):
        bill = VisitRequest(customer_id=guest.pk, total_amount=Decimal(800_000))
        record_visit(actor=cast.staff.actor, request=bill)
    dispatch_pending()
    return guest


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    cache.clear()


def test_the_card_shows_the_guest_everything_in_the_cafes_language(cafe: Any) -> None:
    guest = rich_guest(cafe)
    client = cafe.browser(None)
    client.cookies["servaan_language"] = "en"  # a choice made for another page of this café
    answer = client.get(path_of(guest))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'lang="fa" dir="rtl"' in text
    assert "نگار احمدی تبریزی" in text
    assert to_persian(f"{guest_balance(guest):,}").replace(",", "٬") in text
    assert referral_code_of(guest.pk) in text
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg"') + text.count('class="qr"') >= 4
    assert "کارت قهوه" in text
    assert "/c/" in text
    assert guest.phone not in text
    assert guest.national_phone not in text
    assert "<script" not in text
    assert not re.search(r"<[^>]+ style=", text)
    assert 'name="robots" content="noindex' in text


def guest_balance(guest: Customer) -> int:
    guest.summary.refresh_from_db()
    return int(guest.summary.points)


def test_headers_keep_the_card_private(cafe: Any) -> None:
    path = path_of(make_customer(1))
    for address in (path, f"{path}card.webmanifest", "/card/nothing/"):
        answer = cafe.browser(None).get(address)
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert "sessionid" not in answer.cookies


def test_the_whole_card_travels_in_less_than_sixty_kilobytes(cafe: Any) -> None:
    """Page, manifest, script, worker, styles, fonts and icons that page or styles name, compressed as the server
    sends them."""
    ProviderAccount.objects.create(
        name="push", adapter="web_push", channel=Channel.PUSH, api_key=new_private_key()
    )
    client = cafe.browser(None)
    path = path_of(rich_guest(cafe))
    page = client.get(path).content
    sizes = {"page": len(gzip.compress(page, 6))}
    sizes["manifest"] = len(client.get(f"{path}card.webmanifest").content)
    sizes["worker"] = len(client.get(f"{path}worker.js").content)
    names = set(re.findall(rb'(?:href|src)="/static/([^"?]+)"', page))
    while names:
        name = names.pop().decode()
        found = finders.find(name)
        assert isinstance(found, str), name
        with open(found, "rb") as file:
            body = file.read()
        sizes[name] = len(body) if name.endswith((".woff2", ".png")) else len(gzip.compress(body, 6))
        if name.endswith(".css"):
            fonts = re.findall(rb'url\("?\.\./([^")]+)"?\)', body)
            names |= {font for font in fonts if font.decode() not in sizes}
    assert {"css/public.css", "loyalty/card.css", "loyalty/card_push.js"} <= set(sizes)
    assert sum(sizes.values()) < LIMIT, sizes


def test_the_number_of_queries_does_not_grow(cafe: Any) -> None:
    guest = rich_guest(cafe)
    path, client = path_of(guest), cafe.browser(None)
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(path)
    for reward in Reward.objects.all():
        redeem_reward(actor=ACTOR, customer_id=guest.pk, reward_id=reward.pk)
    shelf(points=5000, rewards=9)
    create_stamp_card(actor=ACTOR, values={"name": "چای", "stamps_needed": 5, "points": 20})
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) == len(few)
    assert len(few) <= 20


def test_a_link_opens_one_card_of_one_cafe(cafe: Any, other_cafe: Any) -> None:
    guest = make_customer(1, "نگار احمدی")
    path = path_of(guest)
    token = path.split("/")[2]
    assert re.fullmatch(r"[0-9A-Za-z]{16}", token)
    assert path_of(guest) == path
    for wrong in (
        token[:-1],
        token + "a",
        token.swapcase(),
        token[8:] + token[:8],
        card_token(new_key()),
        "é" * 16,
    ):
        answer = cafe.browser(None).get(f"/card/{wrong}/")
        assert answer.status_code == 404
        assert "نگار" not in answer.content.decode()
    with tenant_context(other_cafe.cafe):
        # Even the same key in the neighbour's table has another signature there.
        namesake = make_customer(1, "همسایه")
        GuestCard.objects.create(customer=namesake, key=token[:8], renewed_at=timezone.now())
        assert read_card_token(token) is None
    assert other_cafe.browser(None).get(path).status_code == 404


def test_an_older_secret_still_opens_while_it_is_kept(cafe: Any, settings: Any) -> None:
    path = path_of(make_customer(1))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [django_settings.SECRET_KEY], "another" * 8
    assert cafe.browser(None).get(path).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert cafe.browser(None).get(path).status_code == 404


def test_a_renewed_link_makes_the_older_one_worthless(cafe: Any) -> None:
    guest = make_customer(1)
    old = path_of(guest)
    new = path_of(guest, renew=True)
    assert cafe.browser(None).get(old).status_code == 404
    assert cafe.browser(None).get(new).status_code == 200


@pytest.mark.parametrize("how", ["blocked", "deleted", "erased", "club off"])
def test_no_data_for_who_is_gone(cafe: Any, how: str) -> None:
    guest = make_customer(1, "نگار احمدی")
    path = path_of(guest)
    if how == "blocked":
        changes = {"status": "blocked", "block_reason": "تقلب"}
        update_customer(actor=ACTOR, customer_id=guest.pk, expected_version=None, changes=changes)
    elif how == "club off":
        cafe.cafe.features = {**cafe.cafe.features, "loyalty": False}
        type(cafe.cafe).objects.filter(pk=cafe.cafe.pk).update(features=cafe.cafe.features)
    else:
        delete_customer(actor=ACTOR, customer_id=guest.pk)
        if how == "erased":
            erase_customer(actor=ACTOR, customer_id=guest.pk)
            dispatch_pending()
            assert not GuestCard.objects.exists()
    for address in (path, f"{path}card.webmanifest"):
        answer = cafe.browser(None).get(address)
        assert answer.status_code == 404
        assert "نگار" not in answer.content.decode()


def test_the_link_of_a_merged_record_shows_the_kept_guest(cafe: Any) -> None:
    kept, merged = make_customer(1, "نگار احمدی"), make_customer(2, "نگار الف")
    path = path_of(merged)
    merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
    assert "نگار احمدی" in cafe.browser(None).get(path).content.decode()


def test_the_manifest_starts_at_this_card(cafe: Any) -> None:
    path = path_of(make_customer(1))
    answer = cafe.browser(None).get(f"{path}card.webmanifest")
    body = json.loads(answer.content)
    assert answer["Content-Type"] == "application/manifest+json"
    assert (body["start_url"], body["scope"], body["dir"]) == (path, path, "rtl")
    assert body["theme_color"]
    assert {icon["sizes"] for icon in body["icons"]} >= {"512x512", "any"}


def test_a_card_is_not_asked_for_without_end(cafe: Any, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"guest_card": 3, "guest_card_ip": 5}
    path, client = path_of(make_customer(1)), cafe.browser(None)
    codes = [client.get(path, REMOTE_ADDR=f"10.0.1.{n}").status_code for n in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    guesses = [client.get(f"/card/{n:016}/", REMOTE_ADDR="10.0.2.2").status_code for n in range(7)]
    assert guesses == [404] * 5 + [429] * 2


def test_the_link_goes_out_once_an_hour_and_once_per_key(cafe: Any) -> None:
    guest = make_customer(1)
    api, address = cafe.api("staff"), f"/api/crm/customers/{guest.pk}/loyalty/card-link"
    shown = api.post(address, {}, format="json").json()["data"]
    assert shown["message"] is None
    assert not Message.objects.exists()
    key = {"Idempotency-Key": "send-1"}
    first = api.post(address, {"send": True}, format="json", headers=key).json()["data"]
    assert api.post(address, {"send": True}, format="json", headers=key).json()["data"] == first
    again = api.post(address, {"send": True}, format="json").json()["data"]
    assert (again["link"], again["message"]["queued_before"]) == (first["link"], True)
    message = Message.objects.get()
    assert (message.purpose, message.recipient, message.customer_id) == (
        "transactional",
        guest.phone,
        guest.pk,
    )
    assert message.body.endswith(first["link"])
    renewed = api.post(address, {"send": True, "renew": True}, format="json").json()["data"]
    assert renewed["link"] != first["link"]
    Message.objects.update(created_at=timezone.now() - timedelta(minutes=61))
    api.post(address, {"send": True}, format="json")
    assert Message.objects.count() == 3
    changes = {"status": "blocked", "block_reason": "تقلب"}
    update_customer(actor=ACTOR, customer_id=guest.pk, expected_version=None, changes=changes)
    refused = api.post(address, {"send": True}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CUSTOMER_BLOCKED")


def test_many_who_press_the_button_send_one_message(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    with tenant_context(cast.cafe):
        guest = make_customer(1)

        def press() -> str:
            return card_link(actor=ACTOR, customer_id=guest.pk, origin="http://x", send=True).url

        results = run_together(cast, [press] * 6)
        assert len(set(results)) == 1
        assert isinstance(results[0], str)
        assert Message.objects.count() == 1
