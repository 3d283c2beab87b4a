"""The ledger cannot be tampered with, and the club's endpoints move points only through it."""

import pytest
from django.db import IntegrityError, connection, transaction

from checkout.services import VisitRequest, record_visit
from checkout.tests.invariants import assert_books_agree
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.services import update_program
from servaan_crm.core.models import AuditEntry

E164 = "+989121110022"


@pytest.fixture
def guest(cafe):
    return record_visit(
        actor=cafe.staff.actor, request=VisitRequest(total_amount=250_000, phone=E164, customer_name="نازنین")
    ).customer


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE loyalty_ledgerentry SET points = points + 1",
        "UPDATE loyalty_ledgerentry SET description = ''",
        "DELETE FROM loyalty_ledgerentry",
        "TRUNCATE loyalty_ledgerentry CASCADE",
        "UPDATE core_auditentry SET actor_name = ''",
        "DELETE FROM core_auditentry",
    ],
)
def test_postgresql_refuses_to_change_the_past(cafe, guest, statement):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for no deferred checks
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(statement)
    assert LedgerEntry.objects.get().points == 250


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE loyalty_loyaltyaccount SET balance = balance + 1",
        "UPDATE loyalty_loyaltyaccount SET balance = -1, points_redeemed_total = 251",
        "UPDATE customers_customersummary SET points = -1",
    ],
)
def test_postgresql_refuses_impossible_balances(cafe, guest, statement):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_status_has_the_printed_shape(cafe, guest):
    data = cafe.api("staff").get(f"/api/crm/customers/{guest.pk}/loyalty").json()["data"]
    assert list(data) == [
        "current_points", "points_earned_total", "points_redeemed_total", "tier_level", "tier_benefits",
        "next_tier", "lifetime_spent", "tier_start_date",
    ]  # fmt: skip
    assert (data["current_points"], data["tier_level"], data["lifetime_spent"]) == (250, "bronze", 250_000)
    assert list(data["next_tier"]) == ["level", "points_needed", "additional_benefits"]
    assert (data["next_tier"]["level"], data["next_tier"]["points_needed"]) == ("silver", 750)


def test_award_redeem_adjust(cafe, guest):
    api = cafe.api("manager")
    base = {"customer_id": str(guest.pk)}
    award = api.post(
        "/api/crm/loyalty/award-points",
        {**base, "points": 800, "reason": "Purchase reward", "transaction_id": "12345", "notes": "سفارش"},
        format="json",
    )
    assert award.status_code == 201
    assert award.json()["data"]["transaction"]["balance_after"] == 1050
    assert LoyaltyAccount.objects.get().tier == "silver"
    redeem = api.post(
        "/api/crm/loyalty/redeem-points",
        {**base, "points": 200, "reward_type": "discount", "reward_value": 20_000, "applied_to_order": "o-1"},
        format="json",
    )
    assert redeem.json()["data"]["transaction"]["points_change"] == -200
    adjust = api.post(
        "/api/crm/loyalty/adjust-points", {**base, "points": -50, "reason": "اشتباه"}, format="json"
    )
    assert adjust.json()["data"]["transaction"]["balance_after"] == 800
    too_much = api.post(
        "/api/crm/loyalty/redeem-points", {**base, "points": 801, "reward_type": "item"}, format="json"
    )
    error = too_much.json()["error"]
    assert (too_much.status_code, error["code"]) == (409, "INSUFFICIENT_POINTS")
    assert error["details"] == {"available": 800, "requested": 801}
    assert (
        api.get(f"/api/crm/customers/{guest.pk}/loyalty/transactions").json()["data"]["pagination"][
            "total_items"
        ]
        == 4
    )
    assert_books_agree()


@pytest.mark.parametrize("points", [0, -5, 10_000_001, 2**40, "ده"])
def test_impossible_points_are_named(cafe, guest, points):
    answer = cafe.api("manager").post(
        "/api/crm/loyalty/award-points",
        {"customer_id": str(guest.pk), "points": points, "reason": "هدیه"},
        format="json",
    )
    assert answer.status_code == 400
    assert "points" in answer.json()["error"]["details"]
    assert LedgerEntry.objects.count() == 1


def test_changing_the_program_leaves_history_and_a_trace(cafe, guest):
    update_program(actor=cafe.owner.actor, changes={"amount_per_point": 500})
    record_visit(actor=cafe.staff.actor, request=VisitRequest(total_amount=250_000, phone=E164))
    first, second = LedgerEntry.objects.order_by("sequence")
    assert (first.points, first.rule_version, second.points, second.rule_version) == (250, 1, 500, 2)
    trace = AuditEntry.objects.filter(table_name="loyalty_loyaltyprogram", action="update").get()
    assert trace.new["amount_per_point"] == 500
    assert trace.actor_name == cafe.owner.display_name


def test_points_stay_in_their_cafe(cafe, guest, other_cafe):
    api = other_cafe.api("owner")
    assert api.get(f"/api/crm/customers/{guest.pk}/loyalty").status_code == 404
    award = api.post(
        "/api/crm/loyalty/award-points",
        {"customer_id": str(guest.pk), "points": 5, "reason": "x"},
        format="json",
    )
    assert (award.status_code, award.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")


def test_feature_switched_off(cafe, guest):
    cafe.cafe.features["loyalty"] = False
    cafe.cafe.save()
    try:
        answer = cafe.api("owner").get(f"/api/crm/customers/{guest.pk}/loyalty")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FEATURE_DISABLED")
        receipt = record_visit(actor=cafe.staff.actor, request=VisitRequest(total_amount=250_000, phone=E164))
        assert (receipt.earning.points, receipt.points_withheld) == (0, "loyalty_off")
    finally:
        cafe.cafe.features["loyalty"] = True
        cafe.cafe.save()
    assert_books_agree()
