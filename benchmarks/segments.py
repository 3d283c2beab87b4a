"""``python -m benchmarks.segments --schema demo``: full calculation, refresh of one guest, preview.

The limit is the hand-written SQL of the same twelve rules: one aggregate of the visits, one scan of the summaries, and
the memberships written with their index. It runs in the same café and in the same round, durable, and is taken back.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from customers.models import CustomerSummary  # noqa: E402
from segments.language import compile_segments, new_plan, read_criteria  # noqa: E402
from segments.language.compiler import fetch  # noqa: E402
from segments.language.sql import sql  # noqa: E402
from segments.language.tree import condition  # noqa: E402
from segments.models import Segment, SegmentMembership  # noqa: E402
from segments.services import calculate, refresh_customer  # noqa: E402
from segments.services.segments import raise_version  # noqa: E402
from servaan_crm.l10n.locale import use_locale  # noqa: E402
from servaan_crm.tenancy.models import Cafe  # noqa: E402

# The rules, and each of them by hand: v are the visits of a guest in one pass, s is the summary, c the guest.
RULES: dict[str, tuple[dict[str, Any], str]] = {
    "new": (
        {"created_within_days": 30, "visit_count": {"max": 3}},
        "c.created_at >= %(d30)s AND s.total_visits <= 3",
    ),
    "regular": (
        {"monthly_visits": {"min": 4}, "last_visit_days": {"max": 14}},
        "coalesce(v.n30, 0) >= 4 AND s.last_visit_at >= %(d14)s",
    ),
    "vip": (
        {"lifetime_spent": {"min": 500000}, "tier_level": ["gold", "platinum"]},
        "s.lifetime_spent >= 500000 AND s.tier IN ('gold', 'platinum')",
    ),
    "first_time": ({"visit_count": 1}, "s.total_visits = 1"),
    "high": ({"lifetime_spent": {"min": 50_000_000}}, "s.lifetime_spent >= 50000000"),
    "inactive_30": ({"last_visit_days": {"min": 30}}, "s.last_visit_at < %(d29)s"),
    "inactive_60": ({"last_visit_days": {"min": 60}}, "s.last_visit_at < %(d59)s"),
    "spend_90": (
        {"spend": {"within_days": 90, "min": 5_000_000}},
        "coalesce(v.s90, 0) >= 5000000",
    ),
    "visits_year": ({"visits": {"within_days": 365, "min": 10}}, "coalesce(v.n365, 0) >= 10"),
    "lapsed_vip": (
        {"visits": {"min": 10}, "last_visit_days": {"min": 60}},
        "coalesce(v.n, 0) >= 10 AND s.last_visit_at < %(d59)s",
    ),
    "points": ({"points": {"min": 1000}}, "s.points >= 1000"),
    "silver_or_often": (
        {"any": [{"tier_level": "silver"}, {"visits": {"within_days": 30, "min": 2}}]},
        "s.tier = 'silver' OR coalesce(v.n30, 0) >= 2",
    ),
}
BY_HAND = """
INSERT INTO {table} (segment_id, customer_id, entered_at)
SELECT seg, guest, now() FROM (
    SELECT c.id AS guest, unnest(ARRAY_REMOVE(ARRAY[{cases}]::uuid[], NULL)) AS seg
      FROM customers_customer c JOIN customers_customersummary s ON s.customer_id = c.id
      LEFT JOIN (SELECT customer_id, count(*) AS n, count(*) FILTER (WHERE visit_date >= %(d365)s) AS n365,
                        count(*) FILTER (WHERE visit_date >= %(d30)s) AS n30,
                        sum(final_amount) FILTER (WHERE visit_date >= %(d90)s) AS s90
                   FROM customers_visit WHERE voided_at IS NULL AND customer_id IS NOT NULL GROUP BY 1) v
        ON v.customer_id = c.id
     WHERE c.deleted_at IS NULL) found ORDER BY seg, guest
"""


def by_hand(segments: list[Segment]) -> tuple[float, int]:
    """Run the hand-written rules into a table like the real one; returns seconds and rows."""
    plan = new_plan()
    days = {f"d{n}": plan.day_start(n) for n in (14, 29, 30, 59, 90, 365)}
    cases = ", ".join(f"CASE WHEN {RULES[one.key][1]} THEN '{one.pk}'::uuid END" for one in segments)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS by_hand")
        cursor.execute("CREATE TABLE by_hand (LIKE segments_segmentmembership INCLUDING ALL)")
        start = time.perf_counter()
        with transaction.atomic():
            cursor.execute(BY_HAND.format(table="by_hand", cases=cases), days)
            rows = cursor.rowcount
        took = time.perf_counter() - start
        cursor.execute("DROP TABLE by_hand")
    return took, rows


def percentiles(times: list[float]) -> str:
    times = sorted(times)
    return f"p50 {times[len(times) // 2] * 1000:.1f} ms, p95 {times[int(len(times) * 0.95)] * 1000:.1f} ms"


def measure(guests: int) -> None:
    Segment.objects.filter(key__in=RULES).delete()
    others = list(Segment.objects.filter(is_active=True).values_list("pk", flat=True))
    Segment.objects.update(is_active=False)
    for key, (criteria, _by_hand) in RULES.items():
        Segment.objects.create(key=key, name=key, criteria=criteria)
    raise_version()
    segments = list(Segment.objects.filter(key__in=RULES))
    hand = [by_hand(segments) for _ in range(3)]
    limit, rows = statistics.median(took for took, _rows in hand), hand[0][1]
    print(f"{guests:,} guests, {rows:,} memberships of 12 segments; by hand {limit:.2f} s", flush=True)
    timed("first calculation, all to write", limit)
    timed("calculation with nothing to change", limit)
    SegmentMembership.objects.filter(segment__key="spend_90").delete()
    timed("calculation with one segment to write anew", limit)
    one_guest()
    previews()
    Segment.objects.filter(key__in=RULES).delete()
    Segment.objects.filter(pk__in=others).update(is_active=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def timed(what: str, limit: float) -> None:
    start = time.perf_counter()
    run = calculate()
    took = time.perf_counter() - start
    print(
        f"{what}: {took:.2f} s, {took / limit:.2f} x by hand ({run and run.entered:,} in, {run and run.left:,} out)",
        flush=True,
    )


def one_guest() -> None:
    times = []
    for summary in CustomerSummary.objects.filter(total_visits__gt=0).order_by("pk")[:400]:
        start = time.perf_counter()
        refresh_customer(summary)
        times.append(time.perf_counter() - start)
    print(f"segments of one guest: {percentiles(times)}", flush=True)


def previews() -> None:
    for key, (criteria, _by_hand) in RULES.items():
        times = []
        for _ in range(3):
            plan = new_plan()
            test = condition(read_criteria(criteria, plan))
            start = time.perf_counter()
            fetch(sql("SELECT count(*) FROM {} AND {}", plan.source(), test))
            times.append(time.perf_counter() - start)
        print(f"preview of {key}: {min(times) * 1000:.0f} ms exact", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schema", default="demo")
    cafe = Cafe.objects.get(schema_name=parser.parse_args().schema)
    with tenant_context(cafe), use_locale(cafe.locale):
        compile_segments([])
        measure(CustomerSummary.objects.count())


if __name__ == "__main__":
    main()
