"""The club: the night on which everybody's points run out, and redeeming over HTTP, against SQL by hand.

``python -m benchmarks.club [--guests N]``; DATABASE_URL and REDIS_URL name where. The nightly figures come from books
that are right: ``verify_ledger`` runs over them at the end, and its time is a figure too.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
os.environ.setdefault("SERVAAN_ACCESS_MINUTES", "600")

import django

if __name__ == "__main__":
    django.setup()

import psycopg
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.utils import Error
from django_tenants.utils import tenant_context
from uuid_utils.compat import uuid7

from benchmarks import measure, web
from benchmarks.cafe import BenchRefusal, durability, warm
from checkout.simulation.bulk import without_indexes, without_triggers
from checkout.simulation.inserts import insert_select
from checkout.simulation.load import AUDITED, TABLES
from customers.models import Customer, CustomerSummary
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services.expiry import expire_points
from servaan_crm.accounts.authentication import issue_tokens
from servaan_crm.accounts.models import User
from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import create_cafe, drop_cafe

SLUG = "bench-club"
# Four nights, ours and by hand in turn; the last lot of each guest stays.
FIRST_DAY, ROUNDS, LOT = date(2027, 1, 20), 4, 100
DAYS = [FIRST_DAY + timedelta(days=30 * number) for number in range(ROUNDS + 1)]

_CONSTANT = {"created_at": "now()", "updated_at": "now()"}


def _statements(guests: int) -> list[str]:
    """Return what writes the guests, one ledger entry for each of their lots, and the accounts they add up to."""
    days = "'{" + ",".join(map(str, DAYS)) + "}'::date[]"
    lots, points = len(DAYS), LOT * len(DAYS)
    everybody = "FROM customers_customersummary"
    phone, name = "'+98912' || lpad(n::text, 7, '0')", "'Guest ' || n"
    guest = {**_CONSTANT, "id": "gen_random_uuid()", "phone": phone, "name": name}
    entry = {
        "id": "gen_random_uuid()", "created_at": "now()", "customer_id": "customer_id", "sequence": "n",
        "type": "'earned_bonus'", "points": str(LOT), "balance_after": f"n * {LOT}",
        "lot_expiries": f"ARRAY[({days})[n]]", "lot_points": f"ARRAY[{LOT}]", "description": "'Bonus'",
    }  # fmt: skip
    account = {
        **_CONSTANT, "customer_id": "customer_id", "balance": str(points), "last_sequence": str(lots),
        "points_earned_total": str(points), "lot_expiries": days, "next_expiry_on": f"({days})[1]",
        "lot_points": f"array_fill({LOT}, ARRAY[{lots}])",
    }  # fmt: skip
    summary = {"customer_id": "id", "points": str(points)}
    return [
        insert_select(Customer, guest, f"FROM generate_series(1, {guests}) AS n"),
        insert_select(CustomerSummary, summary, "FROM customers_customer"),
        insert_select(LedgerEntry, entry, f"{everybody} CROSS JOIN generate_series(1, {lots}) AS n"),
        insert_select(LoyaltyAccount, account, everybody),
    ]


# The night by hand: one statement for everybody, without batches, locks, or a guard against being run twice.
_BY_HAND = """
WITH due AS MATERIALIZED (
    SELECT customer_id, balance - lot_points[1] AS balance, last_sequence + 1 AS sequence, lot_expiries[1] AS day,
           lot_points[1] AS gone
      FROM loyalty_loyaltyaccount WHERE next_expiry_on < %(today)s
), ledger AS (
    INSERT INTO loyalty_ledgerentry (id, created_at, customer_id, sequence, type, points, balance_after,
           lot_expiries, lot_points, reference, description, notes, explanation, rule_version, shortfall,
           idempotency_key)
    SELECT gen_random_uuid(), now(), customer_id, sequence, 'expired', -gone, balance, ARRAY[day], ARRAY[-gone], '',
           'Points expired', '', '{}', 1, 0, 'expire:' || %(today)s FROM due
), accounts AS (
    UPDATE loyalty_loyaltyaccount a
       SET balance = due.balance, last_sequence = due.sequence, points_redeemed_total = points_redeemed_total + gone,
           lot_expiries = lot_expiries[2:], lot_points = lot_points[2:], next_expiry_on = lot_expiries[2],
           updated_at = now()
      FROM due WHERE a.customer_id = due.customer_id
), summaries AS (
    UPDATE customers_customersummary s SET points = due.balance FROM due WHERE s.customer_id = due.customer_id
), events AS (
    INSERT INTO core_event (name, payload, created_at, dispatched_at, handled, attempts, next_attempt_at, last_error)
    SELECT 'loyalty.points_expired', jsonb_build_object('customer_id', customer_id, 'points', gone), now(), now(),
           '{}', 0, now(), '' FROM due
)
SELECT count(*) FROM due
"""


@dataclass(frozen=True, slots=True)
class Club:
    """What the measuring processes need to know about the café."""

    schema: str
    host: str
    token: str
    user_id: UUID
    guests: tuple[UUID, ...]


def build(guests: int, say: Callable[[str], None]) -> tuple[Cafe, Club]:
    """Make the café ``bench-club`` anew, with ``guests`` guests who hold a lot for each of ``DAYS``."""
    old = Cafe.objects.filter(slug=SLUG).first()
    if old is not None:
        drop_cafe(old)
    say(f"writing {guests:,} guests with {len(DAYS)} lots each")
    cafe = create_cafe(slug=SLUG, name="باشگاه سنجش")
    with tenant_context(cafe), connection.cursor() as cursor:
        manager = User.objects.create(username="manager", password="!", role="manager", name="Manager")
        with transaction.atomic(), without_triggers(AUDITED), without_indexes(TABLES):
            for statement in _statements(guests):
                cursor.execute(statement)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT customer_id FROM loyalty_loyaltyaccount LIMIT 2000")
        some = tuple(row[0] for row in cursor.fetchall())
        warm(say)
        token = issue_tokens(manager)["access"]
    return cafe, Club(cafe.schema_name, f"{cafe.slug}.{settings.BASE_DOMAIN}", token, manager.pk, some)


def by_hand(today: date) -> int:
    """Let everybody's points run out in one hand-written statement."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_HAND, {"today": today})
        return int(cursor.fetchone()[0])


def nights(guests: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measure the nights in turn, ours and by hand, and then the proof of the books."""
    seconds: dict[str, list[float]] = {"raw": [], "ours": []}
    for number, day in enumerate(DAYS[:ROUNDS]):
        name, night = (("raw", by_hand), ("ours", expire_points))[number % 2]
        _checkpoint()
        began = time.perf_counter()
        done = night(day + timedelta(days=1))
        seconds[name].append(time.perf_counter() - began)
        if done != guests:
            raise BenchRefusal(f"{name}: points of {done:,} guests ran out instead of {guests:,}")
        say(f"  {name:<5} {seconds[name][-1]:8.1f} s")
    ours, limit = (statistics.median(seconds[name]) for name in ("ours", "raw"))
    began = time.perf_counter()
    wrong = sum(1 for _ in find_wrong_accounts())
    proof = time.perf_counter() - began
    if wrong:
        raise BenchRefusal(f"verify_ledger finds {wrong:,} wrong accounts")
    rows = guests * (len(DAYS) + ROUNDS)
    say(f"nightly expiry: {ours:.1f} s, by hand {limit:.1f} s, ratio {ours / limit:.2f}")
    say(f"verify_ledger: {guests:,} accounts, {rows:,} entries with lots in {proof:.1f} s")
    return [
        {"what": "nightly expiry", "guests": guests, "seconds": ours, "raw": limit, "ratio": ours / limit},
        {"what": "verify_ledger", "guests": guests, "entries": rows, "seconds": proof},
    ]


def _checkpoint() -> None:
    """Write the dirty pages back, so that one night does not pay for the one before."""
    with connection.cursor() as cursor, suppress(Error):
        cursor.execute("CHECKPOINT")


# --- redeeming

_USER = "SELECT * FROM accounts_user WHERE id = %s"
_GUEST = """
SELECT c.status, s.lifetime_spent FROM customers_customersummary s JOIN customers_customer c ON c.id = s.customer_id
 WHERE c.id = %s AND c.deleted_at IS NULL FOR NO KEY UPDATE
"""
_BOOK = "SELECT *, ARRAY(SELECT to_jsonb(t) FROM loyalty_tier t) FROM loyalty_loyaltyprogram"
_ACCOUNT = """
SELECT balance, last_sequence, points_redeemed_total, lot_expiries, lot_points FROM loyalty_loyaltyaccount
 WHERE customer_id = %s
"""
_ENTRY = """
INSERT INTO loyalty_ledgerentry (id, created_at, customer_id, sequence, type, points, balance_after, lot_expiries,
       lot_points, reference, description, notes, explanation, rule_version, shortfall, created_by_id)
VALUES (%s, %s, %s, %s, 'redeemed_item', -1, %s, %s, '{-1}', '', 'Redeemed', '', '{}', 1, 0, %s)
"""
_SAVE = """
UPDATE loyalty_loyaltyaccount SET balance = %s, last_sequence = %s, points_redeemed_total = %s, lot_points = %s,
       updated_at = %s WHERE customer_id = %s
"""
_SUMMARY = "UPDATE customers_customersummary SET points = %s, tier = 'bronze' WHERE customer_id = %s"


def redeem_by_hand(link: psycopg.Connection[Any], club: Club, guest: UUID) -> None:
    """Redeem one point: the reads, locks and writes of ``redeem_points``, in its order."""
    run, now = link.execute, datetime.now(UTC)
    run(_USER, [club.user_id]).fetchone()
    run(_GUEST, [guest]).fetchone()
    run(_BOOK).fetchone()
    balance, sequence, redeemed, days, points = run(_ACCOUNT, [guest]).fetchone()  # type: ignore[misc]
    entry = [uuid7(), now, guest, sequence + 1, balance - 1, days[:1], club.user_id]
    run(_ENTRY, entry)
    run(_SAVE, [balance - 1, sequence + 1, redeemed + 1, [points[0] - 1, *points[1:]], now, guest])
    run(_SUMMARY, [balance - 1, guest])
    link.commit()


def hand_worker(club: Club, seed: int) -> Callable[[], None]:
    """Return a function that redeems a point of some guest by hand."""
    link = psycopg.connect(
        os.environ["DATABASE_URL"], prepare_threshold=0, options=f"-c search_path={club.schema},public"
    )
    rng = random.Random(seed)
    return lambda: redeem_by_hand(link, club, rng.choice(club.guests))


def web_worker(club: Club, port: int, seed: int) -> Callable[[], None]:
    """Return a function that redeems a point of some guest over HTTP."""
    link, rng = http.client.HTTPConnection("127.0.0.1", port, timeout=60), random.Random(seed)
    headers = {"Host": club.host, "Authorization": f"Bearer {club.token}", "Content-Type": "application/json"}

    def redeem() -> None:
        body = {"customer_id": str(rng.choice(club.guests)), "points": 1, "reward_type": "item"}
        link.request("POST", "/api/crm/loyalty/redeem-points", json.dumps(body), headers)
        answer = link.getresponse()
        content = answer.read()
        if answer.status != 201:
            raise BenchRefusal(f"redeem-points answered {answer.status}: {content[:300]!r}")

    return redeem


def redemptions(club: Club, count: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measure redeem-points with one client and with eight, and the same by hand in turn; medians of three."""
    rows = []
    with web.server() as port:
        for clients in (1, 8):
            limits, ours = [], []
            for turn in range(3):
                run = partial(measure.run, clients=clients, count=count // clients, seed=10 * turn + clients)
                limits.append(run(partial(hand_worker, club)))
                ours.append(run(partial(web_worker, club, port)))
            own, limit = measure.median(ours), measure.median(limits)
            say(
                f"redeem-points, {clients} clients: p50 {own.p50:.2f} ms, p95 {own.p95:.2f} ms, {own.per_second:.0f}/s;"
                f" by hand p50 {limit.p50:.2f}, p95 {limit.p95:.2f}, {limit.per_second:.0f}/s;"
                f" ratio {own.p50 / limit.p50:.1f}"
            )
            rows.append({"what": "redeem-points", "clients": clients, "p50": own.p50, "p95": own.p95,
                         "raw_p50": limit.p50, "raw_p95": limit.p95, "ratio": own.p50 / limit.p50})  # fmt: skip
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark of the club; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.club", description=__doc__)
    parser.add_argument(
        "--guests", type=int, default=100_000, help="accounts whose points run out (default 100,000)"
    )
    parser.add_argument("--requests", type=int, default=400, help="redemptions per measurement (default 400)")
    args = parser.parse_args(arguments)

    def say(line: str) -> None:
        print(line, flush=True)

    try:
        cafe, club = build(args.guests, say)
        say(", ".join(f"{name} {value}" for name, value in durability().items()))
        with tenant_context(cafe), use_locale(cafe.locale):
            nights(args.guests, say)
        connections.close_all()  # the children must not inherit it
        redemptions(club, args.requests, say)
    except (BenchRefusal, RuntimeError) as error:
        print(f"benchmark stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
