"""What a campaign brought: visits, revenue, redemptions, clicks, cost - and how much of it would have come anyway."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from campaigns.lift import Lift
from campaigns.lift import lift as compare
from campaigns.models import Campaign
from campaigns.selectors.attribution import Brought, brought_by
from campaigns.selectors.statistics import Figures, get_figures


@dataclass(frozen=True, slots=True)
class Results:
    """Amounts in the base unit.

    Args:
        reached: guests a message was sent to. visitors: of those, who came within ``days``.
        visits, revenue: each visit counted for the last message before it, over all campaigns.
        roi: (revenue - cost) / cost in percent, cost being that of the messages (a discount is off the revenue
            already: revenue is what guests paid); None where nothing was spent.
        redemptions, discount: uses of the campaign's code, also by guests who were not written to.
        lift: against the guests left out; None for a campaign without a holdout.
        is_final: the days are over.
    """

    days: int
    reached: int
    visitors: int
    visits: int
    revenue: Decimal
    cost: Decimal
    redemptions: int
    discount: Decimal
    clicks: int
    clicked: int
    roi: float | None
    lift: Lift | None
    is_final: bool


# Both groups by the same clock, and all who were drawn for the message, also those it did not reach: leaving them
# out would compare guests with working numbers to all guests. One person's second record is nobody of its own.
_GROUPS = """
SELECT d.state = 'holdout' AS is_held, count(*),
       count(*) FILTER (WHERE EXISTS (
           SELECT 1 FROM customers_visit v WHERE v.customer_id = d.customer_id AND v.voided_at IS NULL
              AND v.visit_date >= %(from)s AND v.visit_date < %(until)s))
  FROM campaigns_campaigndelivery d
 WHERE d.campaign_id = %(campaign)s
   AND (d.state IN ('holdout', 'queued', 'waiting') OR d.reason IN ('no_value', 'too_long', 'deleted', 'cancelled'))
   AND NOT EXISTS (
       SELECT 1 FROM customers_customer c WHERE c.id = d.customer_id AND c.merged_into_id IS NOT NULL)
 GROUP BY 1
"""
_REDEEMED = """
SELECT count(*), COALESCE(sum(amount), 0) FROM loyalty_discountuse WHERE code_id = %s AND reversed_at IS NULL
   AND created_at >= %s
"""


def get_results(campaign: Campaign) -> Results:
    """Return what the campaign brought so far; a constant number of queries."""
    brought = brought_by([campaign.pk])[campaign.pk]
    return results_from(campaign, get_figures(campaign), brought, lift_of(campaign))


def results_from(campaign: Campaign, figures: Figures, brought: Brought, lift: Lift | None) -> Results:
    """Return the results by figures that were counted before; one query at most."""
    redemptions, discount = _redeemed(campaign, _since(campaign))
    window = timedelta(days=campaign.attribution_days)
    cost = figures.actual_cost
    return Results(
        days=campaign.attribution_days,
        reached=brought.reached,
        visitors=brought.visitors,
        visits=brought.visits,
        revenue=brought.revenue,
        cost=cost,
        redemptions=redemptions,
        discount=discount,
        clicks=figures.clicks,
        clicked=figures.clicked,
        roi=round(float(100 * (brought.revenue - cost) / cost), 1) if cost else None,
        lift=lift,
        is_final=(campaign.sent_at or timezone.now()) + window <= timezone.now(),
    )


def _redeemed(campaign: Campaign, since: datetime) -> tuple[int, Decimal]:
    if campaign.discount_code_id is None:
        return 0, Decimal(0)
    count, amount = _fetch(_REDEEMED, [campaign.discount_code_id, since])[0]
    return count, amount


def _since(campaign: Campaign) -> datetime:
    return campaign.started_at or campaign.created_at


def lift_of(campaign: Campaign) -> Lift | None:
    """Return the lift against the guests left out; None for a campaign without a holdout. One query at most."""
    if not campaign.holdout_percent:
        return None
    since = _since(campaign)
    until = since + timedelta(days=campaign.attribution_days)
    found = _fetch(_GROUPS, {"campaign": campaign.pk, "from": since, "until": until})
    groups = {is_held: (guests, came) for is_held, guests, came in found}
    return compare(*groups.get(False, (0, 0)), *groups.get(True, (0, 0)))


def _fetch(query: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
