"""How many guests each tier has, and would have with other thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from loyalty.models import LedgerEntry, Tier
from servaan_crm.l10n.jalali import add_months, local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale

# What the thresholds are compared with, in SQL; as ``selectors.status.tier_measure`` for one guest.
_MEASURES = {
    "lifetime_points": ("", "coalesce(account.points_earned_total, 0)"),
    "lifetime_spend": ("", "summary.lifetime_spent"),
    "points_12_months": (
        "LEFT JOIN (SELECT customer_id, sum(points) AS points FROM loyalty_ledgerentry"
        " WHERE created_at >= %s AND type = ANY(%s) GROUP BY customer_id) AS year USING (customer_id)",
        "coalesce(year.points, 0)",
    ),
}


@dataclass(frozen=True, slots=True)
class TierShare:
    """One tier: how many guests are in it now, and how many reach its threshold and no higher one."""

    level: str
    now: int
    then: int
    total: int

    @property
    def now_percent(self) -> float:
        """The share of all guests that is in it now."""
        return round(100 * self.now / self.total, 1) if self.total else 0

    @property
    def then_percent(self) -> float:
        """The share of all guests that would reach it."""
        return round(100 * self.then / self.total, 1) if self.total else 0


@dataclass(frozen=True, slots=True)
class TierPreview:
    """What thresholds would make of the guests. ``rising`` of them are in a lower tier now, ``above`` in a higher."""

    shares: tuple[TierShare, ...]
    rising: int
    above: int


def preview_tiers(thresholds: Mapping[str, Decimal], basis: str) -> TierPreview:
    """Count the guests by the tier they are in and the tier they would reach; one statement.

    Args:
        thresholds: level → threshold, ascending from 0.
        basis: what the thresholds count, a value of ``LoyaltyProgram.TierBasis``.
    """
    levels = sorted(thresholds, key=lambda level: Tier.Level.values.index(level))
    join, measure = _MEASURES[basis]
    sql = (
        f"SELECT summary.tier, width_bucket(({measure})::numeric, %s::numeric[]), count(*)"
        " FROM customers_customersummary AS summary"
        " JOIN customers_customer AS customer ON customer.id = summary.customer_id"
        " AND customer.deleted_at IS NULL"
        f" LEFT JOIN loyalty_loyaltyaccount AS account USING (customer_id) {join} GROUP BY 1, 2"
    )
    params: list[Any] = [[thresholds[level] for level in levels]]
    if join:
        day = add_months(local_date(timezone.now()), -12)
        params += [local_day_bounds(day, get_locale().tz)[0], list(LedgerEntry.EARNING_TYPES)]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = [(levels.index(tier), max(0, bucket - 1), count) for tier, bucket, count in cursor.fetchall()]
    total = sum(count for _now, _then, count in rows)
    shares = tuple(
        TierShare(
            level,
            sum(count for now, _then, count in rows if now == place),
            sum(count for _now, then, count in rows if then == place),
            total,
        )
        for place, level in enumerate(levels)
    )
    return TierPreview(
        shares,
        sum(count for now, then, count in rows if then > now),
        sum(count for now, then, count in rows if then < now),
    )
