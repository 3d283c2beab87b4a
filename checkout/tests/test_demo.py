"""The demonstration cafés, and the figures the tenant specification prints."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import call_command
from django.db import connection
from django.db.models import Count, Sum
from django_tenants.utils import tenant_context
from rest_framework.test import APIClient

from checkout.simulation.demo import CAFES, PASSWORD, NotADemo, create_demo
from checkout.tests.invariants import check_cafe
from customers.models import Customer, CustomerSummary, Visit
from loyalty.models import LedgerEntry, LoyaltyAccount
from servaan_crm.accounts.authentication import issue_tokens
from servaan_crm.accounts.models import User
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import drop_cafe

PRINTED = {
    "+989123456789": ("احمد محمدی", "regular", "silver", 25),
    "+989987654321": ("فاطمه احمدی", "vip", "gold", 65),
    "+989111222333": ("علی رضایی", "new", "bronze", 2),
    "+989444555666": ("مریم کریمی", "occasional", "bronze", 12),
    "+989333444555": ("حسن موسوی", "regular", "silver", 35),
}


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Cafe]]:
    """The three cafés, made once for this file and dropped afterwards."""
    with django_db_blocker.unblock():
        call_command("create_demo", verbosity=0)
        cafes = {cafe.slug: cafe for cafe in Cafe.objects.filter(is_demo=True)}
        yield cafes
        for cafe in cafes.values():
            drop_cafe(cafe)
        with connection.cursor() as cursor:  # the ORM would look for rows in cafés' tables
            cursor.execute("DELETE FROM public.accounts_user WHERE username = 'owner'")
        connection.close()


def contents() -> dict[str, tuple[int, int]]:
    """Number of rows and a sum of their hashes for every table of the demonstration and of the platform."""
    found = {}
    schemas = ["public", *(spec.slug for spec in CAFES)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY(%s)",
            [schemas],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*), coalesce(sum(hashtext(t::text)::bigint), 0)::text FROM {table} t"
            )
            found[table] = cursor.fetchone()
    return found


def test_printed_guests(demo: dict[str, Cafe]) -> None:
    with tenant_context(demo["servaan"]):
        found = {
            row.customer.phone: (row.customer.name, row.segment, row.tier, row.total_visits)
            for row in CustomerSummary.objects.select_related("customer")
        }
        fateme = Customer.objects.get(phone="+989987654321")
        ages = Customer.objects.filter(status="active").dates("created_at", "day")
        assert len(ages) <= 2  # all entered at the moment of seeding
        assert fateme.allergies == ["nuts"]
        assert fateme.email == "fateme@email.com"
    assert found == PRINTED


def test_printed_visits(demo: dict[str, Cafe]) -> None:
    with tenant_context(demo["servaan"]):
        ahmad = Visit.objects.filter(customer__phone="+989123456789").latest("visit_number")
        fateme = Visit.objects.filter(customer__phone="+989987654321").latest("visit_number")
        ali = Visit.objects.get(customer__phone="+989111222333", visit_number=1)
        assert (ahmad.final_amount, [line["name"] for line in ahmad.items]) == (
            280_000,
            ["لاته", "کیک شکلاتی"],
        )
        assert (fateme.total_amount, fateme.discount_amount, fateme.final_amount) == (
            520_000,
            52_000,
            468_000,
        )
        assert ali.final_amount == 120_000


def test_printed_points(demo: dict[str, Cafe]) -> None:
    with tenant_context(demo["servaan"]):
        sums = LoyaltyAccount.objects.aggregate(
            issued=Sum("points_earned_total"), redeemed=Sum("points_redeemed_total"), active=Sum("balance")
        )
        assert sums == {"issued": 15_550, "redeemed": 3_000, "active": 12_550}
        tiers = dict(LoyaltyAccount.objects.values_list("tier").annotate(n=Count("pk")))
        assert tiers == {"bronze": 2, "silver": 2, "gold": 1}
        assert LedgerEntry.objects.filter(type="earned_purchase").aggregate(n=Sum("points"))["n"] == 15_550
        assert check_cafe() == []


def test_printed_answers_of_the_api(demo: dict[str, Cafe]) -> None:
    with tenant_context(demo["servaan"]):
        token = issue_tokens(User.objects.get(username="owner"))["access"]
    client = APIClient(SERVER_NAME="servaan.localhost")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    answers: dict[str, Any] = {}
    for room in ("customers", "loyalty"):
        response = client.get(f"/api/crm/{room}/statistics")
        assert response.status_code == 200, response.content
        answers |= response.json()["data"]
    assert answers["total"] == answers["active"] == answers["new_this_month"] == 5
    assert answers["by_segment"] == {"vip": 1, "regular": 2, "new": 1, "occasional": 1}
    printed_tiers = {"bronze": 2, "silver": 2, "gold": 1, "platinum": 0}
    assert answers["by_tier"] == answers["tier_distribution"] == printed_tiers
    assert answers["total_points_issued"] == 15_550
    assert answers["total_points_redeemed"] == 3_000
    assert answers["active_points"] == 12_550
    assert answers["average_points_per_customer"] == 2_510


def test_people_and_platform_owner(demo: dict[str, Cafe]) -> None:
    for cafe in demo.values():
        with tenant_context(cafe):
            users = {user.username: user for user in User.objects.all()}
            assert set(users) == {"owner", "manager", "staff", "agent"}
            assert all(user.role == name for name, user in users.items())
            assert all(check_password(PASSWORD, user.password) for user in users.values())
    connection.set_schema_to_public()
    assert User.objects.get(username="owner").is_superuser


def test_other_cafés_are_simulated(demo: dict[str, Cafe]) -> None:
    assert demo["dombivli"].currency == "INR"
    for slug, guests in (("demo", 2000), ("dombivli", 300)):
        with tenant_context(demo[slug]):
            assert Customer.objects.count() == guests
    with tenant_context(demo["dombivli"]):
        assert check_cafe() == []


def test_second_run_changes_nothing(demo: dict[str, Cafe]) -> None:
    before = contents()
    create_demo()
    assert contents() == before


def test_a_real_café_gets_no_published_password(demo: dict[str, Cafe]) -> None:
    Cafe.objects.filter(slug="servaan").update(is_demo=False)
    try:
        with pytest.raises(NotADemo, match="servaan"):
            create_demo()
    finally:
        connection.set_schema_to_public()
        Cafe.objects.filter(slug="servaan").update(is_demo=True)
