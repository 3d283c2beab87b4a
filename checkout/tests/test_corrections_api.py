"""Corrections over HTTP: edit, move, restore, history."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import Visit
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from servaan_crm.core.models import Event

A, B = "+989121110011", "+989121110022"


def record(cast, phone=A, amount=100_000, **options):
    options = {"customer_name": "مینا رضایی", "payment_method": "card", **options}
    request = VisitRequest(total_amount=Decimal(amount), phone=phone, **options)
    return record_visit(actor=cast.staff.actor, request=request)


def url(visit, verb=""):
    return f"/api/crm/visits/{visit.pk}" + (f"/{verb}" if verb else "")


def state():
    """Everything a refused correction must leave as it was."""
    return [
        list(Visit.objects.order_by("pk").values()),
        list(LoyaltyAccount.objects.order_by("pk").values()),
        LedgerEntry.objects.count(), TierChange.objects.count(), Event.objects.count(),
    ]  # fmt: skip


def grow_old(visit, days=3):
    Visit.objects.filter(pk=visit.pk).update(created_at=timezone.now() - dt.timedelta(days=days))


def test_an_edit_earns_again_through_the_ledger(cafe):
    visit = record(cafe, discount_amount=Decimal(10_000)).visit
    answer = cafe.api("staff").patch(url(visit), {
        "total_amount": 250_000, "discount_applied": 50_000, "notes": "میز عوض شد",
        "items_ordered": [{"name": "کیک", "quantity": 2, "unit_price": 125_000}],
    }, format="json")  # fmt: skip
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert (data["visit"]["final_amount"], data["visit"]["points_earned"]) == (200_000, 200)
    assert data["loyalty"]["current_points"] == 200
    assert set(data["changed"]) == {"total_amount", "discount_applied", "notes", "items_ordered"}
    assert data["visit"]["items_ordered"][0]["total_price"] == 250_000
    visit.refresh_from_db()
    assert visit.item_count == 2
    assert [entry.points for entry in LedgerEntry.objects.order_by("sequence")] == [90, 200, -90]
    assert_books_agree()


def test_put_empties_what_it_leaves_out_but_not_date_and_outlet(cafe):
    visit = record(cafe, notes="x", table_number="5", discount_amount=Decimal(1000)).visit
    answer = cafe.api("manager").put(url(visit), {"total_amount": 100_000}, format="json")
    shown = answer.json()["data"]["visit"]
    assert (shown["notes"], shown["table_number"], shown["discount_applied"]) == ("", None, 0)
    visit.refresh_from_db()
    assert (visit.payment_method, visit.points_earned) == ("", 100)
    assert shown["outlet_id"] == str(visit.outlet_id)
    assert cafe.api("manager").put(url(visit), {"notes": "y"}, format="json").status_code == 400
    assert_books_agree()


@pytest.mark.parametrize(("body", "field"), [
    ({"amount": 5}, "amount"), ({"points_earned": 5}, "points_earned"), ({"customer_id": None}, "customer_id"),
    ({"total_amount": -1}, "total_amount"), ({"discount_applied": 100_001}, "discount_applied"),
    ({"total_amount": 4000}, "total_amount"), ({"payment_method": "cash"}, "payment_method"),
    ({"payment_method": "gold"}, "payment_method"), ({"visit_date": "2999-01-01T00:00:00Z"}, "visit_date"),
    ({"visit_type": "drive"}, "visit_type"), ({"outlet_id": "0198c0de-0000-7000-8000-000000000000"}, "outlet_id"),
    ({"items_ordered": [{"quantity": 1, "unit_price": 1}]}, "items_ordered"),
    ({"items_ordered": [{"name": "x", "unit_price": 1, "size": "L"}]}, "items_ordered"),
    ({"items_ordered": [{"name": "x", "unit_price": 1}] * 201}, "items_ordered"),
])  # fmt: skip
def test_a_wrong_edit_names_the_field_and_changes_nothing(cafe, body, field):
    record(cafe)
    # 50 points pay 5,000 rial of it: the bill cannot become smaller than that, nor be paid in cash.
    visit = record(cafe, points_to_redeem=50).visit
    before = state()
    answer = cafe.api("manager").patch(url(visit), body, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert field in answer.json()["error"]["details"]
    assert state() == before


def test_a_stale_edit_is_refused(cafe):
    visit = record(cafe).visit
    client = cafe.api("staff")
    tag = client.get(url(visit)).headers["ETag"]
    first = client.patch(url(visit), {"notes": "الف"}, format="json", HTTP_IF_MATCH=tag)
    assert first.status_code == 200
    late = client.patch(url(visit), {"total_amount": 1}, format="json", HTTP_IF_MATCH=tag)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "CONFLICT")
    assert client.patch(url(visit), {"total_amount": 90_000}, format="json",
                        HTTP_IF_MATCH=first.headers["ETag"]).status_code == 200  # fmt: skip
    assert client.patch(url(visit), {"notes": "b"}, format="json", HTTP_IF_MATCH="x").status_code == 400
    assert_books_agree()


def test_a_move_takes_points_and_numbers_along(cafe):
    wrong = record(cafe, A).visit
    record(cafe, A, 200_000)
    right = record(cafe, B, 50_000).customer
    answer = cafe.api("staff").post(url(wrong, "move"), {"customer_phone": "۰۹۱۲ ۱۱۱ ۰۰۲۲"}, format="json")
    data = answer.json()["data"]
    assert (data["visit"]["customer_id"], data["visit"]["visit_number"]) == (str(right.pk), 2)
    assert (data["loyalty"]["current_points"], data["changed"]) == (150, ["customer"])
    assert Visit.objects.get(customer__phone=A).visit_number == 1
    assert_books_agree()
    again = cafe.api("staff").post(url(wrong, "move"), {"customer_id": str(right.pk)}, format="json")
    assert (again.status_code, again.json()["data"]["changed"]) == (200, [])


def test_a_walk_in_gets_its_guest(cafe):
    guest = record(cafe, A).customer
    walk_in = record_visit(actor=cafe.staff.actor, request=VisitRequest(total_amount=Decimal(70_000))).visit
    answer = cafe.api("staff").post(url(walk_in, "move"), {"customer_id": str(guest.pk)}, format="json")
    data = answer.json()["data"]
    assert (data["visit"]["visit_number"], data["visit"]["points_earned"]) == (2, 70)
    assert data["loyalty"]["current_points"] == 170
    assert_books_agree()


@pytest.mark.parametrize(("body", "status", "code"), [
    ({}, 400, "VALIDATION_ERROR"),
    ({"customer_phone": "09121110022", "customer_id": "0198c0de-0000-7000-8000-000000000000"}, 400, "VALIDATION_ERROR"),
    ({"phone": "09121110022"}, 400, "VALIDATION_ERROR"),
    ({"customer_phone": "0912"}, 400, "INVALID_PHONE_FORMAT"),
    ({"customer_phone": "09129999999"}, 404, "CUSTOMER_NOT_FOUND"),
    ({"customer_id": "0198c0de-0000-7000-8000-000000000000"}, 404, "CUSTOMER_NOT_FOUND"),
    ({"customer_phone": "09121110022"}, 409, "CONFLICT"),  # the first guest paid a part with points
])  # fmt: skip
def test_a_refused_move_changes_nothing(cafe, body, status, code):
    record(cafe, B)
    record(cafe)
    visit = record(cafe, points_to_redeem=10).visit
    before = state()
    answer = cafe.api("manager").post(url(visit, "move"), body, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert state() == before


def test_restore_gives_back_and_takes_again(cafe):
    record(cafe, A, 500_000)
    visit = record(cafe, A, points_to_redeem=100).visit
    client = cafe.api("staff")
    assert client.post(url(visit, "restore"), {}, format="json").json()["error"]["code"] == "CONFLICT"
    void_visit(actor=cafe.staff.actor, visit_id=visit.pk, reason="اشتباه")
    assert LoyaltyAccount.objects.get().balance == 500
    assert client.patch(url(visit), {"notes": "x"}, format="json").status_code == 409
    assert client.post(url(visit, "move"), {"customer_phone": B}, format="json").status_code in (404, 409)
    data = client.post(url(visit, "restore"), {}, format="json").json()["data"]
    assert (data["visit"]["status"], data["visit"]["void_reason"]) == ("recorded", None)
    assert data["loyalty"]["current_points"] == 400 + data["visit"]["points_earned"]
    assert client.post(url(visit, "restore"), {"why": 1}, format="json").status_code == 400
    assert_books_agree()


@pytest.mark.parametrize("verb", ["", "move", "restore"])
def test_replays_answer_once(cafe, verb):
    visit = record(cafe).visit
    record(cafe, B)
    if verb == "restore":
        void_visit(actor=cafe.staff.actor, visit_id=visit.pk)
    body = {"": {"total_amount": 300_000}, "move": {"customer_phone": "09121110022"}, "restore": {}}[verb]
    client = cafe.api("staff")
    send = client.post if verb else client.patch
    first = send(url(visit, verb), body, format="json", HTTP_IDEMPOTENCY_KEY="once")
    entries = LedgerEntry.objects.count()
    second = send(url(visit, verb), body, format="json", HTTP_IDEMPOTENCY_KEY="once")
    assert (first.status_code, second.content) == (200, first.content)
    assert second.headers["Idempotent-Replay"] == "true"
    assert LedgerEntry.objects.count() == entries
    if body:
        other = send(url(visit, verb), {"notes": "z"}, format="json", HTTP_IDEMPOTENCY_KEY="once")
        assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert_books_agree()


@pytest.mark.parametrize(("role", "fresh", "old"), [
    ("owner", 200, 200), ("manager", 200, 200), ("staff", 200, 403), ("integrator", 200, 200),
    ("agent", 403, 403), (None, 401, 401),
])  # fmt: skip
def test_who_may_correct_and_how_far_back(cafe, role, fresh, old):
    visit = record(cafe).visit
    client = cafe.api(role)
    assert client.patch(url(visit), {"notes": "a"}, format="json").status_code == fresh
    grow_old(visit)
    before = state()
    for send, verb, body in (
        (client.patch, "", {"total_amount": 1000}), (client.post, "move", {"customer_phone": A}),
        (client.post, "restore", {}),
    ):  # fmt: skip
        answer = send(url(visit, verb), body, format="json").status_code
        assert answer == (409 if verb == "restore" and old == 200 else old)
        if old != 200:
            assert state() == before


def test_the_neighbours_visits_are_out_of_reach(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        theirs = record(other_cafe).visit
    client = cafe.api("owner")
    for answer in (
        client.patch(url(theirs), {"notes": "x"}, format="json"), client.get(url(theirs, "history")),
        client.post(url(theirs, "move"), {"customer_phone": A}, format="json"),
        client.post(url(theirs, "restore"), {}, format="json"),
    ):  # fmt: skip
        assert answer.status_code == 404


def test_history_tells_who_did_what_in_order(fresh_cafe):
    cast = fresh_cafe()
    record(cast, B)
    record(cast, A)
    visit = record(cast, A).visit
    later = record(cast, A).visit
    staff, manager = cast.api("staff"), cast.api("manager")
    staff.patch(url(visit), {"total_amount": 200_000, "notes": "کیک هم بود"}, format="json")
    staff.post(url(visit, "void"), {"reason": "دوباره ثبت شد"}, format="json")
    manager.post(url(visit, "restore"), {}, format="json")
    manager.post(url(visit, "move"), {"customer_phone": "09121110022"}, format="json")
    data = staff.get(url(visit, "history")).json()["data"]
    story = data["history"]
    kinds = [chapter["kind"] for chapter in story if chapter["kind"] != "points"]
    assert kinds == ["recorded", "edited", "voided", "restored", "moved"]
    assert [chapter["at"] for chapter in story] == sorted(chapter["at"] for chapter in story)
    moved = [chapter["ledger_entry"]["points"] for chapter in story if chapter["ledger_entry"]]
    assert moved == [100, 200, -100, -200, 200, -200, 200]
    by_kind = {chapter["kind"]: chapter for chapter in story}
    assert {change["field"]: (change["old"], change["new"]) for change in by_kind["edited"]["changes"]} == {
        "total_amount": (100000.0, 200000.0), "notes": ("", "کیک هم بود"),
    }  # fmt: skip
    assert by_kind["edited"]["actor_name"] == cast.staff.name
    assert by_kind["moved"]["actor_id"] == str(cast.manager.pk)
    assert data["pagination"]["total_items"] == len(story)
    numbered = staff.get(url(later, "history")).json()["data"]["history"]
    assert [chapter["kind"] for chapter in numbered] == ["recorded", "points", "renumbered"]
    assert numbered[-1]["changes"] == [{"field": "visit_number", "old": 3, "new": 2}]
    assert staff.get(url(visit, "history"), {"kind": "x"}).status_code == 400
    assert_books_agree()
