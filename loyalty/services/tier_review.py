"""Tiers and time: periods that end, and thresholds that moved, looked at every night for everybody."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from loyalty.events import TierChanged
from loyalty.models import LedgerEntry
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.services import rounds
from loyalty.services.ledger import tier_end
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import add_months, local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale

# What thresholds are compared with, as :func:`loyalty.selectors.status.tier_measure` says it for one guest.
_MEASURES = {
    "lifetime_points": "a.points_earned_total",
    "lifetime_spend": "s.lifetime_spent",
    "points_12_months": "coalesce(recent.points, 0)",
}
_EARNED = """
SELECT l.customer_id, sum(l.points) AS points FROM loyalty_ledgerentry l
 WHERE l.created_at >= %(since)s AND l.type = ANY(%(earning)s) {only} GROUP BY l.customer_id
"""
# Of everybody when guests are looked for, of each guest by its index when a batch is worked on.
_RECENT_OF_ALL = f"LEFT JOIN ({_EARNED.format(only='')}) AS recent ON recent.customer_id = a.customer_id"
_RECENT_OF_ONE = (
    f"LEFT JOIN LATERAL ({_EARNED.format(only='AND l.customer_id = a.customer_id')}) AS recent ON true"
)

# ``place`` and ``earned`` are the steps of today's tier and of the measure; a tier that is gone counts as the lowest.
_JUDGED = """
SELECT a.customer_id, a.tier, a.tier_start_date, a.tier_expires_date, steps.place, steps.earned,
       %(period)s::int IS NOT NULL AND a.tier_expires_date < %(ended_before)s AS is_over,
       CASE WHEN steps.place = 1 OR %(period)s::int IS NULL THEN a.tier_expires_date IS NOT NULL
            ELSE a.tier_expires_date IS NULL END AS is_odd
  FROM loyalty_loyaltyaccount a
  JOIN customers_customersummary s ON s.customer_id = a.customer_id
  JOIN customers_customer c ON c.id = a.customer_id AND c.deleted_at IS NULL
  {recent}
 CROSS JOIN LATERAL (
       SELECT coalesce(array_position(%(levels)s::text[], a.tier::text), 1) AS place,
              greatest(1, width_bucket(({measure})::numeric, %(thresholds)s::numeric[])) AS earned) AS steps
 WHERE {where}
"""
_FIND = """
SELECT customer_id FROM ({judged}) AS j WHERE earned > place OR is_over OR is_odd ORDER BY customer_id
"""
_APPLY = """
WITH judged AS MATERIALIZED ({judged}), decided AS (
    SELECT j.*, CASE WHEN earned > place OR is_over THEN earned ELSE place END AS target FROM judged j
), final AS MATERIALIZED (
    SELECT d.*, (%(levels)s::text[])[target] AS to_tier,
           CASE WHEN target = 1 OR %(period)s::int IS NULL THEN NULL
                WHEN target <> place OR tier_expires_date IS NULL THEN %(period_end)s::date
                WHEN is_over THEN coalesce(ends.next, %(period_end)s::date)
                ELSE tier_expires_date END AS expires
      FROM decided d LEFT JOIN unnest(%(old_ends)s::date[], %(new_ends)s::date[]) AS ends(day, next)
        ON ends.day = d.tier_expires_date
     WHERE target <> place OR is_over OR is_odd
), moved AS (
    SELECT * FROM final WHERE target <> place
), history AS (
    INSERT INTO loyalty_tierchange (id, created_at, updated_at, customer_id, from_tier, to_tier, reason)
    SELECT {new_id}, %(now)s, %(now)s, customer_id, tier, to_tier,
           CASE WHEN target > place THEN 'threshold' ELSE 'period_end' END FROM moved
), accounts AS (
    UPDATE loyalty_loyaltyaccount a
       SET tier = f.to_tier, tier_expires_date = f.expires, updated_at = %(now)s,
           tier_start_date = CASE WHEN f.target <> f.place THEN %(today)s::date ELSE f.tier_start_date END
      FROM final f WHERE a.customer_id = f.customer_id
), summaries AS (
    UPDATE customers_customersummary s SET tier = m.to_tier FROM moved m WHERE s.customer_id = m.customer_id
), told AS ({told})
SELECT count(*) FROM moved
"""
_PAYLOAD = "jsonb_build_object('customer_id', customer_id, 'from_tier', tier, 'to_tier', to_tier)"


def review_tiers() -> int:
    """Bring tiers in line with time and with today's thresholds; returns how many guests moved to another tier.

    - Who reaches a threshold that was lowered rises at once and gets a new period.
    - Whose period is over, the days of grace too: kept with a new period if the measure still reaches the tier,
      otherwise down to the tier it reaches.
    - A program that got a period gives one from today to every tier above the lowest; one without takes it away.

    Nobody falls before the period's end. Nothing happens while the club is switched off.
    """
    if not is_enabled("loyalty"):
        return 0
    book, today = get_rule_book(), local_date(timezone.now())
    params = _params(book, today)
    measure = _MEASURES[book.tier_basis]
    with_recent = book.tier_basis == "points_12_months"
    of_all = _JUDGED.format(measure=measure, where="true", recent=_RECENT_OF_ALL if with_recent else "")
    of_batch = _JUDGED.format(
        measure=measure, where="a.customer_id = ANY(%(ids)s)", recent=_RECENT_OF_ONE if with_recent else ""
    )
    apply = _APPLY.format(
        judged=of_batch, new_id=rounds.new_id(), told=rounds.insert_events(TierChanged, _PAYLOAD, "moved")
    )
    return rounds.run(
        "review tiers", find=_FIND.format(judged=of_all), apply=apply, params=params, tells=TierChanged
    )


def _params(book: RuleBook, today: date) -> dict[str, Any]:
    ended_before = today - timedelta(days=book.tier_grace_days)
    old_ends = _ends_before(ended_before)
    return {
        "today": today,
        "period": book.tier_period_months,
        "ended_before": ended_before,
        "period_end": tier_end(book, book.tiers[-1].level, today),
        "levels": [tier.level for tier in book.tiers],
        "thresholds": [tier.threshold for tier in book.tiers],
        "since": local_day_bounds(add_months(today, -12), get_locale().tz)[0],
        "earning": [str(kind) for kind in LedgerEntry.EARNING_TYPES],
        "old_ends": old_ends,
        "new_ends": [_next_end(day, book.tier_period_months, today) for day in old_ends],
    }


def _ends_before(day: date) -> list[date]:
    """Return the ends of periods before ``day`` that accounts have: few, whatever the number of guests."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tier_expires_date FROM loyalty_loyaltyaccount WHERE tier_expires_date < %s",
            [day],
        )
        return [row[0] for row in cursor.fetchall()]


def _next_end(end: date, months: int | None, today: date) -> date | None:
    """Return the end of the period that follows ``end`` without a gap and is not over today."""
    if months is None:
        return None
    following, count = end, 0
    while following < today:
        count += 1
        following = add_months(end, months * count)
    return following
