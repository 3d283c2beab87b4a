"""The pages: list, profile, form, and the back office."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.models import Customer, MenuItem, Tag
from customers.services import delete_customer, update_customer
from customers.tests.factories import ACTOR, make_customer, make_visit
from servaan_crm.core.models import AuditEntry

LIST = "/customers/"
FORM = {"name": "سارا کریمی", "phone": "۰۹۱۲۳۴۵۶۷۸۹", "status": "active"}


def text(answer):
    return answer.content.decode()


def test_list_shows_searches_and_sorts(cafe):
    make_customer(
        1, "سارا کریمی", total_visits=3, lifetime_spent=2_500_000, last_visit_at=timezone.now() - timedelta(1)
    )
    make_customer(2, "علی رضایی", segment="vip")
    page = text(cafe.browser().get(LIST))
    assert "<html" in page
    assert '<bdi dir="ltr">۰۹۱۲ ۰۰۰ ۰۰۰۱</bdi>' in page
    assert "۲۵۰٬۰۰۰ تومان" in page
    found = text(cafe.browser().get(f"{LIST}?search=علي"))
    assert "<mark>علی</mark> رضایی" in found
    assert "سارا کریمی" not in found
    assert "علی رضایی" in text(cafe.browser().get(f"{LIST}?segment=vip&sort=name"))
    assert 'aria-sort="ascending"' in text(cafe.browser().get(f"{LIST}?sort=name"))


def test_htmx_gets_the_results_alone_and_history_gets_the_page(cafe):
    make_customer(1)
    browser = cafe.browser()
    part = text(browser.get(LIST, headers={"HX-Request": "true", "HX-Target": "customer-results"}))
    assert part.lstrip().startswith('<div id="customer-results"')
    assert "<html" not in part
    restored = browser.get(LIST, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in text(restored)
    assert "HX-Target" in restored["Vary"]


@pytest.mark.parametrize("query", ["segment=x", "nonsense=1", "sort=x", "min_spent=abc", "tag=none"])
def test_wrong_filters_say_so_instead_of_failing(cafe, query):
    make_customer(1)
    answer = cafe.browser().get(f"{LIST}?{query}")
    assert answer.status_code == 200
    assert 'role="alert"' in text(answer)
    assert "سارا" not in text(answer)


def test_empty_states_say_what_to_do(cafe):
    browser = cafe.browser()
    assert reverse("customers:create") in text(browser.get(LIST))
    assert f'href="{LIST}"' in text(browser.get(f"{LIST}?search=هیچکس"))


@pytest.mark.parametrize("path", ["list", "profile"])
def test_pages_need_few_queries_however_much_they_show(cafe, path, django_assert_max_num_queries):
    tag = Tag.objects.create(name="شرکتی")
    customers = [make_customer(number, tags=[tag]) for number in range(25)]
    for days in range(20):
        make_visit(customers[0], days_ago=days)
    browser = cafe.browser()
    url = LIST if path == "list" else f"/customers/{customers[0].pk}/"
    browser.get(url)
    with django_assert_max_num_queries(12 if path == "list" else 15):
        assert browser.get(url).status_code == 200


def test_profile_shows_figures_allergies_and_visits(cafe):
    customer = make_customer(1, preferences={"allergies": ["بادام"]}, notes="کنار پنجره")
    for days in (2, 12, 22):
        make_visit(customer, 1_000_000, days_ago=days)
    make_visit(customer, 9_990_000, days_ago=1, voided_at=timezone.now(), void_reason="اشتباه")
    page = text(cafe.browser().get(f"/customers/{customer.pk}/"))
    for words in ("بادام", "کنار پنجره", "۱۰۰٬۰۰۰ تومان", "اشتباه", "is-void"):
        assert words in page, words
    assert page.count('<li class="tl') == 4


def test_timeline_goes_on_page_by_page(cafe):
    customer = make_customer(1)
    for days in range(20):
        make_visit(customer, days_ago=days)
    browser = cafe.browser()
    assert text(browser.get(f"/customers/{customer.pk}/")).count('class="tl"') == 15
    rest = browser.get(f"/customers/{customer.pk}/visits/?page=2", headers={"HX-Request": "true"})
    assert text(rest).count('class="tl"') == 5
    assert "page=3" not in text(rest)
    plain = browser.get(f"/customers/{customer.pk}/visits/?page=2")
    assert plain["Location"] == f"/customers/{customer.pk}/?page=2"
    assert text(browser.get(plain["Location"])).count('class="tl"') == 5


def test_create_and_edit(cafe):
    browser = cafe.browser()
    answer = browser.post("/customers/new/", {**FORM, "allergies": "بادام، شیر", "birthday": "1370/01/15"})
    customer = Customer.objects.get()
    assert answer["Location"] == f"/customers/{customer.pk}/"
    assert (customer.phone, customer.created_by) == ("+989123456789", cafe.staff)
    assert customer.preferences == {"allergies": ["بادام", "شیر"]}
    assert str(customer.birthday) == "1991-04-04"
    update_customer(
        actor=ACTOR, customer_id=customer.pk, expected_version=None, changes={"preferences": {"till": 4}}
    )
    edited = browser.post(f"/customers/{customer.pk}/edit/", {**FORM, "name": "سارا رضایی", "version": 2})
    assert edited.status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.version, customer.birthday) == ("سارا رضایی", 3, None)
    assert customer.preferences == {"till": 4}  # keys of other programs stay


def test_a_wrong_form_keeps_what_was_typed_and_saves_nothing(cafe):
    answer = cafe.browser().post(
        "/customers/new/", {"name": "سا", "phone": "0912", "email": "x", "birthday": "1403/13/1"}
    )
    assert answer.status_code == 422
    page = text(answer)
    assert page.count('aria-invalid="true"') >= 4
    assert 'value="سا"' in page
    assert not Customer.objects.exists()


def test_a_late_form_is_refused_and_shows_the_newest_state(cafe):
    customer = make_customer(1, "سارا کریمی")
    update_customer(actor=ACTOR, customer_id=customer.pk, expected_version=1, changes={"notes": "تازه"})
    late = cafe.browser().post(f"/customers/{customer.pk}/edit/", {**FORM, "version": 1})
    assert late.status_code == 409
    assert reverse("customers:edit", args=[customer.pk]) in text(late)
    assert Customer.objects.get().notes == "تازه"


def test_a_taken_number_names_its_owner(cafe):
    owner = make_customer("09123456789", "علی رضایی")
    answer = cafe.browser().post("/customers/new/", FORM)
    assert answer.status_code == 409
    assert f"/customers/{owner.pk}/" in text(answer)


def test_a_deleted_number_is_offered_for_restore(cafe):
    old = make_customer("09123456789", "علی رضایی")
    delete_customer(actor=ACTOR, customer_id=old.pk)
    browser = cafe.browser("staff")
    offer = browser.post("/customers/new/", FORM)
    assert offer.status_code == 409
    assert f"/customers/{old.pk}/restore/" in text(offer)
    assert Customer.objects.count() == 1
    assert browser.post(f"/customers/{old.pk}/restore/").status_code == 302
    assert Customer.objects.get().deleted_at is None
    delete_customer(actor=ACTOR, customer_id=old.pk)
    assert browser.post("/customers/new/", {**FORM, "create_new": "1"}).status_code == 302
    assert Customer.objects.filter(deleted_at=None).count() == 1


def test_delete_is_for_managers_and_can_be_undone(cafe):
    customer = make_customer(1)
    refused = cafe.browser("staff").post(f"/customers/{customer.pk}/delete/")
    assert refused.status_code == 403
    browser = cafe.browser("manager")
    assert browser.get(f"/customers/{customer.pk}/delete/").status_code == 405
    assert browser.post(f"/customers/{customer.pk}/delete/")["Location"] == LIST
    page = text(browser.get(LIST))
    assert f"/customers/{customer.pk}/restore/" in page
    assert f"/customers/{customer.pk}/restore/" not in text(browser.get(LIST))
    assert "<form" in text(browser.get(f"/customers/{customer.pk}/"))  # offers the way back
    assert browser.get(f"/customers/{uuid.uuid4()}/").status_code == 404


def test_visitors_go_to_the_login(cafe):
    customer = make_customer(1)
    for path in ("", "new/", f"{customer.pk}/", f"{customer.pk}/edit/", f"{customer.pk}/visits/"):
        assert cafe.browser(None).get(LIST + path)["Location"].startswith("/login/")


def test_english_screen(cafe):
    make_customer(1, "Ravi Kumar")
    browser = cafe.browser()
    browser.cookies["servaan_language"] = "en"
    page = text(browser.get(LIST))
    assert 'dir="ltr"' in page
    assert "0912 000 0001" in page


ADMIN = "/admin/customers/customer/"
ADMIN_FORM = {
    "name": "سارا کریمی", "phone": "۰۹۱۲۳۴۵۶۷۸۹", "status": "active", "preferences": "{}", "name_english": "",
    "email": "", "gender": "", "birthday": "۱۳۷۰/۰۱/۱۵", "allow_marketing": "on",
}  # fmt: skip


def test_admin_saves_through_the_services(cafe):
    tag = Tag.objects.create(name="شرکتی")
    browser = cafe.browser("manager")
    added = browser.post(f"{ADMIN}add/", {**ADMIN_FORM, "tags": [tag.pk]})
    assert added.status_code == 302, added.context and added.context["errors"]
    customer = Customer.objects.get()
    assert (customer.phone, str(customer.birthday), customer.created_by) == (
        "+989123456789",
        "1991-04-04",
        cafe.manager,
    )
    assert (list(customer.tags.all()), customer.summary.total_visits) == ([tag], 0)
    page = text(browser.get(f"{ADMIN}{customer.pk}/change/"))
    assert "۱۳۷۰/۰۱/۱۵" in page
    changed = browser.post(
        f"{ADMIN}{customer.pk}/change/", {**ADMIN_FORM, "name": "سارا رضایی", "version": 1}
    )
    assert changed.status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.version, customer.tags.count()) == ("سارا رضایی", 2, 0)
    browser.post(f"{ADMIN}{customer.pk}/change/", {**ADMIN_FORM, "name": "نام دیرآمده", "version": 1})
    customer.refresh_from_db()
    assert customer.name == "سارا رضایی"
    assert (
        AuditEntry.objects.filter(table_name="customers_customer", actor_id=str(cafe.manager.pk)).count() == 2
    )


def test_admin_deletes_softly_and_restores(cafe):
    customer = make_customer(1)
    make_visit(customer)
    browser = cafe.browser("manager")
    assert browser.post(f"{ADMIN}{customer.pk}/delete/", {"post": "yes"}).status_code == 302
    customer.refresh_from_db()
    assert customer.deleted_at is not None
    assert customer.visits.count() == 1
    assert str(customer.pk) not in text(browser.get(ADMIN))
    assert str(customer.pk) in text(browser.get(f"{ADMIN}?deleted=yes"))
    browser.post(f"{ADMIN}?deleted=yes", {"action": "restore_chosen", "_selected_action": [str(customer.pk)]})
    customer.refresh_from_db()
    assert customer.deleted_at is None
    browser.post(ADMIN, {"action": "delete_selected", "_selected_action": [str(customer.pk)], "post": "yes"})
    customer.refresh_from_db()
    assert customer.deleted_at is not None


def test_admin_lists_search_and_open(cafe):
    customer = make_customer(1, "علی رضایی")
    visit = make_visit(customer)
    item = MenuItem.objects.create(name="اسپرسو", price=450_000)
    browser = cafe.browser("manager")
    assert "علی رضایی" in text(browser.get(f"{ADMIN}?q=علي"))
    assert "علی رضایی" in text(browser.get(f"{ADMIN}?q=0912000"))
    for path in (
        f"visit/{visit.pk}/change/",
        "visit/",
        "menuitem/",
        f"menuitem/{item.pk}/change/",
        "tag/",
        "tag/add/",
    ):
        assert browser.get(f"/admin/customers/{path}").status_code == 200, path
    browser.post(
        f"/admin/customers/menuitem/{item.pk}/change/",
        {"name": "اسپرسو", "price": "۵۰٬۰۰۰", "display_order": "۱"},
    )
    item.refresh_from_db()
    assert (int(item.price), item.is_active) == (500_000, False)
    assert browser.post(f"/admin/customers/visit/{visit.pk}/delete/", {"post": "yes"}).status_code == 403


def test_admin_is_closed_to_staff(cafe):
    make_customer(1)
    assert cafe.browser("staff").get(ADMIN).status_code in (302, 403)
