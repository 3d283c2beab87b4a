"""``/api/crm/customers``: shapes, refusals, optimistic locking, soft delete."""

import json
import uuid
from datetime import date, datetime

import pytest
from django.utils import timezone

from customers.models import Customer
from customers.services import delete_customer
from customers.tests.factories import ACTOR, make_customer, make_visit

URL = "/api/crm/customers"
KEYS = [
    "id", "phone", "name", "email", "birthday", "anniversary", "status", "segment", "notes", "preferences",
    "loyalty", "stats", "created_at", "updated_at",
]  # fmt: skip
BODY = {
    "phone": "09123456789",
    "name": "احمد محمدی",
    "email": "ahmad@example.com",
    "birthday": "1985-03-15",
    "anniversary": "2020-06-10",
    "notes": "مشتری جدید - ترجیح قهوه ترک",
    "preferences": {"favorite_drink": "turkish_coffee", "allergies": [], "preferred_time": "evening"},
}


def post(client, url, body):
    return client.post(url, body, format="json")


def snapshot() -> list[tuple]:
    return list(Customer.objects.order_by("pk").values_list("pk", "phone", "name", "version", "deleted_at"))


def test_create_answers_with_the_customer_of_the_specification(cafe):
    answer = post(cafe.api("staff"), URL, BODY)
    assert answer.status_code == 201, answer.content
    body = json.loads(answer.content)
    assert list(body) == ["success", "data"]
    assert body["success"] is True
    assert list(body["data"]) == ["customer"]
    customer = body["data"]["customer"]
    assert list(customer) == KEYS
    assert {key: customer[key] for key in BODY} == BODY
    assert customer["loyalty"] == {"current_points": 0, "tier_level": "bronze", "lifetime_spent": 0}
    assert list(customer["loyalty"]) == ["current_points", "tier_level", "lifetime_spent"]
    assert customer["stats"] == {"total_visits": 0, "last_visit": None, "average_spend": 0}
    assert list(customer["stats"]) == ["total_visits", "last_visit", "average_spend"]
    assert (customer["status"], customer["segment"]) == ("active", "new")
    assert customer["created_at"].endswith("Z")
    row = Customer.objects.get(pk=customer["id"])
    assert (row.phone, row.created_by, row.summary.total_visits) == ("+989123456789", cafe.staff, 0)


@pytest.mark.parametrize(
    "phone", ["09123456789", "+989123456789", "00989123456789", "989123456789", "9123456789", "۰۹۱۲ ۳۴۵-۶۷۸۹"]
)
def test_every_written_form_of_a_number_is_the_same_customer(cafe, phone):
    assert (
        post(cafe.api(), URL, {"phone": phone, "name": "نرگس"}).data["data"]["customer"]["phone"]
        == "09123456789"
    )
    again = post(cafe.api(), URL, BODY)
    assert again.status_code == 409
    error = again.data["error"]
    assert error["code"] == "CUSTOMER_ALREADY_EXISTS"
    assert error["details"] == {"phone": "09123456789", "customer_id": str(Customer.objects.get().pk)}


def test_numbers_in_answers_are_numbers_and_averages_follow_the_visits(cafe):
    customer = make_customer(1)
    make_visit(customer, 125_000, days_ago=3)
    make_visit(customer, 125_001, days_ago=1)
    found = json.loads(cafe.api().get(f"{URL}/{customer.pk}").content)["data"]["customer"]
    assert found["loyalty"]["lifetime_spent"] == 250_001
    assert found["stats"]["average_spend"] == 125_000
    assert found["stats"]["total_visits"] == 2
    assert datetime.fromisoformat(found["stats"]["last_visit"]) == customer.summary.last_visit_at.replace(
        microsecond=customer.summary.last_visit_at.microsecond // 1000 * 1000
    )


def test_jalali_birthday_is_understood_and_given_back_in_iso(cafe):
    answer = post(cafe.api(), URL, {**BODY, "birthday": "1363/12/24"})
    assert answer.data["data"]["customer"]["birthday"] == date(1985, 3, 15)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "سا"}, "name"),
        ({"name": " \u200c سا \u200c "}, "name"),
        ({"name": "س" * 101}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"email": "no-at-sign"}, "email"),
        ({"birthday": "1403/12/31"}, "birthday"),
        ({"birthday": "2999-01-01"}, "birthday"),
        ({"birthday": "1200-01-01"}, "birthday"),
        ({"anniversary": "yesterday"}, "anniversary"),
        ({"status": "gone"}, "status"),
        ({"preferences": ["nuts"]}, "preferences"),
        ({"preferences": {"allergies": "nuts"}}, "preferences"),
        ({"notes": "a\x00b"}, "notes"),
        ({"notes": "x" * 5001}, "notes"),
        ({"favourite": "tea"}, "favourite"),
    ],
)
def test_a_wrong_body_names_the_field_and_changes_nothing(cafe, change, field):
    existing = make_customer(5)
    before = snapshot()
    client = cafe.api()
    for answer in (
        post(client, URL, {**BODY, **change}),
        client.put(f"{URL}/{existing.pk}", {**BODY, **change}, format="json"),
        client.patch(f"{URL}/{existing.pk}", change, format="json"),
    ):
        assert answer.status_code == 400, answer.data
        assert answer.data["error"]["code"] == "VALIDATION_ERROR"
        assert list(answer.data["error"]["details"]) == [field]
    assert snapshot() == before


def test_every_bad_field_is_named_at_once(cafe):
    answer = post(cafe.api(), URL, {"name": "x", "email": "x", "birthday": "x", "status": "x"})
    assert set(answer.data["error"]["details"]) == {"phone", "name", "email", "birthday", "status"}


def test_emoji_and_zwnj_stay_as_typed(cafe):
    name = "علی‌رضا ☕🙂"
    assert post(cafe.api(), URL, {**BODY, "name": f"  {name}\n"}).data["data"]["customer"]["name"] == name


def test_invalid_phone_has_its_own_code_with_a_suggestion(cafe):
    for answer in (
        post(cafe.api(), URL, {**BODY, "phone": "0912345"}),
        cafe.api().get(f"{URL}/phone/0912345"),
    ):
        assert answer.status_code == 400
        error = answer.data["error"]
        assert error["code"] == "INVALID_PHONE_FORMAT"
        assert error["details"]["suggestion"]
    assert not Customer.objects.exists()


def test_by_phone_gives_customer_and_recent_visits(cafe):
    customer = make_customer("09123456789")
    make_visit(customer, 170_000, days_ago=9, voided_at=timezone.now())
    old = make_visit(customer, 125_000, days_ago=8)
    new = make_visit(customer, 170_000, days_ago=2, feedback_rating=5, feedback_comment="عالی بود!")
    answer = cafe.api("staff").get(f"{URL}/phone/+989123456789")
    data = json.loads(answer.content)["data"]
    assert list(data) == ["customer", "recent_visits"]
    assert list(data["customer"]) == KEYS
    assert [visit["id"] for visit in data["recent_visits"]] == [str(new.pk), str(old.pk)]
    first = data["recent_visits"][0]
    assert list(first) == [
        "id", "visit_date", "total_amount", "items_ordered", "payment_method", "feedback_rating", "feedback_comment",
    ]  # fmt: skip
    assert first["items_ordered"] == [{"name": "اسپرسو", "quantity": 2, "price": 45000}]
    assert (first["total_amount"], first["feedback_rating"], first["feedback_comment"]) == (
        170000,
        5,
        "عالی بود!",
    )


def test_by_phone_of_an_unknown_number_is_the_error_of_the_specification(cafe):
    error = cafe.api().get(f"{URL}/phone/09123456789").data["error"]
    assert error["code"] == "CUSTOMER_NOT_FOUND"
    assert error["message_en"] == "Customer with this phone number not found"
    assert error["details"]["phone"] == "09123456789"
    assert error["details"]["suggestion"]
    assert "deleted_customer_id" not in error["details"]


def test_put_replaces_and_patch_changes(cafe):
    client = cafe.api("staff")
    customer = make_customer(1, email="a@example.com", notes="note", city="تهران")
    answer = client.put(f"{URL}/{customer.pk}", {"phone": "09120000002", "name": "نام تازه"}, format="json")
    assert answer.status_code == 200, answer.data
    data = answer.data["data"]["customer"]
    assert (data["phone"], data["name"], data["email"], data["notes"]) == (
        "09120000002",
        "نام تازه",
        None,
        None,
    )
    assert Customer.objects.get().city == "تهران"  # not part of the answer, so not of what PUT replaces
    changed = client.patch(f"{URL}/{customer.pk}", {"notes": "تازه"}, format="json").data["data"]["customer"]
    assert (changed["name"], changed["notes"]) == ("نام تازه", "تازه")


def test_what_was_read_can_be_put_back(cafe):
    client = cafe.api()
    customer = make_customer(1, birthday=date(1990, 5, 5))
    read = json.loads(client.get(f"{URL}/{customer.pk}").content)["data"]["customer"]
    answer = client.put(f"{URL}/{customer.pk}", read, format="json")
    assert answer.status_code == 200, answer.data
    assert json.loads(answer.content)["data"]["customer"] == read
    assert Customer.objects.get().version == 1


def test_if_match_refuses_a_change_on_an_old_state(cafe):
    client = cafe.api()
    url = f"{URL}/{make_customer(1).pk}"
    etag = client.get(url)["ETag"]
    assert client.patch(url, {"notes": "one"}, format="json", headers={"If-Match": etag}).status_code == 200
    late = client.patch(url, {"notes": "two"}, format="json", headers={"If-Match": etag})
    assert (late.status_code, late.data["error"]["code"]) == (409, "CONFLICT")
    assert client.patch(url, {"notes": "2"}, format="json", headers={"If-Match": "abc"}).status_code == 400
    assert client.get(url).data["data"]["customer"]["notes"] == "one"
    current = client.get(url)["ETag"]
    assert (
        client.patch(url, {"notes": "two"}, format="json", headers={"If-Match": current}).status_code == 200
    )


def test_taking_another_customers_number_is_refused(cafe):
    one, two = make_customer(1), make_customer(2)
    answer = cafe.api().patch(f"{URL}/{two.pk}", {"phone": "09120000001"}, format="json")
    assert (answer.status_code, answer.data["error"]["code"]) == (409, "CUSTOMER_ALREADY_EXISTS")
    assert answer.data["error"]["details"]["customer_id"] == str(one.pk)
    assert Customer.objects.get(pk=two.pk).phone == "+989120000002"


def test_delete_keeps_history_frees_the_number_and_can_be_taken_back(cafe):
    client = cafe.api()
    customer = make_customer("09123456789")
    visit = make_visit(customer)
    url = f"{URL}/{customer.pk}"
    answer = client.delete(url)
    assert answer.status_code == 200
    assert answer.data["data"]["customer"]["id"] == str(customer.pk)
    assert Customer.objects.get().visits.get() == visit
    for refused in (client.get(url), client.delete(url), client.get(f"{url}/visits"),
                    client.patch(url, {"notes": "x"}, format="json")):  # fmt: skip
        assert (refused.status_code, refused.data["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")
    missing = client.get(f"{URL}/phone/09123456789").data["error"]
    assert missing["details"]["deleted_customer_id"] == str(customer.pk)
    assert client.get(URL).data["data"]["customers"] == []
    assert client.post(f"{url}/restore").status_code == 200
    assert client.post(f"{url}/restore").status_code == 200  # twice is once
    assert client.get(url).status_code == 200


def test_a_freed_number_can_be_taken_and_then_blocks_the_restore(cafe):
    client = cafe.api()
    customer = make_customer("09123456789")
    delete_customer(actor=ACTOR, customer_id=customer.pk)
    answer = post(client, URL, BODY)
    assert answer.status_code == 201
    assert answer.data["data"]["restorable_customer_id"] == str(customer.pk)
    new = answer.data["data"]["customer"]["id"]
    refused = client.post(f"{URL}/{customer.pk}/restore")
    assert (refused.status_code, refused.data["error"]["code"]) == (409, "CUSTOMER_ALREADY_EXISTS")
    assert refused.data["error"]["details"]["customer_id"] == new
    assert Customer.objects.get(pk=customer.pk).deleted_at is not None


def test_validate_phone(cafe):
    customer = make_customer("09123456789")
    client = cafe.api("integrator")
    good = post(client, f"{URL}/validate-phone", {"phone": "۰۹۱۲۳۴۵۶۷۸۹"}).data["data"]
    assert (good["is_valid"], good["national"], good["international"]) == (
        True,
        "09123456789",
        "+989123456789",
    )
    assert good["customer_id"] == str(customer.pk)
    bad = post(client, f"{URL}/validate-phone", {"phone": "0912"}).data["data"]
    assert (bad["is_valid"], bad["phone"], bad["national"]) == (False, "0912", None)
    assert bad["suggestion"]
    assert bad["suggestion_en"]
    assert list(good) == list(bad)


def test_unknown_ids_and_words(cafe):
    client = cafe.api()
    for url in (f"{URL}/{uuid.uuid4()}", f"{URL}/{uuid.uuid4()}/visits"):
        assert client.get(url).data["error"]["code"] == "CUSTOMER_NOT_FOUND"
    assert client.get(f"{URL}/not-an-id").status_code == 404
    assert client.post(f"{URL}/{uuid.uuid4()}/restore").data["error"]["code"] == "CUSTOMER_NOT_FOUND"


def test_the_same_creation_sent_twice_is_one_customer(cafe):
    client = cafe.api()
    first = client.post(URL, BODY, format="json", headers={"Idempotency-Key": "k1"})
    second = client.post(URL, BODY, format="json", headers={"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotent-Replay"] == "true"
    assert json.loads(first.content) == json.loads(second.content)
    assert Customer.objects.count() == 1


def test_indian_cafe_takes_indian_numbers(indian_cafe):
    client = indian_cafe.api()
    answer = post(client, URL, {"phone": "98765 43210", "name": "Ravi Kumar"})
    assert answer.status_code == 201, answer.data
    assert answer.data["data"]["customer"]["phone"] == "09876543210"
    assert client.get(f"{URL}/phone/+919876543210").status_code == 200
