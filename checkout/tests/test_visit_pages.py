"""The page of one visit and its corrections in the browser's words."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from checkout.services import void_visit
from checkout.tests.invariants import assert_books_agree
from checkout.tests.test_corrections_api import A, B, grow_old, record, state
from checkout.version import version_of
from checkout.web.words import explain
from customers.models import MenuItem, Visit


def page(visit, verb=""):
    return f"/visits/{visit.pk}/" + (f"{verb}/" if verb else "")


def bill(visit, **changes):
    """What the edit form sends when nothing was touched."""
    visit.refresh_from_db()
    lines = {f"line_{place}": item["quantity"] for place, item in enumerate(visit.items)}
    return {
        "total_amount": str(int(visit.total_amount / 10)), "discount_amount": "", "visit_type": visit.visit_type,
        "payment_method": visit.payment_method, "outlet_id": str(visit.outlet_id), "table_number": "",
        "server_name": visit.server_name, "notes": visit.notes, "added": "{}", "seen": version_of(visit),
        **lines, **changes,
    }  # fmt: skip


def test_the_page_tells_the_bill_and_why(cafe):
    record(cafe, A, 1_500_000)
    visit = record(cafe, A, 2_850_000, table_number="7", server_name="سینا").visit
    shown = cafe.browser("staff").get(page(visit)).content.decode()
    for text in ("۲۸۵٬۰۰۰ تومان", "سینا", "مینا رضایی", "۷"):
        assert text in shown
    for verb in ("edit", "move", "void"):
        assert page(visit, verb) in shown
    assert page(visit) in cafe.browser("staff").get(f"/customers/{visit.customer_id}/").content.decode()


def test_points_are_explained_in_words():
    text = explain({"paid": "285000", "amount_per_point": "1000", "base": 285, "tier": "gold", "multiplier": "1.20",
                    "capped_at": 300, "overridden": True, "computed": 342})  # fmt: skip
    for part in ("۲۸۵", "۱٫۲", "۳۰۰", "۳۴۲"):
        assert part in text


def test_an_edit_in_toman_with_items_of_the_menu(cafe):
    cake = MenuItem.objects.create(name="کیک", price=Decimal(450_000))
    visit = record(cafe).visit
    lines = [
        {
            "item_id": None,
            "name": "چای",
            "category": "",
            "quantity": 2,
            "unit_price": 50_000,
            "total_price": 100_000,
        },
        {
            "item_id": None,
            "name": "آب",
            "category": "",
            "quantity": 1,
            "unit_price": 1000,
            "total_price": 1000,
        },
    ]
    Visit.objects.filter(pk=visit.pk).update(items=lines)
    client = cafe.browser("manager")
    assert client.get(page(visit, "edit")).status_code == 200
    sent = bill(visit, total_amount="۶۰٬۰۰۰", discount_amount="۵٬۰۰۰", line_0="۳", line_1="۰",
                added=json.dumps({str(cake.pk): 1}), day="۱۴۰۴/۰۱/۰۲", time="۱۴:۳۰")  # fmt: skip
    answer = client.post(page(visit, "edit"), sent, follow=True)
    assert answer.status_code == 200
    visit.refresh_from_db()
    assert (visit.total_amount, visit.discount_amount, visit.points_earned) == (600_000, 50_000, 550)
    assert [(item["name"], item["quantity"], item["total_price"]) for item in visit.items] == [
        ("چای", 3, 150_000), ("کیک", 1, 450_000),
    ]  # fmt: skip
    assert (visit.item_count, visit.visit_date) == (4, dt.datetime(2025, 3, 22, 11, 0, tzinfo=dt.UTC))
    assert_books_agree()


def test_an_untouched_form_changes_nothing(cafe):
    visit = record(cafe).visit
    before = state()
    assert cafe.browser("staff").post(page(visit, "edit"), bill(visit)).status_code == 302
    assert state() == before


def test_a_stale_form_does_not_overwrite(cafe):
    visit = record(cafe).visit
    old = bill(visit, notes="دیر رسید")
    Visit.objects.filter(pk=visit.pk).update(notes="زودتر", updated_at=timezone.now())
    before = state()
    answer = cafe.browser("staff").post(page(visit, "edit"), old)
    assert answer.status_code == 409
    assert "دیر رسید" in answer.content.decode()
    assert state() == before


@pytest.mark.parametrize("wrong", [
    {"total_amount": "x"}, {"discount_amount": "99999999"}, {"added": "[1]"}, {"outlet_id": "1"},
    {"payment_method": "points"}, {"seen": "x"},
])  # fmt: skip
def test_a_wrong_form_changes_nothing(cafe, wrong):
    visit = record(cafe).visit
    before = state()
    assert cafe.browser("staff").post(page(visit, "edit"), bill(visit, **wrong)).status_code in (409, 422)
    assert state() == before


def test_void_and_restore_are_each_others_undo(cafe):
    visit = record(cafe).visit
    client = cafe.browser("staff")
    answer = client.post(page(visit, "void"), {"reason": "میز اشتباه"}, follow=True)
    assert f'data-undo-url="{page(visit, "restore")}"' in answer.content.decode()
    assert "میز اشتباه" in answer.content.decode()
    visit.refresh_from_db()
    assert visit.is_voided
    assert_books_agree()
    answer = client.post(page(visit, "restore"), follow=True)
    assert f'data-undo-url="{page(visit, "void")}"' in answer.content.decode()
    visit.refresh_from_db()
    assert not visit.is_voided
    assert_books_agree()
    before = state()
    assert client.post(page(visit, "restore"), follow=True).status_code == 200
    assert client.post(page(visit, "void"), {"reason": "x" * 201}, follow=True).status_code == 200
    assert state() == before


def test_a_move_is_previewed_without_a_trace_and_then_done(cafe):
    visit = record(cafe, A).visit
    record(cafe, A)
    right = record(cafe, B, 900_000, customer_name="نگار").customer
    client = cafe.browser("staff")
    found = client.get(page(visit, "move"), {"q": "0912111002"}, headers={"hx-target": "move-guests"})
    assert f"to={right.pk}" in found.content.decode()
    before = state()
    shown = client.get(page(visit, "move"), {"to": str(right.pk)}).content.decode()
    assert "۱٬۰۰۰" in shown
    assert state() == before
    sent = {"to": str(right.pk), "seen": version_of(visit)}
    assert client.post(page(visit, "move"), sent, follow=True).status_code == 200
    visit.refresh_from_db()
    assert (visit.customer_id, visit.visit_number) == (right.pk, 2)
    assert_books_agree()
    before = state()  # a second press with the page of before
    client.post(page(visit, "move"), {"to": str(Visit.objects.get(customer__phone=A).customer_id), **sent})
    assert state() == before


def test_staff_see_old_visits_but_leave_them_alone(cafe):
    visit = record(cafe).visit
    grow_old(visit)
    client = cafe.browser("staff")
    shown = client.get(page(visit)).content.decode()
    assert page(visit, "edit") not in shown
    before = state()
    for verb, sent in (("edit", bill(visit, notes="x")), ("void", {}), ("restore", {}), ("move", {})):
        client.post(page(visit, verb), sent)
    assert state() == before
    assert cafe.browser("manager").get(page(visit, "edit")).status_code == 200


@pytest.mark.parametrize("role", ["agent", None])
def test_who_may_not_correct(cafe, role):
    visit = record(cafe).visit
    before = state()
    for verb in ("edit", "void", "restore", "move"):
        assert cafe.browser(role).post(page(visit, verb), {}).status_code in (302, 403)
    assert state() == before
    assert cafe.browser("agent").get(page(visit)).status_code == 200


def test_the_neighbours_visit_is_not_there(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        theirs = record(other_cafe).visit
    for verb in ("", "edit", "move"):
        assert cafe.browser("owner").get(page(theirs, verb)).status_code == 404
    for verb in ("edit", "void", "restore", "move"):
        assert cafe.browser("owner").post(page(theirs, verb)).status_code == 404


def test_the_page_takes_as_many_queries_for_a_long_story(cafe, django_assert_max_num_queries):
    visit = record(cafe).visit
    for number in range(12):
        cafe.api("manager").patch(
            f"/api/crm/visits/{visit.pk}", {"total_amount": 100_000 + number}, format="json"
        )
    void_visit(actor=cafe.staff.actor, visit_id=visit.pk)
    client = cafe.browser("staff")
    with django_assert_max_num_queries(12):
        client.get(page(visit))
