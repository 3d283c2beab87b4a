"""How PostgreSQL answers the lists of a book of some size: by indexes, whatever the filter and the order."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import GuestFigure
from customers.selectors.customers import SORTS
from customers.selectors.figures import count_guests, figures_of_book

GUESTS = 20_000
LARGE = ("customers_customer", "customers_customersummary", "customers_visit")
URL = "/api/crm/customers"
_GUESTS = """
INSERT INTO customers_customer (id, created_at, updated_at, phone, name, name_english, email, gender, status, notes,
    preferences, address, city, postal_code, allow_marketing, version)
SELECT gen_random_uuid(), now() - n * interval '20 minutes', now(), '+98912' || lpad(n::text, 7, '0'),
       'مهمان ' || md5(n::text), '', '', '', CASE WHEN n %% 2000 = 0 THEN 'blocked' ELSE 'active' END, '',
       '{}', '', '', '', true, 1
  FROM generate_series(1, %s) AS n
"""
_SUMMARIES = """
INSERT INTO customers_customersummary (customer_id, total_visits, last_visit_number, lifetime_spent, first_visit_at,
    last_visit_at, segment, tier, points)
SELECT c.id, v, v, v::bigint * 1000000, c.created_at, now() - d * interval '1 hour',
       CASE WHEN v > 2997 THEN 'vip' WHEN v < 3 THEN 'new' ELSE 'occasional' END,
       CASE WHEN v > 2998 THEN 'gold' ELSE 'bronze' END, v * 10
  FROM (SELECT c.*, abs(hashtext(c.phone)) %% 3000 + 1 AS v, abs(hashtext(c.name)) %% 400000 AS d
          FROM customers_customer AS c) AS c
"""


@pytest.fixture
def large_book(cafe):
    with connection.cursor() as cursor:
        cursor.execute(_GUESTS, [GUESTS])
        cursor.execute(_SUMMARIES.replace("%%", "%"))
        for table in LARGE:
            cursor.execute(f"ANALYZE {table}")
    return cafe


def scanned(queries: CaptureQueriesContext) -> list[str]:
    """Return the large tables that the captured queries read from end to end, with the query."""
    found = []
    for query in queries.captured_queries:
        sql = query["sql"]
        if not sql.startswith(("SELECT", "WITH")) or "set_config" in sql:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        found += [f"{table}: {sql}\n{plan}" for table in LARGE if f"Seq Scan on {table}" in plan]
    return found


QUERIES = (
    "segment=new", "segment=vip", "tier=gold", "status=blocked", "segment=vip&status=blocked", "min_spent=2999000000",
    "temperature=hot", "created_from=2099-01-01",
)  # fmt: skip


def test_lists_and_figures_scan_no_large_table(large_book):
    """One book for all, because entering it takes longer than asking. Searches use their index in larger books."""
    api, browser = large_book.api(), large_book.browser("manager")
    asked = [f"{URL}?sort={sort}" for sort in SORTS]
    asked += [f"{URL}?{query}&sort={sort}" for query in QUERIES for sort in ("created_at", "last_visit")]
    wrong = []
    for url in asked:
        with CaptureQueriesContext(connection) as queries:
            answer = api.get(url)
        assert answer.status_code == 200, answer.content
        assert len(queries) <= 12, url
        wrong += [f"{url}\n{plan}" for plan in scanned(queries)]
    assert not wrong, "\n\n".join(wrong)
    with CaptureQueriesContext(connection) as queries:
        part = browser.get("/customers/figures/", headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert not scanned(queries), "\n\n".join(scanned(queries))
    assert sum(figure.guests for figure in figures_of_book().values()) == GUESTS
    assert count_guests(segment="vip") == count_guests(segment="vip", tier="gold") + count_guests(
        segment="vip", tier="bronze"
    )
    assert GuestFigure.objects.count() <= 6  # one statement entered them all
