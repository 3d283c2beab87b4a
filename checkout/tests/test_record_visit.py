"""The main job through the API and the service: one bill, everything that follows, nothing half."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.errors import CustomerBlocked
from customers.models import Customer, CustomerSummary, Visit
from loyalty.errors import InsufficientPoints
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.services import award_points
from servaan_crm.core.models import Event

PHONE = "09121110022"
E164 = "+989121110022"


def counts():
    """Everything a checkout writes."""
    return [
        model.objects.count() for model in (Customer, Visit, LedgerEntry, LoyaltyAccount, Event, TierChange)
    ]


def bill(total=250_000, **fields):
    return VisitRequest(
        **{"total_amount": Decimal(total), "phone": E164, "customer_name": "سارا محمدی", **fields}
    )


def test_first_visit_of_an_unknown_phone(cafe):
    answer = cafe.api("staff").post(
        "/api/crm/visits",
        {
            "customer_phone": "۰۹۱۲ ۱۱۱ ۰۰۲۲",
            "customer_name": "سارا محمدی",
            "total_amount": 135_500,
            "discount_applied": 10_000,
            "items_ordered": [
                {"name": "اسپرسو دوبل", "quantity": 2, "unit_price": 45_000, "total_price": 90_000}
            ],
            "payment_method": "cash",
            "points_earned": 999_999,
            "notes": "سرویس سریع و عالی",
        },
        format="json",
    )
    assert answer.status_code == 201, answer.content
    data = answer.json()["data"]
    assert data["customer"] | {"id": None} == {
        "id": None, "phone": PHONE, "name": "سارا محمدی", "segment": "new", "status": "active",
        "total_visits": 1, "is_new": True,
    }  # fmt: skip
    assert data["visit"]["visit_number"] == 1
    assert data["visit"]["final_amount"] == 125_500
    assert data["visit"]["points_earned"] == 125, "the till's own figure does not count"
    assert data["loyalty"]["current_points"] == 125
    assert data["visit"]["items_ordered"][0]["name"] == "اسپرسو دوبل"
    assert_books_agree()
    event = Event.objects.get(name="visit.recorded")
    assert event.payload["visit_number"] == 1
    assert event.payload["balance_after"] == 125


def test_paying_with_points_earns_nothing_for_that_part(cafe):
    record_visit(actor=cafe.staff.actor, request=bill(1_000_000))
    receipt = record_visit(
        actor=cafe.staff.actor, request=bill(200_000, points_to_redeem=500, payment_method="card")
    )
    assert receipt.visit.points_value == 50_000
    assert receipt.visit.payment_method == "mixed"
    # 1,000 points made the guest silver: ×1.1 from the next visit on.
    assert receipt.earning.points == int(150 * Decimal("1.1"))
    assert receipt.status.current_points == 1000 - 500 + 165
    whole = record_visit(actor=cafe.staff.actor, request=bill(50_000, points_to_redeem=500))
    assert (whole.visit.payment_method, whole.earning.points) == ("points", 0)
    assert_books_agree()


def test_tier_rises_at_once_and_a_void_takes_it_back(cafe):
    receipt = record_visit(actor=cafe.staff.actor, request=bill(1_200_000))
    assert (receipt.tier_change.from_tier, receipt.tier_change.to_tier) == ("bronze", "silver")
    assert Event.objects.filter(name="loyalty.tier_changed").count() == 1
    void = void_visit(actor=cafe.manager.actor, visit_id=receipt.visit.pk, reason="مبلغ اشتباه")
    assert void.status.current_points == 0
    assert void.status.tier.level == "bronze"
    again = record_visit(actor=cafe.staff.actor, request=bill(90_000))
    assert again.visit.visit_number == 2, "a voided visit keeps its number"
    assert CustomerSummary.objects.get().total_visits == 1
    assert_books_agree()


def test_void_never_makes_a_balance_negative(cafe):
    first = record_visit(actor=cafe.staff.actor, request=bill(300_000))
    record_visit(actor=cafe.staff.actor, request=bill(100_000, points_to_redeem=250))
    void = void_visit(actor=cafe.manager.actor, visit_id=first.visit.pk)
    assert void.shortfall == 300 - (300 - 250 + 75)
    assert void.status.current_points == 0
    assert_books_agree()


def test_blocked_guest_gets_the_visit_but_no_points(cafe):
    receipt = record_visit(actor=cafe.staff.actor, request=bill(300_000))
    Customer.objects.filter(pk=receipt.customer.pk).update(status="blocked", block_reason="بدهی")
    again = record_visit(actor=cafe.staff.actor, request=bill(300_000))
    assert (again.earning.points, again.points_withheld) == (0, "blocked")
    before = counts()
    with pytest.raises(CustomerBlocked):
        record_visit(actor=cafe.staff.actor, request=bill(300_000, points_to_redeem=10))
    with pytest.raises(CustomerBlocked):
        award_points(actor=cafe.manager.actor, customer_id=receipt.customer.pk, points=5, reason="هدیه")
    assert counts() == before


def test_walk_in_counts_for_revenue_only(cafe):
    answer = cafe.api("staff").post("/api/crm/visits", {"total_amount": 90_000}, format="json")
    assert answer.status_code == 201
    assert answer.json()["data"]["customer"] is None
    assert (Customer.objects.count(), LedgerEntry.objects.count(), Visit.objects.count()) == (0, 0, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"total_amount": -1}, "total_amount"),
        ({"total_amount": "صد"}, "total_amount"),
        ({"total_amount": 10**15}, "total_amount"),
        ({}, "total_amount"),
        ({"total_amount": 100, "discount_applied": 101}, "discount_applied"),
        ({"total_amount": 100, "discount_applied": -5}, "discount_applied"),
        ({"total_amount": 100, "payment_method": "bitcoin"}, "payment_method"),
        ({"total_amount": 100, "visit_type": "drone"}, "visit_type"),
        ({"total_amount": 100, "visit_date": "2999-01-01T00:00:00Z"}, "visit_date"),
        ({"total_amount": 100, "visit_date": "2020-01-01T00:00:00Z"}, "visit_date"),
        ({"total_amount": 100, "outlet_id": "00000000-0000-7000-8000-000000000000"}, "outlet_id"),
        ({"total_amount": 100, "points_redeemed": -1}, "points_redeemed"),
        ({"total_amount": 100, "points_redeemed": 2}, "points_redeemed"),
        ({"total_amount": 100, "customer_name": "x" * 101}, "customer_name"),
        ({"total_amount": 100, "customer_name": "ا"}, "customer_name"),
        ({"total_amount": 100, "items_ordered": [{"quantity": 1}]}, "items_ordered"),
        ({"total_amount": 100, "customer_id": "not-a-uuid"}, "customer_id"),
    ],
)
def test_a_wrong_body_names_the_field_and_changes_nothing(cafe, body, field):
    before = counts()
    if "customer_id" not in body:
        body = {"customer_phone": PHONE, **body}
    answer = cafe.api("staff").post("/api/crm/visits", body, format="json")
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert field in error["details"]
    assert error["message"] != error["message_en"]
    assert counts() == before


def test_invalid_phone_has_its_own_code_and_a_suggestion(cafe):
    answer = cafe.api("staff").post(
        "/api/crm/visits", {"customer_phone": "0912", "total_amount": 1}, format="json"
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "INVALID_PHONE_FORMAT")
    assert error["details"]["phone"] == "0912"
    assert error["details"]["suggestion"]


def test_redeeming_more_than_the_balance(cafe):
    record_visit(actor=cafe.staff.actor, request=bill(100_000))
    before = counts()
    with pytest.raises(InsufficientPoints):
        record_visit(actor=cafe.staff.actor, request=bill(1_000_000, points_to_redeem=101))
    assert counts() == before
    with pytest.raises(ValidationError):
        record_visit(actor=cafe.staff.actor, request=bill(1_000, points_to_redeem=11))


def test_only_an_owner_level_key_overrides_points(cafe):
    body = {"customer_phone": PHONE, "total_amount": 100_000, "points_earned": 7}
    manager = cafe.api("manager").post("/api/crm/visits", body, format="json").json()["data"]
    owner = cafe.api("owner").post("/api/crm/visits", body, format="json").json()["data"]
    assert manager["visit"]["points_earned"] == 100
    assert owner["visit"]["points_earned"] == 7
    entry = LedgerEntry.objects.get(points=7)
    assert entry.explanation["computed"] == 100


def test_staff_cannot_void_an_old_visit(cafe):
    receipt = record_visit(actor=cafe.staff.actor, request=bill())
    Visit.objects.filter(pk=receipt.visit.pk).update(created_at=timezone.now() - timedelta(days=3))
    url = f"/api/crm/visits/{receipt.visit.pk}/void"
    assert cafe.api("staff").post(url, {}, format="json").status_code == 403
    assert cafe.api("manager").post(url, {"reason": "خطا"}, format="json").status_code == 200
    again = cafe.api("manager").post(url, {}, format="json")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")


def test_base_segment_follows_the_system_segments(cafe):
    now = timezone.now()
    for days in (20, 10, 5):
        receipt = record_visit(
            actor=cafe.owner.actor,
            request=bill(60_000, visit_date=now - timedelta(days=days)),
            may_backdate=True,
        )
        assert receipt.customer.summary.segment == "new"
    assert record_visit(actor=cafe.owner.actor, request=bill(60_000)).customer.summary.segment == "regular"
    vip = record_visit(actor=cafe.owner.actor, request=bill(6_000_000))
    assert (vip.status.tier.level, vip.customer.summary.segment) == ("gold", "vip")
    Customer.objects.update(created_at=now - timedelta(days=31))
    void = void_visit(actor=cafe.owner.actor, visit_id=vip.visit.pk)
    assert void.customer.summary.segment == "regular"


def test_statement_budget(cafe, django_assert_max_num_queries):
    record_visit(actor=cafe.staff.actor, request=bill())
    client = cafe.api("staff")
    body = {"customer_phone": PHONE, "total_amount": 100_000}
    client.post("/api/crm/visits", body, format="json")
    with django_assert_max_num_queries(14) as captured:  # 12 and the savepoint pair of the test's transaction
        assert client.post("/api/crm/visits", body, format="json").status_code == 201
    statements = [q["sql"] for q in captured if "SAVEPOINT" not in q["sql"]]
    assert len(statements) <= 12, statements


@pytest.mark.parametrize("day", ["1405-01-15", "۱۴۰۵/۰۱/۱۵", "2026-04-04"])
def test_the_day_of_a_visit_may_be_jalali(cafe, day):
    body = {"customer_phone": PHONE, "total_amount": 100_000, "visit_date": f"{day}T10:30:00Z"}
    answer = cafe.api("manager").post("/api/crm/visits", body, format="json")
    assert answer.status_code == 201, answer.content.decode()
    visit = answer.json()["data"]["visit"]
    assert visit["visit_date"] == "2026-04-04T10:30:00Z"
    changed = cafe.api("manager").patch(
        f"/api/crm/visits/{visit['id']}", {"visit_date": "1403-12-30"}, format="json"
    )
    assert changed.json()["data"]["visit"]["visit_date"].startswith("2025-03-20T"), changed.content.decode()
    wrong = cafe.api("manager").patch(
        f"/api/crm/visits/{visit['id']}", {"visit_date": "1404-12-30"}, format="json"
    )
    assert (wrong.status_code, list(wrong.json()["error"]["details"])) == (400, ["visit_date"])


def test_the_days_of_a_gregorian_cafe_are_never_jalali(indian_cafe):
    body = {"total_amount": 100, "visit_date": "1403-12-30"}
    answer = indian_cafe.api("manager").post("/api/crm/visits", body, format="json")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, ["visit_date"])
