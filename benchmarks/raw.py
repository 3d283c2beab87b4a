"""The limit: the statements of a checkout by hand, prepared, without the framework."""

import json
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from uuid_utils.compat import uuid7

from benchmarks.cafe import Subject

AMOUNT = 250_000
LINE = {
    "item_id": None,
    "name": "لاته",
    "category": "",
    "quantity": 2,
    "unit_price": 125_000,
    "total_price": AMOUNT,
}

USER = "SELECT * FROM accounts_user WHERE id = %s"
OUTLET = "SELECT id FROM accounts_outlet WHERE is_active ORDER BY is_default DESC, created_at LIMIT 1"
GUEST = """
SELECT c.id, c.status, s.total_visits, s.last_visit_number, s.lifetime_spent, s.first_visit_at, s.segment
  FROM customers_customersummary s JOIN customers_customer c ON c.id = s.customer_id
 WHERE c.phone = %s AND c.deleted_at IS NULL FOR NO KEY UPDATE
"""
BOOK = """
SELECT p.amount_per_point, p.version,
       ARRAY(SELECT jsonb_build_array(level, threshold, multiplier) FROM loyalty_tier ORDER BY threshold)
  FROM loyalty_loyaltyprogram p
"""
ACCOUNT = """
SELECT balance, last_sequence, points_earned_total, tier FROM loyalty_loyaltyaccount WHERE customer_id = %s
"""
VISIT = """
INSERT INTO customers_visit (id, created_at, updated_at, customer_id, visit_number, visit_date, outlet_id, visit_type,
    table_number, server_name, items, item_count, total_amount, discount_amount, points_value, payment_method,
    points_earned, points_redeemed, feedback_comment, notes, order_reference, created_by_id, void_reason)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'dine_in', '', '', %s, 2, %s, 0, 0, 'card', %s, 0, '', '', '', %s, '')
RETURNING final_amount
"""
ENTRY = """
INSERT INTO loyalty_ledgerentry (id, created_at, customer_id, sequence, type, points, balance_after, visit_id,
    related_amount, reference, description, notes, explanation, rule_version, shortfall, created_by_id)
VALUES (%s, %s, %s, %s, 'earned_purchase', %s, %s, %s, %s, '', 'Visit', '', %s, %s, 0, %s)
"""
NEW_ACCOUNT = """
INSERT INTO loyalty_loyaltyaccount (balance, last_sequence, points_earned_total, points_redeemed_total, tier,
    created_at, updated_at, customer_id)
VALUES (%s, %s, %s, 0, %s, now(), %s, %s)
"""
SAVE_ACCOUNT = """
UPDATE loyalty_loyaltyaccount SET balance = %s, last_sequence = %s, points_earned_total = %s, tier = %s,
    updated_at = %s WHERE customer_id = %s
"""
SUMMARY = """
UPDATE customers_customersummary SET total_visits = %s, last_visit_number = %s, lifetime_spent = %s,
    first_visit_at = %s, last_visit_at = %s, tier = %s, points = %s, segment = %s WHERE customer_id = %s
"""
SEGMENT = """
SELECT CASE WHEN s.lifetime_spent >= 500000 AND s.tier IN ('gold', 'platinum') THEN 'vip'
            WHEN coalesce((SELECT count(*) FROM customers_visit v WHERE v.customer_id = s.customer_id
                              AND v.visit_date >= %s AND v.voided_at IS NULL), 0) >= 4
                 AND s.last_visit_at >= %s THEN 'regular'
            WHEN c.created_at >= %s AND s.total_visits <= 3 THEN 'new' ELSE 'occasional' END
  FROM customers_customersummary s JOIN customers_customer c ON c.id = s.customer_id WHERE s.customer_id = %s
"""
EVENT = """
INSERT INTO core_event (name, payload, created_at, handled, attempts, next_attempt_at, last_error)
VALUES ('visit.recorded', %s, %s, '{}', 0, %s, '') RETURNING id
"""
LIST_COUNT = "SELECT count(*) FROM customers_customer WHERE deleted_at IS NULL"
LIST_PAGE = """
SELECT c.*, s.* FROM customers_customer c JOIN customers_customersummary s ON s.customer_id = c.id
 WHERE c.deleted_at IS NULL ORDER BY c.created_at DESC, c.id LIMIT 25
"""
LOOKUP = """
WITH hits AS MATERIALIZED (
    SELECT id FROM customers_customer WHERE deleted_at IS NULL AND phone LIKE %s LIMIT 10000
)
SELECT c.id, c.name, c.phone, s.* FROM hits JOIN customers_customer c USING (id)
  JOIN customers_customersummary s ON s.customer_id = c.id ORDER BY s.last_visit_at DESC NULLS LAST LIMIT 8
"""


def connect(subject: Subject) -> psycopg.Connection[Any]:
    """Return a durable connection to the café's schema that prepares every statement."""
    url = os.environ["DATABASE_URL"]
    connection = psycopg.connect(url, prepare_threshold=0, options=f"-c search_path={subject.schema},public")
    connection.autocommit = False
    return connection


def checkout(connection: psycopg.Connection[Any], subject: Subject, phone: str) -> None:
    """Record one visit by hand: the reads, locks and writes of ``record_visit``, in its order."""
    run, now = connection.execute, datetime.now(UTC)
    user, month_ago, fortnight_ago = subject.user_id, now - timedelta(days=30), now - timedelta(days=14)
    run(USER, [user]).fetchone()
    outlet = run(OUTLET).fetchone()[0]  # type: ignore[index]
    guest, _, visits, number, spent, first, segment = run(GUEST, [phone]).fetchone()  # type: ignore[misc]
    per_point, version, tiers = run(BOOK).fetchone()  # type: ignore[misc]
    found = run(ACCOUNT, [guest]).fetchone()
    balance, sequence, earned, tier = found or (0, 0, 0, "bronze")
    multiplier = next(Decimal(str(step[2])) for step in tiers if step[0] == tier)
    points = int(int(AMOUNT / per_point) * multiplier)
    tier = [step[0] for step in tiers if Decimal(str(step[1])) <= earned + points][-1]
    visit, items = uuid7(), json.dumps([LINE])
    run(VISIT, [visit, now, now, guest, number + 1, now, outlet, items, AMOUNT, points, user]).fetchone()
    why = json.dumps(
        {"paid": str(AMOUNT), "amount_per_point": str(per_point), "base": AMOUNT // 1000, "tier": tier}
    )
    run(
        ENTRY,
        [uuid7(), now, guest, sequence + 1, points, balance + points, visit, AMOUNT, why, version, user],
    )
    standing = [balance + points, sequence + 1, earned + points, tier, now, guest]
    run(SAVE_ACCOUNT if found else NEW_ACCOUNT, standing)
    values = [
        visits + 1,
        number + 1,
        spent + AMOUNT,
        first or now,
        now,
        tier,
        balance + points,
        segment,
        guest,
    ]
    run(SUMMARY, values)
    run(SEGMENT, [month_ago, fortnight_ago, month_ago, guest]).fetchone()
    run(EVENT, [json.dumps({"visit_id": str(visit), "customer_id": str(guest)}), now, now]).fetchone()
    connection.commit()


def worker(kind: str, subject: Subject, seed: int) -> Callable[[], None]:
    """Return a function that does one unit of the raw work ``kind``."""
    connection, rng = connect(subject), random.Random(seed)

    def read(*statements: tuple[str, list[Any]]) -> None:
        for statement, params in statements:
            connection.execute(statement, params).fetchall()
        connection.commit()

    jobs: dict[str, Callable[[], None]] = {
        "checkout": lambda: checkout(connection, subject, rng.choice(subject.phones)),
        "lookup": lambda: read((LOOKUP, [f"%{fragment(rng, subject)[1:]}%"])),
        "list": lambda: read((LIST_COUNT, []), (LIST_PAGE, [])),
    }
    return jobs[kind]


def fragment(rng: random.Random, subject: Subject) -> str:
    """Return the first 4 to 11 digits of some guest's number, as typed at the counter."""
    national = "0" + rng.choice(subject.phones)[3:]
    return national[: rng.randint(4, len(national))]
