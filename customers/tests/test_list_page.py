"""The list page: bulk changes with confirmation, saved views, recent searches, ranges, looks, figures."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context

from customers.models import BulkOperation, Customer, CustomField, RecentSearch, SavedView, Tag
from customers.selectors import counts
from customers.tests.factories import make_customer

LIST = "/customers/"


def text(answer: Any) -> str:
    return answer.content.decode()


def token_in(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def test_queries_do_not_grow_with_the_rows(cafe):
    browser, counted, made = cafe.browser("manager"), [], 0
    tag = Tag.objects.create(name="x")
    for size in (3, 100):
        while made < size:
            make_customer(made, f"مهمان {made}", tags=[tag], segment="vip")
            made += 1
        for url in (f"{LIST}?page_size=100", f"{LIST}?search=مهمان&segment=vip&page_size=100"):
            browser.get(url)
            with CaptureQueriesContext(connection) as queries:
                assert (
                    text(browser.get(url, headers={"HX-Target": "customer-results"})).count('name="ids"')
                    == size
                )
            counted.append(len(queries))
    assert counted[0] == counted[2] <= 12
    assert counted[1] == counted[3] <= 12


def test_whole_list_is_tagged_after_confirming_and_taken_back(cafe):
    for n in range(30):
        make_customer(n, f"مهمان {n}", segment="vip" if n < 25 else "new")
    tag, browser = Tag.objects.create(name="ویژه"), cafe.browser("staff")
    form = {"action": "add_tag", "scope": "all", "query": "segment=vip&sort=name&page=2"}
    page = text(browser.post(f"{LIST}bulk/", form))
    assert "۲۵" in page
    sent = {"token": token_in(page), "scope": "all", "query": "segment=vip", "tag": str(tag.pk)}
    for _press in range(2):  # a double press
        done = browser.post(f"{LIST}bulk/run/", sent)
        assert done.status_code == 302
        assert done["Location"] == f"{LIST}?segment=vip"
    assert tag.customers.count() == 25
    operation = BulkOperation.objects.get()
    flash = text(browser.get(done["Location"]))
    assert f"{LIST}bulk/{operation.pk}/undo/" in flash
    assert (
        browser.post(f"{LIST}bulk/{operation.pk}/undo/", headers={"X-Requested-With": "fetch"}).status_code
        == 204
    )
    assert tag.customers.count() == 0


def test_a_confirmation_holds_for_its_set_its_person_and_its_action(cafe):
    guests = [make_customer(n) for n in range(4)]
    browser = cafe.browser("manager")
    ids = [str(guest.pk) for guest in guests[:2]]
    sent = {
        "token": token_in(text(browser.post(f"{LIST}bulk/", {"action": "delete", "ids": ids}))),
        "ids": ids,
    }
    assert browser.post(f"{LIST}bulk/run/", {**sent, "ids": ids[:1]}).status_code == 409
    assert browser.post(f"{LIST}bulk/run/", {**sent, "scope": "all", "query": ""}).status_code == 409
    assert cafe.browser("owner").post(f"{LIST}bulk/run/", sent).status_code == 403
    assert browser.post(f"{LIST}bulk/run/", {**sent, "token": "made up"}).status_code == 302
    assert Customer.objects.filter(deleted_at=None).count() == 4
    assert cafe.browser("staff").post(f"{LIST}bulk/", {"action": "delete", "ids": ids}).status_code == 403
    assert browser.post(f"{LIST}bulk/run/", sent).status_code == 302
    assert Customer.objects.filter(deleted_at=None).count() == 2


def test_a_message_shows_who_drops_out_and_its_parts(cafe):
    for n in range(5):
        make_customer(n, "سارا کریمی", status="blocked" if n == 0 else "active", allow_marketing=n != 1)
    browser = cafe.browser("manager")
    page = text(browser.post(f"{LIST}bulk/", {"action": "message", "scope": "all", "query": ""}))
    assert "−۱" in page
    part = text(browser.post(f"{LIST}bulk/message/", {"scope": "all", "query": "", "text": "سلام {{name}}"}))
    assert "سلام سارا کریمی" in part
    assert "<dd>۳</dd>" in part
    wrong = browser.post(f"{LIST}bulk/message/", {"scope": "all", "query": "", "text": "{{x}}"})
    assert "errorlist" in text(wrong)


def test_views_are_kept_shared_renamed_and_deleted(cafe, other_cafe):
    staff, manager = cafe.browser("staff"), cafe.browser("manager")
    kept = {"name": "  گزارش   شنبه ", "query": "preset=week_visits&page=3&sort=name&search="}
    assert staff.post(f"{LIST}views/", kept).status_code == 302
    view = SavedView.objects.get()
    assert (view.name, view.query, view.user) == ("گزارش شنبه", "preset=week_visits&sort=name", cafe.staff)
    assert "گزارش شنبه" in text(staff.get(LIST))
    assert "گزارش شنبه" not in text(manager.get(LIST))
    url = f"{LIST}views/{view.pk}/"
    assert manager.post(url, {"name": "x"}).status_code == 404
    assert staff.post(url, {"name": "x", "shared": "1"}).status_code == 403
    SavedView.objects.filter(pk=view.pk).update(is_shared=True)
    assert "گزارش شنبه" in text(cafe.browser("agent").get(LIST))
    assert cafe.browser("agent").post(url, {"delete": "1"}).status_code == 404
    assert manager.post(url, {"name": "مهمانان هفته", "shared": "1"}).status_code == 302
    assert staff.post(url, {"delete": "1"}).status_code == 302
    staff.post(f"{LIST}views/", {"name": "bad", "query": "segment=nothing"})
    assert not SavedView.objects.exists()
    with tenant_context(other_cafe.cafe):
        assert other_cafe.browser("manager").post(url, {"delete": "1"}).status_code == 404


def test_recent_searches_are_the_last_eight_of_each_person(cafe):
    browser = cafe.browser("staff")
    for n in range(10):
        browser.get(f"{LIST}?search=مهمان {n}")
    browser.get(f"{LIST}?search=مهمان 5")
    browser.get(f"{LIST}?search=تایپ", headers={"HX-Request": "true", "HX-Target": "customer-results"})
    browser.post(f"{LIST}searches/", {"query": " رضایی "})
    mine = list(RecentSearch.objects.filter(user=cafe.staff).order_by("-at").values_list("query", flat=True))
    assert mine == ["رضایی", "مهمان 5", "مهمان 9", "مهمان 8", "مهمان 7", "مهمان 6", "مهمان 4", "مهمان 3"]
    for url in (f"{LIST}searches/", "/search/?q="):
        assert "رضایی" in text(browser.get(url, headers={"HX-Request": "true"}))
    assert "رضایی" not in text(cafe.browser("manager").get(f"{LIST}searches/"))
    browser.post(f"{LIST}searches/", {"clear": "1"}, headers={"HX-Request": "true"})
    assert not RecentSearch.objects.exists()


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ({"min_spent": "۱۰۰٬۰۰۰"}, "min_spent=1000000"),
        ({"created_from": "۱۴۰۳/۱۲/۳۰"}, "created_from=2025-03-20"),
        ({"min_visits": "۳", "max_visits": ""}, "min_visits=3"),
        ({"last_visit_to": "soon"}, "last_visit_to=soon"),
    ],
)
def test_ranges_are_typed_in_toman_and_jalali(cafe, typed, address):
    answer = cafe.browser().get(f"{LIST}narrow/", {**typed, "page": "4"})
    assert answer.status_code == 302
    assert answer["Location"] == f"{LIST}?{address}"


def test_ranges_show_what_the_address_says(cafe):
    page = text(cafe.browser().get(f"{LIST}?min_spent=1000000&created_from=2025-03-20"))
    assert 'value="۱۰۰٬۰۰۰"' in page
    assert 'value="۱۴۰۳/۱۲/۳۰"' in page


def test_the_look_is_remembered(cafe):
    make_customer(1)
    browser = cafe.browser()
    assert "as-cards" not in text(browser.get(LIST))
    browser.get(f"{LIST}?look=cards")
    assert "as-cards" in text(browser.get(LIST))


def test_long_lists_say_more_than_and_count_on_demand(cafe, monkeypatch):
    monkeypatch.setattr(counts, "BOUND", 10)
    monkeypatch.setattr("customers.selectors.counts.BoundedPaginator.__init__", _narrow_bound)
    for n in range(30):
        make_customer(n, f"مهمان {n}", segment="vip")
    browser = cafe.browser("manager")
    page = text(browser.get(f"{LIST}?preset=new_members"))
    assert f"{LIST}count/?preset=new_members" in page
    assert "۳۰" in text(browser.get(f"{LIST}count/?preset=new_members"))
    assert f"{LIST}count/" not in text(browser.get(LIST))  # everybody: known exactly


def _narrow_bound(self: Any, rows: Any, per_page: int, *, page: int) -> None:
    super(counts.BoundedPaginator, self).__init__(rows, per_page)
    self._bound = 10


def test_figures_come_after_the_page_and_only_to_those_who_may_see_them(cafe):
    now = timezone.now()
    for n in range(4):
        make_customer(
            n, segment="vip" if n else "new", lifetime_spent=1_000_000, total_visits=2, last_visit_at=now
        )
    Customer.objects.filter(phone__endswith="3").update(created_at=now - timedelta(days=400))
    part = text(cafe.browser("manager").get("/customers/figures/", headers={"HX-Request": "true"}))
    for figure in ("۱۰۰٬۰۰۰ تومان", "۷۵٪", "۲۵٪", 'href="/customers/?segment=vip"'):
        assert figure in part
    assert "/customers/figures/" in text(cafe.browser("manager").get(LIST))
    assert "/customers/figures/" not in text(cafe.browser("staff").get(LIST))
    assert cafe.browser("staff").get("/customers/figures/").status_code == 403


def test_ticked_rows_are_exported_alone_and_the_whole_list_on_demand(cafe):
    guests = [make_customer(n, f"مهمان{n}", segment="vip" if n < 3 else "new") for n in range(5)]
    browser, api = cafe.browser("manager"), cafe.api()
    ids = [str(guest.pk) for guest in (guests[1], guests[4])]

    def names(answer: Any) -> set[str]:
        assert answer.status_code == 200, answer
        return set(re.findall(r"مهمان\d", b"".join(answer.streaming_content).decode("utf-8-sig")))

    page = {"format": "csv", "scope": "ids", "query": "segment=vip&sort=name"}
    chosen = {"مهمان1", "مهمان4"}
    assert names(browser.post(f"{LIST}export/", {**page, "ids": ids})) == chosen
    whole = browser.post(f"{LIST}export/", {**page, "scope": "all", "ids": ids})
    assert names(whole) == {"مهمان0", "مهمان1", "مهمان2"}
    assert browser.post(f"{LIST}export/", page).status_code == 302
    assert cafe.browser("staff").post(f"{LIST}export/", {**page, "ids": ids}).status_code == 403
    url = "/api/crm/customers/export"
    assert names(api.post(url, {"ids": ids, "sort": "name"}, format="json")) == chosen
    assert names(api.get(f"{url}?ids={','.join(ids)}")) == chosen
    assert api.get(f"{url}?ids={ids[0]}&segment=vip").status_code == 400
    assert api.get(f"{url}?ids=x").status_code == 400
    for wrong in ([], ["x"], ids * 2_501):
        assert api.post(url, {"ids": wrong}, format="json").status_code == 400


def test_own_fields_are_filters_with_chips_and_stand_in_saved_views(cafe):
    kinds = {"milk": "choice", "vegan": "boolean", "joined": "date", "chair": "number", "dish": "text"}
    for key, kind in kinds.items():
        CustomField.objects.create(
            key=key, label=f"«{key}»", kind=kind, choices=["oat"] if kind == "choice" else []
        )
    custom = {"milk": "oat", "vegan": True, "joined": "2025-03-20", "chair": 12, "dish": "قرمه"}
    make_customer(1, "سارا", custom=custom)
    make_customer(2, "رضا", custom={"vegan": False})
    browser = cafe.browser("manager")
    typed = {
        "custom.joined": "۱۴۰۳/۱۲/۳۰",
        "custom.vegan": "true",
        "custom.chair": "۱۲",
        "custom.dish": "قرمه",
    }
    found = browser.get(f"{LIST}narrow/", {**typed, "custom.milk": "oat"})
    assert "custom.joined=2025-03-20" in found["Location"]
    page = text(browser.get(found["Location"]))
    assert "سارا" in page
    assert "رضا" not in page
    for chip in ("«joined»: ۱۴۰۳/۱۲/۳۰", "«vegan»: بله", "«chair»: ۱۲", "«dish»: قرمه", "«milk»: oat"):
        assert chip in page, chip
    assert 'value="۱۴۰۳/۱۲/۳۰"' in page
    assert "رضا" in text(browser.get(f"{LIST}?custom.vegan=false"))
    browser.post(f"{LIST}views/", {"name": "گیاه‌خواران", "query": "custom.vegan=true"})
    assert SavedView.objects.get().query == "custom.vegan=true"
    wrong = text(browser.get(f"{LIST}?custom.chair=x"))
    assert 'role="alert"' in wrong
