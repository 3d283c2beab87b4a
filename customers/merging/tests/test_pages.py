"""The API and the pages of merging."""

import html

import pytest

from checkout.tests.invariants import check_cafe
from customers.merging.scan import run_scan
from customers.merging.services import merge_customers
from customers.merging.tests.test_merge import bill, rich_pair
from customers.models import Customer, DuplicateDismissal, MergeRecord
from customers.tests.factories import ACTOR, make_customer


def merge_url(customer):
    return f"/api/crm/customers/{customer.pk}/merge"


def test_dry_run_merge_and_undo_over_http(cafe):
    kept, gone = rich_pair()
    client = cafe.api("manager")
    body = {"other_id": str(gone.pk), "choices": {"name": "merged"}}
    seen = client.post(merge_url(kept), {**body, "dry_run": True}, format="json")
    assert seen.status_code == 200, seen.content.decode()
    preview = seen.data["data"]["preview"]
    assert {row["field"]: row["source"] for row in preview["fields"]}["name"] == "merged"
    assert preview["moves"]["visits"] == 3
    assert MergeRecord.objects.count() == 0
    done = client.post(merge_url(kept), body, format="json", HTTP_IDEMPOTENCY_KEY="m1")
    again = client.post(merge_url(kept), body, format="json", HTTP_IDEMPOTENCY_KEY="m1")
    assert (done.status_code, again.content) == (200, done.content)
    assert again["Idempotent-Replay"] == "true"
    data = done.json()["data"]
    assert data["customer"]["loyalty"]["current_points"] == preview["result"]["current_points"]
    assert data["customer"]["stats"]["total_visits"] == preview["result"]["total_visits"]
    assert client.get(f"/api/crm/customers/{gone.pk}").status_code == 404
    assert client.post(f"/api/crm/customers/{gone.pk}/restore").status_code == 409
    undo = f"/api/crm/merges/{data['merge']['id']}/undo"
    assert client.post(undo).data["data"]["restored_customer"]["id"] == str(gone.pk)
    refused = client.post(undo)
    assert (refused.status_code, refused.data["error"]["details"]["reason"]) == (409, "already_undone")
    assert check_cafe(by_rule=False) == []


def test_what_the_api_refuses(cafe):
    first, second, third = make_customer(1), make_customer(2), make_customer(3, status="blocked")
    client = cafe.api("manager")
    for body, status in (
        ({"other_id": str(first.pk)}, 400),
        ({"other_id": str(second.pk), "dryrun": True}, 400),
        ({"other_id": str(second.pk), "choices": {"points": "kept"}}, 400),
        ({}, 400),
        ({"other_id": str(third.pk)}, 409),
        ({"other_id": "00000000-0000-7000-8000-000000000000"}, 404),
    ):
        for dry in ({}, {"dry_run": True}):
            answer = client.post(merge_url(first), {**body, **dry}, format="json")
            assert answer.status_code == status, answer.content.decode()
    for role in ("staff", "agent", "integrator"):
        other = cafe.api(role)
        assert other.post(merge_url(first), {"other_id": str(second.pk)}, format="json").status_code == 403
        assert other.get("/api/crm/customers/duplicates").status_code == 403
    assert MergeRecord.objects.count() == 0


def test_list_of_duplicates_and_dismissal(cafe):
    first = make_customer(1, email="s@example.com")
    second = make_customer(2, email="S@example.com")
    client = cafe.api("manager")
    asked = client.get("/api/crm/customers/duplicates").json()["data"]
    assert (asked["scan"]["state"], asked["duplicates"]) == ("waiting", [])
    run_scan()
    found = client.get("/api/crm/customers/duplicates?reason=email").json()["data"]
    assert (found["scan"]["state"], found["scan"]["found"]) == ("done", 1)
    assert client.get("/api/crm/customers/duplicates?reason=note_phone").json()["data"]["duplicates"] == []
    assert client.get("/api/crm/customers/duplicates?reason=smell").status_code == 400
    (pair,) = found["duplicates"]
    assert [reason["code"] for reason in pair["reasons"]] == ["email"]
    assert {row["id"] for row in pair["customers"]} == {str(first.pk), str(second.pk)}
    assert client.get("/api/crm/customers/duplicates?colour=red").status_code == 400
    url = f"/api/crm/customers/{first.pk}/not-duplicate"
    assert client.post(url, {"other_id": str(second.pk)}, format="json").status_code == 200
    assert client.get("/api/crm/customers/duplicates").json()["data"]["pagination"]["total_items"] == 0


def text(answer):
    return html.unescape(answer.content.decode())


def test_pages_from_the_list_to_the_undo(cafe):
    kept, gone = rich_pair()
    make_customer(3, "کسی دیگر", email="sara@example.com")
    browser = cafe.browser("manager")
    assert f"/customers/{kept.pk}/merge/" not in text(browser.get("/customers/duplicates/"))
    Customer.objects.filter(pk=kept.pk).update(email="SARA@example.com")
    browser.post("/customers/duplicates/search/")
    assert "HX-Refresh" not in browser.get("/customers/duplicates/progress/")
    run_scan()
    assert browser.get("/customers/duplicates/progress/")["HX-Refresh"] == "true"
    page = text(browser.get("/customers/duplicates/"))
    assert f"/customers/{kept.pk}/merge/{gone.pk}/" in page
    assert f"/customers/{kept.pk}/merge/{gone.pk}/" in text(browser.get(f"/customers/{kept.pk}/duplicates/"))
    assert f"/customers/{kept.pk}/merge/{gone.pk}/" in text(
        browser.get(f"/customers/{kept.pk}/merge/?q=0912000")
    )
    url = f"/customers/{kept.pk}/merge/{gone.pk}/"
    preview = text(browser.get(url))
    assert 'name="choice_name"' in preview
    late = browser.post(url, {"version": 99, "other_version": 1, "choice_name": "merged"})
    assert late.status_code == 409
    assert MergeRecord.objects.count() == 0
    versions = dict(Customer.objects.values_list("pk", "version"))
    form = {"version": versions[kept.pk], "other_version": versions[gone.pk], "choice_name": "merged"}
    assert browser.post(url, form)["Location"] == f"/customers/{kept.pk}/"
    assert Customer.objects.get(pk=kept.pk).name == gone.name
    assert browser.get(url).status_code == 409
    record = MergeRecord.objects.get()
    assert f"/customers/merges/{record.pk}/undo/" in text(browser.get(f"/customers/{kept.pk}/duplicates/"))
    assert f"/customers/{kept.pk}/" in text(browser.get(f"/customers/{gone.pk}/"))
    known = browser.post(
        "/customers/new/", {"name": "سارا کریمی", "phone": "09120000002", "status": "active"}
    )
    assert (known.status_code, f"/customers/{kept.pk}/" in text(known)) == (409, True)
    browser.post(f"/customers/merges/{record.pk}/undo/")
    assert Customer.objects.get(pk=gone.pk).deleted_at is None
    browser.post(f"/customers/{kept.pk}/not-duplicate/{gone.pk}/")
    assert DuplicateDismissal.objects.count() == 1


@pytest.mark.parametrize("role", ["staff", "agent", None])
def test_pages_are_for_those_who_may_delete(cafe, role):
    first, second = make_customer(1), make_customer(2)
    record = merge_customers(actor=ACTOR, kept_id=first.pk, merged_id=second.pk)
    third = make_customer(3)
    browser = cafe.browser(role)
    expected = 302 if role is None else 403
    for path in (
        "duplicates/",
        "duplicates/progress/",
        f"{first.pk}/merge/",
        f"{first.pk}/merge/{third.pk}/",
        f"{first.pk}/duplicates/",
    ):
        assert browser.get(f"/customers/{path}").status_code == expected, path
    for path in (
        "duplicates/search/",
        f"{first.pk}/merge/{third.pk}/",
        f"merges/{record.pk}/undo/",
        f"{first.pk}/not-duplicate/{third.pk}/",
    ):
        assert browser.post(f"/customers/{path}").status_code == expected, path
    assert MergeRecord.objects.filter(undone_at=None).count() == 1


def test_pages_need_few_queries_however_many_pairs(cafe, django_assert_max_num_queries):
    for number in range(24):
        make_customer(number, f"نفر {number}", email=f"{number // 2}@example.com")
    guest = make_customer(30)
    bill(guest)
    browser = cafe.browser("manager")
    run_scan()
    browser.get("/customers/duplicates/")
    with django_assert_max_num_queries(12):
        assert text(browser.get("/customers/duplicates/")).count('class="dup-pair"') == 10
