"""How the texts of a trial fare against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Standing:
    """One text: how many got it, and how many of them did what decides (clicked, came, used the code)."""

    letter: str
    reached: int
    hits: int

    @property
    def rate(self) -> float:
        """Share of those reached, 0 … 1."""
        return self.hits / self.reached if self.reached else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept with the campaign."""
        return {"reached": self.reached, "hits": self.hits, "rate": round(100 * self.rate, 2)}


_HIT = {
    Campaign.Metric.CLICKS: "SELECT 1 FROM campaigns_shortlink l WHERE l.delivery_id = d.id AND l.clicks > 0",
    Campaign.Metric.VISITS: (
        "SELECT 1 FROM customers_visit v WHERE v.customer_id = d.customer_id AND v.voided_at IS NULL"
        " AND v.visit_date >= m.sent_at"
    ),
    Campaign.Metric.REDEMPTIONS: (
        "SELECT 1 FROM loyalty_discountuse u WHERE u.customer_id = d.customer_id AND u.code_id = %(code)s"
        " AND u.reversed_at IS NULL AND u.created_at >= m.sent_at"
    ),
}
_STANDINGS = """
SELECT d.variant, count(*), count(*) FILTER (WHERE EXISTS ({hit}))
  FROM campaigns_campaigndelivery d JOIN messaging_message m ON m.id = d.message_id
 WHERE d.campaign_id = %(campaign)s AND d.state = 'queued' AND d.variant <> '' AND m.sent_at IS NOT NULL
 GROUP BY 1
"""


def trial_standings(campaign: Campaign) -> list[Standing]:
    """Return each text's standing by the campaign's own metric, by letter; two queries."""
    query = _STANDINGS.format(hit=_HIT[Campaign.Metric(campaign.test_metric)])
    with connection.cursor() as cursor:
        cursor.execute(query, {"campaign": campaign.pk, "code": campaign.discount_code_id})
        found = {letter: Standing(letter, reached, hits) for letter, reached, hits in cursor.fetchall()}
    letters = campaign.variants.values_list("key", flat=True)
    return [found.get(letter, Standing(letter, 0, 0)) for letter in letters]
