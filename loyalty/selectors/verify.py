"""Proof that the books are right: accounts, summaries and ledger tell the same story."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from loyalty.models import LedgerEntry

# One pass over the ledger in the order of its unique index, another over the entries with lots that run out, then a
# comparison per guest. An entry without lots is one of points that never expire; so is what an account holds beside
# the lots with a day, which is why the dated lots and the balance prove the rest.
_QUERY = """
WITH lines AS (
    SELECT customer_id, sequence, points, balance_after, type = ANY(%(earning)s) AS is_earning,
           sum(points) OVER w AS running, row_number() OVER w AS place
      FROM loyalty_ledgerentry
    WINDOW w AS (PARTITION BY customer_id ORDER BY sequence ROWS UNBOUNDED PRECEDING)
), books AS (
    SELECT customer_id, sum(points) AS total, count(*) AS entries,
           coalesce(sum(points) FILTER (WHERE is_earning), 0) AS earned,
           coalesce(-sum(points) FILTER (WHERE NOT is_earning), 0) AS redeemed,
           bool_and(sequence = place) AS is_gapless, bool_and(balance_after = running) AS is_running
      FROM lines GROUP BY customer_id
), dated AS (
    SELECT l.customer_id, lot.day, sum(lot.points) AS points
      FROM loyalty_ledgerentry l CROSS JOIN LATERAL unnest(l.lot_expiries, l.lot_points) AS lot(day, points)
     WHERE cardinality(l.lot_points) > 0 AND lot.day IS NOT NULL
     GROUP BY l.customer_id, lot.day HAVING sum(lot.points) <> 0
), lots AS (
    SELECT customer_id, sum(points) AS total, array_agg(day ORDER BY day) AS days,
           array_agg(points::int ORDER BY day) AS counts
      FROM dated GROUP BY customer_id
), compared AS (
    SELECT s.customer_id, array_remove(ARRAY[
        CASE WHEN a.customer_id IS NULL AND b.customer_id IS NOT NULL THEN 'account is missing' END,
        CASE WHEN coalesce(a.balance, 0) <> coalesce(b.total, 0) THEN 'balance' END,
        CASE WHEN s.points <> coalesce(b.total, 0) THEN 'points of the summary' END,
        CASE WHEN coalesce(a.points_earned_total, 0) <> coalesce(b.earned, 0) THEN 'points earned' END,
        CASE WHEN coalesce(a.points_redeemed_total, 0) <> coalesce(b.redeemed, 0) THEN 'points redeemed' END,
        CASE WHEN coalesce(a.last_sequence, 0) <> coalesce(b.entries, 0) OR NOT coalesce(b.is_gapless, true)
             THEN 'sequence' END,
        CASE WHEN NOT coalesce(b.is_running, true) THEN 'balance after' END,
        CASE WHEN a.tier <> s.tier THEN 'tier' END,
        CASE WHEN coalesce(a.lot_expiries, '{}') IS DISTINCT FROM coalesce(
                    l.days || CASE WHEN b.total > l.total THEN ARRAY[NULL::date] ELSE '{}' END, '{}')
               OR coalesce(a.lot_points, '{}') IS DISTINCT FROM coalesce(
                    l.counts || CASE WHEN b.total > l.total THEN ARRAY[(b.total - l.total)::int] ELSE '{}' END, '{}')
             THEN 'open lots' END,
        CASE WHEN a.next_expiry_on IS DISTINCT FROM l.days[1] THEN 'next expiry' END
    ], NULL) AS faults
      FROM customers_customersummary s
      LEFT JOIN loyalty_loyaltyaccount a ON a.customer_id = s.customer_id
      LEFT JOIN books b ON b.customer_id = s.customer_id
      LEFT JOIN lots l ON l.customer_id = s.customer_id
)
SELECT customer_id, faults FROM compared WHERE cardinality(faults) > 0 ORDER BY customer_id
"""
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class WrongAccount:
    """A guest whose figures disagree; ``faults`` names which."""

    customer_id: UUID
    faults: tuple[str, ...]


def find_wrong_accounts() -> Iterator[WrongAccount]:
    """Yield every guest of the café whose ledger, account and summary disagree; normally none.

    Checked: balance = sum of the ledger = last ``balance_after`` = points of the summary; totals earned and
    redeemed; every ``balance_after``; the sequence from 1 without gaps; equal tiers; the open lots, day by day what
    the entries opened less what they used; the next expiry. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"earning": [str(kind) for kind in LedgerEntry.EARNING_TYPES]})
        while rows := cursor.fetchmany(_BATCH):
            yield from (WrongAccount(customer_id, tuple(faults)) for customer_id, faults in rows)
