"""``python -m benchmarks.campaigns --schema demo``: fixing an audience, handing it over, and what a preview costs.

The limit of the audience is one raw ``INSERT … SELECT`` of the same number of rows into the same table, without any
rule, in the same round; both are taken back. Handing over is compared with the raw insert of the same messages.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_tenants.utils import tenant_context  # noqa: E402

from campaigns.models import Campaign  # noqa: E402
from campaigns.selectors.preview import preview_campaign  # noqa: E402
from campaigns.services.audience import insert_deliveries  # noqa: E402
from campaigns.services.campaigns import create_campaign  # noqa: E402
from campaigns.services.feed import feed_chunk  # noqa: E402
from servaan_crm.core.actors import system  # noqa: E402
from servaan_crm.l10n.locale import use_locale  # noqa: E402
from servaan_crm.messaging.models import Message  # noqa: E402
from servaan_crm.tenancy.models import Cafe  # noqa: E402

ROUNDS = 3
RAW_AUDIENCE = """
INSERT INTO campaigns_campaigndelivery (campaign_id, customer_id, state, reason, variant, recipient, attempt)
SELECT %s, id, 'waiting', '', '', phone, 0 FROM customers_customer WHERE deleted_at IS NULL LIMIT %s
"""


def taken_back(work: Callable[[], int]) -> tuple[float, int]:
    """Run ``work`` in a transaction that is taken back; returns seconds and its answer."""
    with transaction.atomic():
        start = time.perf_counter()
        rows = work()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # they would wait for a commit that never comes
        took = time.perf_counter() - start
        transaction.set_rollback(True)
    return took, rows


def audience(campaign: Campaign, guests: int) -> None:
    """Print the ratio of our statement to the raw one."""

    def raw() -> int:
        with connection.cursor() as cursor:
            cursor.execute(RAW_AUDIENCE, [campaign.pk, guests])
            return int(cursor.rowcount)

    ours, limit = [], []
    for _round in range(ROUNDS):
        limit.append(taken_back(raw))
        ours.append(taken_back(lambda: insert_deliveries(campaign)))
    by_us, by_hand = (statistics.median(took for took, _rows in each) for each in (ours, limit))
    print(f"audience of {ours[0][1]:,} guests: {by_us:.2f} s; raw insert of {limit[0][1]:,} rows {by_hand:.2f} s;"
          f" {by_us / by_hand:.2f} × raw", flush=True)  # fmt: skip


def preview(campaign: Campaign) -> None:
    """Print what the composer waits for."""
    times = []
    for _round in range(ROUNDS):
        start = time.perf_counter()
        found = preview_campaign(campaign)
        times.append(time.perf_counter() - start)
    exact = "estimated" if found.funnel.is_estimate else "exact"
    print(
        f"preview: {statistics.median(times) * 1000:.0f} ms, {found.recipients:,} recipients, {exact}",
        flush=True,
    )


def feed(campaign: Campaign, most: int) -> None:
    """Hand over ``most`` messages for real, print the rate, and delete them."""
    insert_deliveries(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(status="sending", built_at=timezone.now())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, done = time.perf_counter(), 0
    while done < most and (taken := feed_chunk(campaign.pk)):
        done += taken
    took = time.perf_counter() - start
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"handed over: {done:,} in {took:.1f} s, {done / took:,.0f} a second; memory grew by {grown:.0f} MB"
    )


def measure(guests: int, most: int) -> None:
    values: dict[str, Any] = {"name": "benchmark", "content": "{{name|مهمان}} عزیز، {{points}} امتیاز دارید"}
    campaign = create_campaign(actor=system("benchmark"), values=values)
    try:
        audience(campaign, guests)
        preview(campaign)
        feed(campaign, most)
    finally:
        Message.objects.filter(group_id=campaign.pk).delete()
        campaign.deliveries.all()._raw_delete("default")
        Campaign.objects.filter(pk=campaign.pk).delete()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schema", default="demo")
    parser.add_argument("--guests", type=int, default=200_000, help="rows of the raw insert")
    parser.add_argument("--feed", type=int, default=50_000, help="messages handed over")
    options = parser.parse_args()
    settings.KAVENEGAR_API_KEY = settings.KAVENEGAR_API_KEY or "benchmark"
    cafe = Cafe.objects.get(schema_name=options.schema)
    with tenant_context(cafe), use_locale(cafe.locale):
        measure(options.guests, options.feed)


if __name__ == "__main__":
    main()
