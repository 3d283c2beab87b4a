"""The list's filters against a plain-Python oracle, its sorting, its refusals, its number of queries."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.filters import CustomerFilter
from customers.models import Customer, Tag
from customers.selectors import get_facts
from customers.tests.factories import make_customer, make_visit
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.text import search_key, sort_key

URL = "/api/crm/customers"
NAMES = [
    "علی رضایی",
    "علي رضائی",
    "سارا کریمی",
    "مریم علی‌پور",
    "Ravi Kumar",
    "پویا گلزار",
    "زهرا ژاله",
    "آرش ب",
]


@pytest.fixture
def book(cafe):
    """Forty guests with every figure at random."""
    chance = random.Random(7)
    tags = [Tag.objects.create(name=name) for name in ("گیاه‌خوار", "شرکتی", "window")]
    outlets = [Outlet.objects.get(is_default=True), Outlet.objects.create(name="شعبه دو")]
    now = timezone.now()
    for number in range(40):
        visits = chance.choice([0, 0, 1, 1, 2, 4, 5, 6, 20])
        last = now - timedelta(days=chance.choice([0, 5, 7, 8, 29, 30, 31, 60, 89, 90, 91, 120, 200]))
        customer = make_customer(
            number + 1_000_000 * chance.randrange(3),
            chance.choice(NAMES),
            status=chance.choice(Customer.Status.values),
            email=chance.choice(["", "guest@example.com", "vip@cafe.ir"]),
            notes=chance.choice(["", "بدون شکر"]),
            outlet_id=chance.choice(outlets).pk,
            tags=chance.sample(tags, chance.randrange(3)),
            total_visits=visits,
            lifetime_spent=Decimal(visits * chance.randrange(1, 12) * 1_000_000),
            first_visit_at=last if visits else None,
            last_visit_at=last if visits else None,
            segment=chance.choice(["new", "occasional", "regular", "vip"]),
            tier=chance.choice(["bronze", "silver", "gold", "platinum"]),
            points=chance.randrange(500),
        )
        created = now - timedelta(days=chance.randrange(100))
        Customer.objects.filter(pk=customer.pk).update(
            created_at=created, deleted_at=now if chance.random() < 0.1 else None
        )
    return list(Customer.objects.filter(deleted_at=None).select_related("summary").prefetch_related("tags"))


def _words_in(customer: Customer, query: str) -> bool:
    return search_key(query) in customer.search_key


def _last(customer: Customer):
    at = customer.summary.last_visit_at
    return local_date(at) if at else None


DAY = (datetime.now(UTC) - timedelta(days=30)).date()
CASES = {
    "segment=vip": lambda c, _f: c.summary.segment == "vip",
    "status=blocked": lambda c, _f: c.status == "blocked",
    "tier=gold": lambda c, _f: c.summary.tier == "gold",
    "tag=گیاهخوار": lambda c, _f: "گیاه‌خوار" in {t.name for t in c.tags.all()},
    "outlet=شعبه دو": lambda c, _f: c.outlet.name == "شعبه دو",
    "type=vip": lambda c, f: f.customer_type.of(c.summary) == "vip",
    "type=new": lambda c, f: f.customer_type.of(c.summary) == "new",
    "type=inactive": lambda c, f: f.customer_type.of(c.summary) == "inactive",
    "lifecycle=at_risk": lambda c, f: f.lifecycle.of(c.summary) == "at_risk",
    "lifecycle=prospect": lambda c, f: c.summary.total_visits == 0,
    "temperature=hot": lambda c, f: f.temperature.of(c.summary) == "hot",
    "temperature=cold&segment=new": lambda c, f: (
        (f.temperature.of(c.summary), c.summary.segment) == ("cold", "new")
    ),
    "min_spent=5000000": lambda c, _f: c.summary.lifetime_spent >= 5_000_000,
    "max_spent=۵٬۰۰۰٬۰۰۰": lambda c, _f: c.summary.lifetime_spent <= 5_000_000,
    "min_visits=2&max_visits=5": lambda c, _f: 2 <= c.summary.total_visits <= 5,
    f"created_from={DAY}": lambda c, _f: local_date(c.created_at) >= DAY,
    f"created_to={DAY}": lambda c, _f: local_date(c.created_at) <= DAY,
    f"last_visit_from={DAY}": lambda c, _f: bool(_last(c)) and _last(c) >= DAY,
    f"last_visit_to={DAY}": lambda c, _f: bool(_last(c)) and _last(c) <= DAY,
    "search=علي": lambda c, _f: _words_in(c, "علی"),
    "search=رضایی علی": lambda c, _f: _words_in(c, "علی") and _words_in(c, "رضایی"),
    "search=عل": lambda c, _f: any(word.startswith("عل") for word in c.search_key.split()),
    "search=ع": lambda c, _f: c.sort_key.startswith(sort_key("ع")),
    "search=kumar": lambda c, _f: "kumar" in c.search_key,
    "search=cafe.ir": lambda c, _f: "cafe.ir" in c.email,
    "search=شکر": lambda c, _f: "شکر" in c.notes,
    "search=0912100": lambda c, _f: "912100" in c.phone,
    "search=۱۲۱": lambda c, _f: "121" in c.phone,
    "search=window": lambda c, _f: "window" in {t.name for t in c.tags.all()},
    "search=50%": lambda c, _f: False,
}


def test_each_filter_finds_what_a_plain_loop_finds(cafe, book):
    facts = get_facts()
    client = cafe.api()
    for query, belongs in CASES.items():
        wanted = {str(customer.pk) for customer in book if belongs(customer, facts)}
        found = client.get(f"{URL}?{query}&limit=100")
        assert found.status_code == 200, (query, found.data)
        assert {row["id"] for row in found.data["data"]["customers"]} == wanted, query
        assert found.data["data"]["pagination"]["total_items"] == len(wanted), query


def test_oldest_visits_first_lists_those_who_never_came_first_and_descending_is_the_reverse(cafe, book):
    keys = {
        "name": lambda c: c.sort_key,
        "phone": lambda c: c.phone,
        "created_at": lambda c: c.created_at,
        "last_visit": lambda c: c.summary.last_visit_at or datetime.min.replace(tzinfo=UTC),
        "lifetime_spent": lambda c: c.summary.lifetime_spent,
        "total_visits": lambda c: c.summary.total_visits,
        "points": lambda c: c.summary.points,
    }
    by_id = {str(customer.pk): customer for customer in book}
    for sort, key in keys.items():
        rows = cafe.api().get(f"{URL}?sort={sort}&order=asc&limit=100").data["data"]["customers"]
        down = cafe.api().get(f"{URL}?sort={sort}&order=desc&limit=100").data["data"]["customers"]
        assert [key(by_id[row["id"]]) for row in rows] == sorted(key(customer) for customer in book), sort
        assert [row["id"] for row in down] == [row["id"] for row in reversed(rows)], sort


def test_pages_hold_every_customer_once(cafe, book):
    seen = []
    for page in range(1, 99):
        data = cafe.api().get(f"{URL}?sort=total_visits&order=desc&limit=7&page={page}").data["data"]
        seen += [row["id"] for row in data["customers"]]
        if page == data["pagination"]["total_pages"]:
            break
    assert sorted(seen) == sorted(str(customer.pk) for customer in book)
    assert data["pagination"] == {
        "current_page": page, "total_pages": page, "total_items": len(book), "items_per_page": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "field", "legal"),
    [
        ("segment=VIPs", "segment", "new, occasional, regular, vip"),
        ("status=gone", "status", "active, inactive, blocked"),
        ("tier=diamond", "tier", "bronze, silver, gold, platinum"),
        ("type=old", "type", "new, repeat, vip, inactive"),
        ("lifecycle=x", "lifecycle", "prospect, new, active, at_risk, churned"),
        ("temperature=x", "temperature", "hot, warm, cold"),
        ("sort=age", "sort", "name, phone, created_at, last_visit, lifetime_spent, total_visits, points"),
        ("order=up", "order", "asc, desc"),
        ("tag=nothing", "tag", ""),
        ("outlet=nothing", "outlet", "."),
        ("min_spent=-1", "min_spent", ""),
        ("min_visits=1.5", "min_visits", ""),
        ("created_from=soon", "created_from", ""),
        ("created_to=1403/12/31", "created_to", ""),
        ("search=a%00b", "search", ""),
        ("q=ali", "q", "search, segment, status"),
        ("limit=101", "limit", "100"),
        ("limit=0", "limit", ""),
        ("page=2", "page", ""),
        ("page=x", "page", ""),
    ],
)
def test_wrong_parameters_are_errors_that_name_what_is_legal(cafe, query, field, legal):
    answer = cafe.api().get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert answer.data["error"]["code"] == "VALIDATION_ERROR"
    assert list(answer.data["error"]["details"]) == [field]
    assert legal in answer.data["error"]["details"][field][0]


def test_number_of_queries_does_not_grow_with_the_rows(cafe):
    client = cafe.api()
    client.get(URL)  # what a process learns once
    counts: dict[str, list[int]] = {}
    made = 0
    for size in (1, 3, 30):
        while made < size:
            customer = make_customer(made)
            for days in range(3):
                make_visit(customer, days_ago=days)
            made += 1
        urls = {
            "list": URL,
            "search": f"{URL}?search=سارا",
            "detail": f"{URL}/{customer.pk}",
            "visits": f"{URL}/{customer.pk}/visits",
            "phone": f"{URL}/phone/{customer.national_phone}",
        }
        for name, url in urls.items():
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.setdefault(name, []).append(len(queries))
    assert all(len(set(found)) == 1 and found[0] <= 6 for found in counts.values()), counts


def test_counting_without_a_filter_reads_customers_alone(cafe):
    make_customer(1)
    asked = CustomerFilter(QueryDict(""))
    assert not asked.problems()
    with CaptureQueriesContext(connection) as queries:
        assert asked.customers().count() == 1
    assert "customersummary" not in queries[0]["sql"]
