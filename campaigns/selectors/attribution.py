"""Whose message brought a visit; one statement for one campaign, for a page of them, and for the guests who came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

_LEFT = "state NOT IN ('failed', 'undelivered', 'blocked')"
# A visit belongs to the last message before it in whose days it lies, of whatever campaign. Messages of one batch
# leave at one moment: of those the one written last counts, so that no visit is counted twice.
_IS_LAST = f"""
NOT EXISTS (
    SELECT 1 FROM campaigns_campaigndelivery other JOIN messaging_message later ON later.id = other.message_id
      JOIN campaigns_campaign theirs ON theirs.id = other.campaign_id
     WHERE other.customer_id = {{delivery}}.customer_id AND other.id <> {{delivery}}.id AND other.state = 'queued'
       AND (later.sent_at, later.id) > ({{message}}) AND later.{_LEFT} AND later.sent_at <= v.visit_date
       AND v.visit_date < later.sent_at + make_interval(days => theirs.attribution_days))
"""
_COUNTED = f"""
WITH mine AS (
    SELECT d.campaign_id, d.id, d.customer_id, m.sent_at, m.id AS message_id,
           m.sent_at + make_interval(days => c.attribution_days) AS until
      FROM campaigns_campaigndelivery d
      JOIN messaging_message m ON m.id = d.message_id AND m.group_id = ANY(%s)
      JOIN campaigns_campaign c ON c.id = d.campaign_id
     WHERE d.campaign_id = ANY(%s) AND d.state = 'queued' AND m.sent_at IS NOT NULL AND m.{_LEFT}),
counted AS (
    SELECT mine.campaign_id, mine.id, v.final_amount FROM mine
      JOIN customers_visit v ON v.customer_id = mine.customer_id AND v.voided_at IS NULL
       AND v.visit_date >= mine.sent_at AND v.visit_date < mine.until
     WHERE {_IS_LAST.format(delivery="mine", message="mine.sent_at, mine.message_id")})
"""
# The same asked of one delivery: a page of a few of them must not count all.
_CAME = f"""
campaigns_campaigndelivery.state = 'queued' AND COALESCE((
    SELECT TRUE FROM messaging_message m
      JOIN campaigns_campaign c ON c.id = campaigns_campaigndelivery.campaign_id
      JOIN customers_visit v ON v.customer_id = campaigns_campaigndelivery.customer_id AND v.voided_at IS NULL
       AND v.visit_date >= m.sent_at AND v.visit_date < m.sent_at + make_interval(days => c.attribution_days)
     WHERE m.id = campaigns_campaigndelivery.message_id AND m.sent_at IS NOT NULL AND m.{_LEFT}
       AND {_IS_LAST.format(delivery="campaigns_campaigndelivery", message="m.sent_at, m.id")}
     LIMIT 1), FALSE)
"""
_SUMS = """
SELECT reached.campaign_id, reached.guests, count(DISTINCT counted.id), count(counted.id),
       COALESCE(sum(counted.final_amount), 0)
  FROM (SELECT campaign_id, count(*) AS guests FROM mine GROUP BY 1) reached
  LEFT JOIN counted ON counted.campaign_id = reached.campaign_id
 GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Brought:
    """What messages of a campaign brought: ``reached`` guests, of whom ``visitors`` came, ``visits`` times in all;
    ``revenue`` in the base unit."""

    reached: int = 0
    visitors: int = 0
    visits: int = 0
    revenue: Decimal = Decimal(0)


def brought_by(campaign_ids: Iterable[UUID]) -> dict[UUID, Brought]:
    """Return campaign → what it brought, also of those that brought nothing; one query."""
    keys = list(campaign_ids)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED + _SUMS, [keys, keys])
        found = {key: Brought(*numbers) for key, *numbers in cursor.fetchall()}
    return {key: found.get(key, Brought()) for key in keys}


def came() -> RawSQL:
    """Return "the guest of this delivery came because of it", a condition on rows of ``CampaignDelivery``."""
    return RawSQL(_CAME, [], output_field=BooleanField())
