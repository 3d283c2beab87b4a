"""Notes, family, tags, consent, own fields, history and data export: pages, API, who may what."""

import re
import threading

from django.db import connection
from django_tenants.utils import tenant_context

from customers.models import Customer, CustomerNote, CustomField, Tag
from customers.services import update_customer
from customers.services.consent import set_consent
from customers.services.notes import add_note
from customers.tests.factories import ACTOR, make_customer, make_visit
from customers.tests.parts import PART, TABS, api_url, marketing, text
from feedback.services import record_feedback
from outreach.services import log_interaction
from servaan_crm.core.errors import EditConflict
from servaan_crm.core.models import AuditEntry
from servaan_crm.l10n.locale import use_locale

# tabs


def test_every_tab_is_a_page_and_a_part(cafe):
    customer = make_customer(1)
    browser = cafe.browser("manager")
    page = text(browser.get(f"/customers/{customer.pk}/"))
    urls = re.findall(r'class="tab"\s+id="tab-\w+"\s+href="([^"]+)"', page)
    assert {f"/customers/{customer.pk}/{path}" for path in TABS} <= set(urls)
    for url in urls:
        whole, part = browser.get(url), browser.get(url, headers=PART)
        assert (whole.status_code, part.status_code) == (200, 200), url
        assert text(whole).count('aria-current="page"') >= 1
        assert "<html" not in text(part)
        assert 'id="profile-tabs"' not in text(part)
        restored = browser.get(url, headers={**PART, "HX-History-Restore-Request": "true"})
        assert "<html" in text(restored)


def test_tabs_follow_role_and_feature(cafe):
    customer = make_customer(1)
    url = f"/customers/{customer.pk}/"
    staff = text(cafe.browser("staff").get(url))
    assert "tab/history" not in staff
    assert cafe.browser("staff").get(f"{url}tab/history/").status_code == 403
    assert "tab-feedback" in staff
    cafe.cafe.features = {**cafe.cafe.features, "feedback": False}
    cafe.cafe.save(update_fields=["features"])
    assert "tab-feedback" not in text(cafe.browser("staff").get(url))


# notes and tags


def test_notes_by_api(cafe):
    customer = make_customer(1)
    url = api_url(customer, "notes")
    made = cafe.api("staff").post(url, {"text": "  کنار پنجره <script>alert(1)</script> "}, format="json")
    assert made.status_code == 201
    note = made.json()["data"]["note"]
    assert (note["author"], note["is_pinned"]) == (cafe.staff.name, False)
    one = f"{url}/{note['id']}"
    assert cafe.api("agent").patch(one, {"text": "مال من"}, format="json").status_code == 403
    assert cafe.api("agent").delete(one).status_code == 403
    assert cafe.api("agent").patch(one, {"is_pinned": True}, format="json").status_code == 200
    add_note(actor=cafe.agent.actor, customer_id=customer.pk, text="دومی")
    listed = cafe.api("staff").get(url).json()["data"]["notes"]
    assert [row["is_pinned"] for row in listed] == [True, False]
    assert cafe.api("manager").patch(one, {"text": "درست"}, format="json").status_code == 200
    assert cafe.api("manager").delete(one).status_code == 200
    assert cafe.api().delete(one).status_code == 404
    for body in ({}, {"text": " "}, {"text": "x" * 2001}):
        assert cafe.api().post(url, body, format="json").status_code == 400, body


def test_notes_page_shows_words_as_words_and_pins_reach_the_counter(cafe):
    customer = make_customer(1)
    browser = cafe.browser("staff")
    url = f"/customers/{customer.pk}/tab/notes/"
    part = browser.post(url, {"text": "<b>صندلی</b> کنار در", "is_pinned": "on"}, headers=PART)
    assert part.status_code == 200
    assert "servaan:toast" in part["HX-Trigger"]
    assert "&lt;b&gt;صندلی" in text(part)
    assert "<b>صندلی" not in text(part)
    assert "&lt;b&gt;صندلی" in text(browser.get(f"/customers/{customer.pk}/"))
    assert "&lt;b&gt;صندلی" in text(
        browser.get(f"/counter/guest/{customer.pk}/", headers={"HX-Request": "true"})
    )
    assert browser.post(url, {"text": " "}, headers=PART).status_code == 422
    assert browser.post(url, {"text": "بی‌اسکریپت"})["Location"] == url
    note = CustomerNote.objects.get(is_pinned=True)
    other = cafe.browser("agent")
    assert "/delete/" not in text(other.get(url))
    assert other.post(f"{url}{note.pk}/delete/").status_code == 403
    assert browser.post(f"{url}{note.pk}/delete/").status_code == 302


def test_tags(cafe):
    customer = make_customer(1)
    made = cafe.api().post("/api/crm/tags", {"name": "گیاه‌خوار", "color": "#00aa00"}, format="json")
    assert made.status_code == 201
    assert cafe.api().post("/api/crm/tags", {"name": "گیاه‌خوار"}, format="json").status_code == 400
    url = api_url(customer, "tags")
    put = cafe.api("staff").put(url, {"tags": ["گیاه خوار", made.json()["data"]["tag"]["id"]]}, format="json")
    assert [tag["name"] for tag in put.json()["data"]["tags"]] == ["گیاه‌خوار"]
    missing = cafe.api().put(url, {"tags": ["نیست"]}, format="json")
    assert "نیست" in str(missing.json()["error"]["details"])
    browser = cafe.browser("staff")
    browser.post(f"/customers/{customer.pk}/tags/", {"tags": [], "new_tag": "شرکتی"})
    assert [tag.name for tag in customer.tags.all()] == ["شرکتی"]
    assert Tag.objects.count() == 2


# family


def test_family(cafe):
    customer = make_customer(1)
    url = api_url(customer, "family-members")
    body = {"name": "نگار", "relationship": "child", "date_of_birth": "1395-12-30", "phone": "۰۹۱۲۱۱۱۲۲۳۳"}
    made = cafe.api("staff").post(url, body, format="json")
    assert made.status_code == 201, made.json()
    member = made.json()["data"]["family_member"]
    assert member["date_of_birth"] == "2017-03-20"
    assert (member["phone"], member["address"]) == ("09121112233", None)
    wrong = cafe.api().post(url, {"phone": "12", "date_of_birth": "1500/1/1"}, format="json")
    assert {"name", "relationship"} <= set(wrong.json()["error"]["details"])
    one = f"{url}/{member['id']}"
    assert cafe.api().patch(one, {"relationship": "boss"}, format="json").status_code == 400
    assert (
        cafe.api().patch(one, {"name": "نگین"}, format="json").json()["data"]["family_member"]["name"]
        == "نگین"
    )
    page = text(cafe.browser().get(f"/customers/{customer.pk}/tab/family/"))
    assert "۳۰ اسفند ۱۳۹۵" in page
    stranger = make_customer(2)
    assert cafe.api().delete(api_url(stranger, f"family-members/{member['id']}")).status_code == 404
    assert cafe.api().delete(one).status_code == 200
    page = cafe.browser().post(f"/customers/{customer.pk}/tab/family/", {"name": ""}, headers=PART)
    assert page.status_code == 422
    assert 'aria-invalid="true"' in text(page)


# own fields


def make_fields():
    for order, (key, kind, choices) in enumerate(
        [("job", "text", []), ("members", "number", []), ("since", "date", []), ("vip", "boolean", []),
         ("seat", "choice", ["تراس", "داخل"])]
    ):  # fmt: skip
        CustomField.objects.create(key=key, label=key, kind=kind, choices=choices, display_order=order)


def test_own_fields_by_api_and_filter(cafe):
    make_fields()
    customer = make_customer(1)
    make_customer(2)
    url = api_url(customer, "custom-fields")
    body = {"job": "معلم", "members": "۴", "since": "1403/01/15", "vip": "بله", "seat": "تراس"}
    answer = cafe.api("staff").patch(url, body, format="json")
    values = {"job": "معلم", "members": 4, "since": "2024-04-03", "vip": True, "seat": "تراس"}
    assert answer.json()["data"]["custom_fields"] == values
    wrong = {"members": "چهار", "since": "1403/13/1", "vip": "شاید", "seat": "بام", "age": 3}
    refused = cafe.api().patch(url, wrong, format="json")
    assert set(refused.json()["error"]["details"]) == set(wrong)
    assert cafe.api().patch(url, {"job": None}, format="json").json()["data"]["custom_fields"]["job"] is None
    for query in ("custom.members=۴", "custom.since=1403/01/15", "custom.vip=true", "custom.seat=تراس"):
        rows = cafe.api().get(f"/api/crm/customers?{query}").json()["data"]["customers"]
        assert [row["id"] for row in rows] == [str(customer.pk)], query
    unknown = cafe.api().get("/api/crm/customers?custom.age=3")
    assert unknown.status_code == 400
    assert "custom.seat" in str(unknown.json()["error"]["details"])
    assert cafe.api().get("/api/crm/customers?custom.vip=maybe").status_code == 400


def test_own_fields_on_the_pages(cafe):
    assert cafe.browser("staff").get("/customers/fields/").status_code == 403
    browser = cafe.browser("manager")
    new = {"label": "میز دلخواه", "key": "table", "kind": "choice", "choices": "۱\n۲", "is_active": "on"}
    assert browser.post("/customers/fields/", {**new, "choices": ""}).status_code == 422
    assert browser.post("/customers/fields/", {**new, "key": "میز"}).status_code == 422
    assert browser.post("/customers/fields/", new).status_code == 302
    field = CustomField.objects.get()
    form = {"name": "سارا کریمی", "phone": "۰۹۱۲۳۴۵۶۷۸۹", "status": "active"}
    assert browser.post("/customers/new/", {**form, "custom_table": "۳"}).status_code == 422
    browser.post("/customers/new/", {**form, "custom_table": "۲"})
    customer = Customer.objects.get()
    assert customer.custom == {"table": "۲"}
    assert "میز دلخواه" in text(browser.get(f"/customers/{customer.pk}/"))
    off = {"label": "میز دلخواه", "choices": "۱\n۲"}
    assert browser.post(f"/customers/fields/{field.pk}/", off).status_code == 302
    field.refresh_from_db()
    assert (field.is_active, field.key, field.kind) == (False, "table", "choice")
    browser.post(f"/customers/{customer.pk}/edit/", {**form, "name": "سارا رضایی", "version": 1})
    customer.refresh_from_db()
    assert (customer.name, customer.custom) == (
        "سارا رضایی",
        {"table": "۲"},
    )  # a field out of use keeps its values


# history and data


def test_history_tells_in_words_who_changed_what(cafe):
    customer = make_customer(1, "سارا کریمی")
    actor = cafe.staff.actor
    update_customer(
        actor=actor,
        customer_id=customer.pk,
        expected_version=1,
        changes={"name": "سارا رضایی", "city": "شیراز"},
    )
    note = add_note(actor=actor, customer_id=customer.pk, text="کنار پنجره")
    cafe.api("staff").delete(api_url(customer, f"notes/{note.pk}"))
    cafe.api("staff").post(
        api_url(customer, "family-members"), {"name": "نگار", "relationship": "child"}, format="json"
    )
    set_consent(actor=actor, customer_id=customer.pk, channel="sms", granted=False, source="staff")
    add_note(actor=actor, customer_id=make_customer(2).pk, text="از کس دیگر")
    page = text(cafe.browser("manager").get(f"/customers/{customer.pk}/tab/history/"))
    for words in ("سارا کریمی", "سارا رضایی", "شیراز", "کنار پنجره", "نگار", cafe.staff.name):
        assert words in page, words
    assert "از کس دیگر" not in page
    assert "search_key" not in page


def test_data_export_has_everything_and_says_who_took_it(cafe):
    customer = make_customer(1, notes="یادداشت‌اش")
    make_visit(customer)
    add_note(actor=cafe.staff.actor, customer_id=customer.pk, text="پنهان نیست")
    record_feedback(
        actor=cafe.staff.actor, rating=4, source="manual", customer_id=customer.pk, comment="خوب بود"
    )
    log_interaction(
        actor=cafe.manager.actor,
        customer_id=customer.pk,
        type="call",
        direction="inbound",
        subject="سفارش تولد",
    )
    marketing(customer)
    url = f"/customers/{customer.pk}/data/"
    assert cafe.browser("staff").get(url).status_code == 403
    page = text(cafe.browser("manager").get(url))
    data = cafe.browser("manager").get(f"{url}?format=json")
    for words in ("یادداشت‌اش", "پنهان نیست", "خوب بود", "سفارش تولد", "تخفیف", "اسپرسو"):
        assert words in page, words
        assert words in text(data), words
    assert data.json()["visits"][0]["total_amount"] == 100_000
    assert cafe.api().get(api_url(customer, "data-export")).status_code == 200
    trail = AuditEntry.objects.filter(row_id=str(customer.pk), action="export")
    assert trail.count() == 3
    assert trail.first().actor_name == cafe.manager.name
    assert "/erase/" in text(cafe.browser("manager").get(f"/customers/{customer.pk}/tab/consent/"))


def test_erasing_on_the_page_asks_for_the_name(cafe):
    customer = make_customer(1, "سارا کریمی")
    url = f"/customers/{customer.pk}/erase/"
    assert cafe.browser("staff").get(url).status_code == 403
    browser = cafe.browser("manager")
    assert browser.post(url, {"confirm": "سارا"}).status_code == 422
    assert Customer.objects.get().erased_at is None
    assert browser.post(url, {"confirm": "سارا كريمي"}).status_code == 302
    assert Customer.objects.get().erased_at is not None


def test_the_neighbour_is_not_reachable(cafe, other_cafe):
    with tenant_context(other_cafe.cafe), use_locale(other_cafe.cafe.locale):
        theirs = make_customer(1, "همسایه")
        note = add_note(actor=ACTOR, customer_id=theirs.pk, text="همسایه")
    for rest in ("notes", f"notes/{note.pk}", "family-members", "consent", "custom-fields", "data-export", "erase",
                 "communications", "tags"):  # fmt: skip
        for method in ("get", "post", "patch", "put", "delete"):
            status = getattr(cafe.api("owner"), method)(
                api_url(theirs, rest), {"confirm": True, "text": "x"}, format="json"
            )
            assert status.status_code in (400, 404, 405), (rest, method)
    with tenant_context(other_cafe.cafe):
        assert CustomerNote.objects.get().text == "همسایه"


# two at once


def test_two_editors_never_overwrite_silently(fresh_cafe):
    cast = fresh_cafe()
    customer = make_customer(1)
    start, results = threading.Barrier(2), []

    def edit(name):
        try:
            with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
                start.wait()
                update_customer(
                    actor=cast.staff.actor,
                    customer_id=customer.pk,
                    expected_version=1,
                    changes={"name": name},
                )
                results.append(name)
        except EditConflict:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=[name]) for name in ("نام یکم", "نام دوم")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    customer.refresh_from_db()
    assert results.count("refused") == 1
    assert customer.name in results
    assert customer.version == 2
