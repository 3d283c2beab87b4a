"""Push messages on the guest's card: who may subscribe, what a yes and a no leave behind, and where it all ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.cache import cache
from django_tenants.utils import tenant_context

from checkout.tests.test_concurrency import run_together
from customers.merging.services import merge_customers, undo_merge
from customers.models import ConsentChange, Customer
from customers.privacy import everything_of
from customers.selectors.consent import is_allowed
from customers.services.consent import set_consent
from customers.services.customers import delete_customer, update_customer
from customers.services.privacy import erase_customer
from customers.tests.factories import ACTOR, make_customer
from loyalty.services.card_push import take_push
from loyalty.services.guest_card import card_link
from servaan_crm.core.events import dispatch_pending
from servaan_crm.messaging.gateways.web_push.fake import FakeBrowser
from servaan_crm.messaging.gateways.web_push.keys import new_private_key, public_key
from servaan_crm.messaging.models import Channel, PushSubscription
from servaan_crm.messaging.models import ProviderAccount as Account
from servaan_crm.messaging.services.push import MOST_BROWSERS

KEY = new_private_key()
ROOT = "https://fcm.googleapis.com/fcm/send"


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    cache.clear()


def open_account(**fields: Any) -> Account:
    given = {"name": "push", "adapter": "web_push", "channel": Channel.PUSH, "api_key": KEY} | fields
    return Account.objects.create(**given)


def path_of(guest: Customer, **options: Any) -> str:
    return card_link(actor=ACTOR, customer_id=guest.pk, origin="http://x", **options).url.removeprefix(
        "http://x"
    )


def browser(name: str = "phone") -> dict[str, Any]:
    return FakeBrowser(name).subscription(ROOT)


def post(cast: Any, path: str, body: Any) -> Any:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return cast.browser(None).post(f"{path}push", content, content_type="application/json")


def forget(cast: Any, path: str, endpoint: Any) -> Any:
    body = json.dumps({"endpoint": endpoint})
    return cast.browser(None).delete(f"{path}push", body, content_type="application/json")


def test_the_button_is_there_only_with_an_active_account(cafe: Any) -> None:
    guest = make_customer(1)
    path, client = path_of(guest), cafe.browser(None)

    def page() -> str:
        return client.get(path).content.decode()

    assert "<script" not in page()
    assert client.get(f"{path}worker.js").status_code == 404
    assert post(cafe, path, browser()).status_code == 404
    account = open_account()
    assert f'data-push="{public_key(KEY)}"' in page()
    assert page().count("<script") == 1
    assert "data-on" not in page()
    account.api_key = "broken"
    account.save()
    assert "data-push" not in page()
    account.api_key, account.is_active = KEY, False
    account.save()
    assert "data-push" not in page()


def test_a_yes_keeps_the_browser_and_the_answer(cafe: Any) -> None:
    open_account()
    guest = make_customer(1)
    path, phone = path_of(guest), browser()
    assert post(cafe, path, phone).status_code == 201
    assert post(cafe, path, phone).status_code == 201
    row = PushSubscription.objects.get()
    assert (row.customer_id, row.endpoint) == (guest.pk, phone["endpoint"])
    assert {"p256dh": row.p256dh, "auth": row.auth} == phone["keys"]
    answer = ConsentChange.objects.get(customer=guest)
    assert (answer.channel, answer.granted, answer.source) == ("push", True, "link")
    assert "data-on" in cafe.browser(None).get(path).content.decode()


def test_a_yes_to_push_after_a_no_to_everything_opens_push_alone(cafe: Any) -> None:
    open_account()
    guest = make_customer(1)
    no = {"channel": "all", "granted": False, "source": ConsentChange.Source.LINK}
    set_consent(actor=ACTOR, customer_id=guest.pk, **no)
    path = path_of(guest)
    post(cafe, path, browser())
    guest.refresh_from_db()
    assert (is_allowed(guest, "push"), is_allowed(guest, "sms")) == (True, False)
    set_consent(actor=ACTOR, customer_id=guest.pk, **no)
    assert "data-on" not in cafe.browser(None).get(path).content.decode()  # the browser alone says nothing


def test_the_last_browser_takes_the_yes_along(cafe: Any) -> None:
    open_account()
    guest = make_customer(1)
    path, phone, tablet = path_of(guest), browser("phone"), browser("tablet")
    post(cafe, path, phone)
    post(cafe, path, tablet)
    assert forget(cafe, path, phone["endpoint"]).status_code == 200
    assert is_allowed(guest, "push")
    assert forget(cafe, path, phone["endpoint"]).status_code == 200
    assert is_allowed(guest, "push")
    assert forget(cafe, path, tablet["endpoint"]).status_code == 200
    assert not PushSubscription.objects.exists()
    guest.refresh_from_db()
    assert not is_allowed(guest, "push")
    assert is_allowed(guest, "sms")


def test_what_is_no_subscription_changes_nothing(cafe: Any, settings: Any) -> None:
    settings.LOCAL_GATEWAYS = False
    open_account()
    guest = make_customer(1)
    path, good = path_of(guest), browser()
    for bad in (
        "", "{", "[]", "null", b"\xff", {}, {"endpoint": ROOT}, {**good, "keys": None},
        {**good, "keys": {"p256dh": "x", "auth": "y"}}, {**good, "endpoint": "http://127.0.0.1:9/x"},
        {**good, "endpoint": "https://10.0.0.1/x"}, {**good, "endpoint": ["x"]}, {**good, "x": "a" * 5000},
    ):  # fmt: skip
        assert post(cafe, path, bad).status_code == 400, bad
        assert forget(cafe, path, bad if isinstance(bad, list) else "nothing").status_code == 200
    assert not PushSubscription.objects.exists()
    assert not ConsentChange.objects.filter(customer=guest).exists()


def test_the_key_of_the_card_is_the_only_way(cafe: Any, other_cafe: Any) -> None:
    open_account()
    guest, neighbour = make_customer(1), make_customer(2)
    path, phone = path_of(guest), browser()
    post(cafe, path, phone)
    assert forget(cafe, path_of(neighbour), phone["endpoint"]).status_code == 200
    assert PushSubscription.objects.filter(customer_id=guest.pk).exists()
    assert post(cafe, "/card/0000000000000000/", phone).status_code == 404
    changes = {"status": "blocked", "block_reason": "x"}
    update_customer(actor=ACTOR, customer_id=guest.pk, expected_version=None, changes=changes)
    for answer in (post(cafe, path, phone), forget(cafe, path, phone["endpoint"])):
        assert answer.status_code == 404
        assert answer["Cache-Control"] == "private, no-store"
    assert post(other_cafe, path, phone).status_code == 404  # last: the connection is the neighbour's now


def test_a_renewed_link_shakes_strangers_off(cafe: Any) -> None:
    open_account()
    guest = make_customer(1)
    old = path_of(guest)
    post(cafe, old, browser("stranger"))
    new = path_of(guest, renew=True)
    assert not PushSubscription.objects.exists()
    assert post(cafe, old, browser("stranger")).status_code == 404
    assert post(cafe, new, browser("own")).status_code == 201


def test_a_browser_that_had_failed_works_again_and_old_ones_make_room(cafe: Any) -> None:
    open_account()
    guest = make_customer(1)
    path, phone = path_of(guest), browser("phone")
    post(cafe, path, phone)
    PushSubscription.objects.update(failed_at="2026-01-01T00:00Z")
    post(cafe, path, phone)
    assert PushSubscription.objects.get().failed_at is None
    for number in range(MOST_BROWSERS):
        post(cafe, path, browser(f"b{number}"))
    kept = set(PushSubscription.objects.values_list("endpoint", flat=True))
    assert kept == {f"{ROOT}/push/b{number}" for number in range(MOST_BROWSERS)}


def test_merging_erasing_and_telling(cafe: Any) -> None:
    open_account()
    kept, merged = make_customer(1), make_customer(2)
    post(cafe, path_of(merged), browser())
    record = merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
    row = PushSubscription.objects.get()
    assert row.customer_id == kept.pk
    post(cafe, path_of(kept), browser("second"))  # does not stand in the way of undoing
    told = {part.name: part.rows for part in everything_of(kept)}["push_subscriptions"]
    assert {one["endpoint"] for one in told} == {f"{ROOT}/push/phone", f"{ROOT}/push/second"}
    assert all(set(one) == {"created_at", "endpoint", "failed_at"} for one in told)
    undo_merge(actor=ACTOR, merge_id=record.pk)
    row.refresh_from_db()
    assert row.customer_id == merged.pk
    delete_customer(actor=ACTOR, customer_id=merged.pk)
    erase_customer(actor=ACTOR, customer_id=merged.pk)
    dispatch_pending()
    assert list(PushSubscription.objects.values_list("customer_id", flat=True)) == [kept.pk]


def test_the_worker_belongs_to_one_card_and_says_the_cafes_name(cafe: Any) -> None:
    open_account()
    path = path_of(make_customer(1))
    answer = cafe.browser(None).get(f"{path}worker.js")
    text = answer.content.decode()
    assert answer["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in answer
    assert 'lang: "fa"' in text
    assert "{%" not in text


def test_one_browser_many_times_at_once_is_one_row(fresh_cafe: Any) -> None:
    cast = fresh_cafe()
    with tenant_context(cast.cafe):
        guest, phone = make_customer(1), browser()

        def press() -> bool:
            take_push(customer_id=guest.pk, endpoint=phone["endpoint"], **phone["keys"])
            return True

        assert run_together(cast, [press] * 6) == [True] * 6
        assert PushSubscription.objects.count() == 1
        assert ConsentChange.objects.filter(customer=guest).count() == 1
