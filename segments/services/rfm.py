"""The nightly scores: recency, frequency and spend of every guest, by the café's own distribution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from segments.models import RfmScore
from segments.rfm import GRID, LEAST_GUESTS, WINDOW_DAYS
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.tenancy.current import get_cafe


@dataclass(frozen=True, slots=True)
class RfmResult:
    """What a scoring found: guests with a visit in the window, rows written, and whether that is enough to score."""

    guests: int
    changed: int
    is_enough: bool


def window_days() -> int:
    """Return over how many days visits and spend are counted; the café may set ``rfm_window_days``."""
    return min(3650, max(30, int(get_cafe().setting("rfm_window_days", WINDOW_DAYS))))


# A score is 1 plus how many whole fifths of the café's guests do worse, so equal figures get equal scores. Guests
# without a visit in the window are no part of the distribution: they get 1 in everything.
_WANTED = """
WITH seen AS (
    SELECT visit.customer_id, count(*) AS visits, sum(visit.final_amount) AS spend,
           max((visit.visit_date AT TIME ZONE %(zone)s)::date) AS day
      FROM customers_visit visit JOIN customers_customer guest ON guest.id = visit.customer_id
     WHERE visit.voided_at IS NULL AND visit.visit_date >= %(since)s AND guest.deleted_at IS NULL GROUP BY 1
), ranked AS (
    SELECT customer_id, (1 + 5 * (rank() OVER (ORDER BY day) - 1) / count(*) OVER ())::int AS r,
           (1 + 5 * (rank() OVER (ORDER BY visits) - 1) / count(*) OVER ())::int AS f,
           (1 + 5 * (rank() OVER (ORDER BY spend) - 1) / count(*) OVER ())::int AS m
      FROM seen
), scored AS (
    SELECT customer_id, r, f, m FROM ranked
    UNION ALL
    SELECT summary.customer_id, 1, 1, 1 FROM customers_customersummary summary
      JOIN customers_customer guest ON guest.id = summary.customer_id
     WHERE summary.last_visit_at IS NOT NULL AND guest.deleted_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM seen WHERE seen.customer_id = summary.customer_id)
), wanted AS (
    SELECT customer_id, r, f, m, (%(grid)s::text[])[(5 - r) * 5 + (f + m + 1) / 2] AS name FROM scored
)
"""
_SCORE = (
    _WANTED
    + """
, moved AS (
    SELECT COALESCE(old."group", '') AS came_from, COALESCE(wanted.name, '') AS went_to, count(*) AS guests
      FROM wanted FULL JOIN segments_rfmscore old ON old.customer_id = wanted.customer_id
     WHERE wanted.name IS DISTINCT FROM old."group" GROUP BY 1, 2
), noted AS (
    INSERT INTO segments_rfmmove (day, from_group, to_group, guests)
    SELECT %(day)s, came_from, went_to, guests FROM moved
    ON CONFLICT (day, from_group, to_group) DO UPDATE SET guests = segments_rfmmove.guests + excluded.guests
), gone AS (
    DELETE FROM segments_rfmscore old
     WHERE NOT EXISTS (SELECT 1 FROM wanted WHERE wanted.customer_id = old.customer_id) RETURNING 1
), written AS (
    INSERT INTO segments_rfmscore AS old
           (customer_id, recency, frequency, monetary, "group", previous_group, group_since)
    SELECT wanted.customer_id, wanted.r, wanted.f, wanted.m, wanted.name, '', %(day)s
      FROM wanted LEFT JOIN segments_rfmscore had ON had.customer_id = wanted.customer_id
     WHERE had.customer_id IS NULL
        OR (had.recency, had.frequency, had.monetary, had."group")
           IS DISTINCT FROM (wanted.r, wanted.f, wanted.m, wanted.name)
    ON CONFLICT (customer_id) DO UPDATE SET
        recency = excluded.recency, frequency = excluded.frequency, monetary = excluded.monetary,
        "group" = excluded."group",
        previous_group = CASE WHEN old."group" = excluded."group" THEN old.previous_group ELSE old."group" END,
        group_since = CASE WHEN old."group" = excluded."group" THEN old.group_since ELSE excluded.group_since END
    RETURNING 1
)
SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM gone)
"""
)
_COUNT = """
SELECT count(DISTINCT visit.customer_id) FROM customers_visit visit
  JOIN customers_customer guest ON guest.id = visit.customer_id
 WHERE visit.voided_at IS NULL AND visit.visit_date >= %(since)s AND guest.deleted_at IS NULL
"""


def score_guests() -> RfmResult:
    """Score every guest in one statement that writes only what changed, and note who moved between groups.

    With fewer than ``LEAST_GUESTS`` guests in the window nobody has a score. Safe to repeat.
    """
    locale, now = get_cafe().locale, timezone.now()
    today = local_date(now, locale)
    values: dict[str, Any] = {
        "zone": str(locale.time_zone), "day": today, "grid": [name for row in GRID for name in row],
        "since": local_day_bounds(today - timedelta(days=window_days()), locale.tz)[0],
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('segments.rfm'), hashtext(current_schema()))")
        cursor.execute(_COUNT, values)
        guests = cursor.fetchone()[0]
        if guests < LEAST_GUESTS:
            return RfmResult(guests, RfmScore.objects.all().delete()[0], False)
        cursor.execute(_SCORE, values)
        return RfmResult(guests, cursor.fetchone()[0], True)
