"""The 360° row and the drop-off list: seed 003's keys, against plain Python, at a fixed price."""

import datetime as dt
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context

from analytics.selectors.customer_360 import find_360, get_360, split_name
from analytics.selectors.dropoff import count_at_risk, describe_at_risk, find_at_risk
from customers.models import Customer, FamilyMember
from customers.selectors import get_facts
from customers.tests.factories import make_customer, make_visit
from feedback.tests.helpers import without_feature
from outreach.models import Interaction
from servaan_crm.l10n.jalali import local_date
from servaan_crm.messaging.models import Message

URL = "/api/crm/customers"
KEYS = [
    "customer_id", "first_name", "last_name", "email", "phone", "customer_type", "lifecycle_stage",
    "customer_temperature", "lifetime_value", "total_orders", "avg_order_value", "last_order_date",
    "days_since_last_order", "family_members_count", "total_interactions", "preferred_categories",
    "avg_days_between_orders",
]  # fmt: skip
COFFEE = [{"name": "لاته", "category": "قهوه", "quantity": 1, "total_price": 1}]


def contact(guest, days_ago, direction="outbound"):
    return Interaction.objects.create(
        customer=guest, type="call", direction=direction,
        interaction_date=timezone.now() - dt.timedelta(days=days_ago),
    )  # fmt: skip


def advertise(guest, days_ago, state="delivered", purpose="marketing"):
    at = timezone.now() - dt.timedelta(days=days_ago)
    return Message.objects.create(
        purpose=purpose, kind="test", recipient=guest.phone, body="x", parts=1, customer_id=guest.pk, state=state,
        expires_at=at, sent_at=at if state in ("sent", "delivered") else None, provider_message_id="1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parts"),
    [("سارا کریمی", ("سارا", "کریمی")), ("علی رضا احمدی", ("علی رضا", "احمدی")), ("سارا", ("سارا", "")),
     (" Asha  Rao ", ("Asha", "Rao"))],
)  # fmt: skip
def test_names_are_parted_at_the_last_space(name, parts):
    assert split_name(name) == parts


def test_one_guest_has_exactly_the_keys_of_the_guide(cafe):
    guest = make_customer(1, "سارا سادات کریمی", email="sara@example.com")
    for days in (40, 30, 10):
        make_visit(guest, 120_000, days_ago=days, items=COFFEE)
    FamilyMember.objects.create(customer=guest, name="نیکا", relationship="child")
    contact(guest, 3)
    contact(guest, 2, "inbound")
    data = cafe.api("staff").get(f"{URL}/{guest.pk}/360").json()["data"]["customer"]
    assert list(data) == KEYS
    assert data == {
        "customer_id": str(guest.pk), "first_name": "سارا سادات", "last_name": "کریمی",
        "email": "sara@example.com", "phone": "09120000001", "customer_type": "repeat",
        "lifecycle_stage": "active", "customer_temperature": "warm", "lifetime_value": 360_000, "total_orders": 3,
        "avg_order_value": 120_000, "days_since_last_order": 10, "family_members_count": 1,
        "last_order_date": (local_date(timezone.now()) - dt.timedelta(days=10)).isoformat(),
        "total_interactions": 2, "preferred_categories": ["قهوه"], "avg_days_between_orders": 15,
    }  # fmt: skip


def random_guests(rng, count, first=1):
    for number in range(first, first + count):
        guest = make_customer(number, f"guest {number}")
        for _visit in range(rng.choice([0, 1, 1, 3, 7])):
            make_visit(guest, rng.randint(1, 500) * 1000, days_ago=rng.randint(0, 200), items=COFFEE)
        if rng.random() < 0.5:
            contact(guest, rng.randint(0, 100))
        if rng.random() < 0.3:
            FamilyMember.objects.create(customer=guest, name="x", relationship="child")


def test_filters_agree_with_the_derived_facts(cafe, other_cafe):
    random_guests(random.Random(3), 40)
    with tenant_context(other_cafe.cafe):
        make_visit(make_customer(99, "همسایه"))
    facts, client = get_facts(), cafe.api()
    guests = list(Customer.objects.select_related("summary"))
    cases = {
        "customer_type": ("new", "repeat", "vip", "inactive"),
        "lifecycle_stage": ("prospect", "new", "active", "at_risk", "churned"),
        "temperature": ("hot", "warm", "cold"),
    }
    names = {"customer_type": "customer_type", "lifecycle_stage": "lifecycle", "temperature": "temperature"}
    total = 0
    for parameter, values in cases.items():
        for value in values:
            data = client.get(f"{URL}/360?{parameter}={value}&limit=100").json()["data"]
            fact = getattr(facts, names[parameter])
            assert {row["customer_id"] for row in data["customers"]} == {
                str(guest.pk) for guest in guests if fact.of(guest.summary) == value
            }
            total += data["pagination"]["total_items"]
    assert total == 3 * len(guests), "each fact has one value"
    for query in ("customer_type=gone", "temperature=boiling", "stage=new", "limit=500"):
        assert client.get(f"{URL}/360?{query}").status_code == 400


def test_pages_cost_the_same_with_3_and_with_300_guests(cafe):
    rng, client, prices = random.Random(1), cafe.api(), []
    for size in (3, 300):
        random_guests(rng, size, first=Customer.objects.count() + 1)
        counted = []
        for address in (f"{URL}/360?limit=100", f"{URL}/at-risk?limit=100"):
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(address)
            assert answer.status_code == 200
            # Which café a host is, is remembered for a while.
            counted.append(
                sum("tenancy_" not in one["sql"] and "search_path" not in one["sql"] for one in queries)
            )
        prices.append(counted)
    assert prices[0] == prices[1], prices
    with CaptureQueriesContext(connection) as queries:
        get_360(find_360()[0:100])
    assert len(queries) == 5, "the page, family, contacts, rhythm, categories"


def test_at_risk_matches_plain_python(cafe, other_cafe):
    random_guests(random.Random(7), 40)
    with tenant_context(other_cafe.cafe):
        make_visit(make_customer(98, "همسایه"), days_ago=70)
    today, client = local_date(timezone.now()), cafe.api("agent")
    bounds = {"low": (30, 59), "medium": (60, 89), "high": (90, 119), "critical": (120, 10_000)}
    for level, (first, last) in {**bounds, "": (30, 10_000)}.items():
        query = f"risk_level={level}&" if level else ""
        rows = client.get(f"{URL}/at-risk?{query}limit=100").json()["data"]["customers"]
        expected = {}
        for guest in Customer.objects.select_related("summary").exclude(summary__last_visit_at=None):
            days = (today - local_date(guest.summary.last_visit_at)).days
            if first <= days <= last:
                expected[str(guest.pk)] = (days, guest.summary.lifetime_spent)
        assert {row["customer_id"]: (row["days_inactive"], row["lifetime_value"]) for row in rows} == expected
        worth = [row["lifetime_value"] for row in rows]
        assert worth == sorted(worth, reverse=True)
        assert all(row["risk_level"] == level for row in rows if level)
    assert client.get(f"{URL}/at-risk?risk_level=none").status_code == 400
    counts = count_at_risk()
    assert sum(counts.values()) == find_at_risk().count() > 0
    assert counts["low"] == find_at_risk(["low"]).count()


def test_blocked_erased_and_deleted_guests_are_nobodys_to_win_back(cafe):
    for number, fields in enumerate(
        ({"status": "blocked"}, {"erased_at": timezone.now()}, {"deleted_at": timezone.now()}), start=1
    ):
        guest = make_customer(number)
        make_visit(guest, days_ago=50)
        Customer.objects.filter(pk=guest.pk).update(**fields)
    assert find_at_risk().count() == 0


def recovery(guest):
    guest = find_at_risk().matches.select_related("summary").get(pk=guest.pk)
    row = describe_at_risk([guest])[0]
    return row.recovery.attempted_at is not None, row.recovery.succeeded_before


def test_what_counts_as_an_attempt_to_win_back(cafe):
    guest = make_customer(1)
    make_visit(guest, days_ago=200)
    make_visit(guest, days_ago=100)
    assert recovery(guest) == (False, False)
    contact(guest, 50, "inbound")
    contact(guest, 195)  # five days after a visit: no absence yet, although the guest came later
    advertise(guest, 40, purpose="transactional")
    advertise(guest, 40, state="failed")
    assert recovery(guest) == (False, False)
    advertise(guest, 110)  # after three months away, ten days before the guest came
    assert recovery(guest) == (False, True)
    contact(guest, 20)
    assert recovery(guest) == (True, True)
    other = make_customer(2)
    make_visit(other, days_ago=60)
    advertise(other, 10)
    assert recovery(other) == (True, False)


def test_lateness_is_measured_by_the_guests_own_rhythm(cafe):
    weekly, rare = make_customer(1, "هفتگی"), make_customer(2, "گاهی")
    for number in range(5):
        make_visit(weekly, 100_000, days_ago=35 + 7 * number)
        make_visit(rare, 50_000, days_ago=35 + 60 * number)
    rows = cafe.api().get(f"{URL}/at-risk").json()["data"]["customers"]
    assert [(row["overdue_factor"], row["own_rhythm_days"], row["is_late"]) for row in rows] == [
        (5.0, 7, True), (0.6, 60, False),
    ]  # fmt: skip


def test_the_page_lists_levels_and_notes_calls(cafe):
    guest = make_customer(1, "نازنین رفته")
    make_visit(guest, days_ago=95)
    page = cafe.browser("staff").get("/customers/at-risk/?risk_level=high").content.decode()
    assert "نازنین رفته" in page
    assert "/contacted/" in page, "the counter staff works the call list"
    agent = cafe.browser("agent")
    address = f"/customers/{guest.pk}/contacted/"
    with without_feature(cafe, "outreach"):
        assert "/contacted/" not in agent.get("/customers/at-risk/").content.decode()
        assert agent.post(address, {"outcome": "no_answer"}).status_code == 403
    assert cafe.browser("integrator").post(address, {"outcome": "no_answer"}).status_code == 403
    wrong = agent.post(address, {"outcome": "nonsense", "next": "https://evil.example/"})
    assert (wrong.status_code, wrong["Location"], Interaction.objects.count()) == (
        302,
        "/customers/at-risk/",
        0,
    )
    agent.post(address, {"outcome": "no_answer", "next": "/customers/at-risk/?risk_level=high"})
    noted = Interaction.objects.get()
    assert (noted.type, noted.direction, noted.outcome, noted.agent) == (
        "call",
        "outbound",
        "no_answer",
        cafe.agent,
    )
    assert recovery(guest) == (True, False)


@pytest.mark.parametrize("path", ["360", "at-risk"])
def test_everybody_who_sees_guests_may_ask(cafe, other_cafe, path):
    with tenant_context(other_cafe.cafe):
        neighbour = make_customer("09120000777", "همسایه")
    for role in ("owner", "manager", "staff", "agent", "integrator"):
        assert cafe.api(role).get(f"{URL}/{path}").status_code == 200
    assert cafe.api(None).get(f"{URL}/{path}").status_code == 401
    assert cafe.api().get(f"{URL}/{neighbour.pk}/360").status_code == 404
