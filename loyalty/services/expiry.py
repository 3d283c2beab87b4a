"""Points run out: what :func:`loyalty.services.ledger.post` does as it goes, for everybody in one go at night."""

from datetime import date, timedelta

from django.utils import timezone, translation
from django.utils.translation import gettext

from loyalty.events import PointsExpired, PointsExpiring, PointsMoved
from loyalty.models import LedgerEntry, LoyaltyProgram
from loyalty.services import rounds
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import local_date
from servaan_crm.tenancy.current import get_cafe

_FIND_DUE = """
SELECT customer_id FROM loyalty_loyaltyaccount WHERE next_expiry_on < %(today)s ORDER BY customer_id
"""
# The open lots stand in the order of their days, so what has run out is the first ``n`` of them.
_EXPIRE = f"""
WITH due AS MATERIALIZED (
    SELECT a.customer_id, a.balance, a.last_sequence + 1 AS sequence, n, a.lot_expiries[1:n] AS days,
           (SELECT sum(p) FROM unnest(a.lot_points[1:n]) AS p) AS gone,
           ARRAY(SELECT -p FROM unnest(a.lot_points[1:n]) WITH ORDINALITY AS u(p, i) ORDER BY i) AS points
      FROM loyalty_loyaltyaccount a
     CROSS JOIN LATERAL (
           SELECT count(*)::int AS n FROM unnest(a.lot_expiries) AS day WHERE day < %(today)s) AS past
     WHERE a.customer_id = ANY(%(ids)s) AND a.next_expiry_on < %(today)s
), written AS (
    INSERT INTO loyalty_ledgerentry (id, created_at, customer_id, sequence, type, points, balance_after, lot_expiries,
           lot_points, reference, description, notes, explanation, rule_version, shortfall, idempotency_key)
    SELECT {rounds.new_id()}, %(now)s, customer_id, sequence, '{LedgerEntry.Type.EXPIRED}', -gone, balance - gone,
           days, points, '', %(description)s, '', '{{}}', (SELECT version FROM loyalty_loyaltyprogram), 0, %(key)s
      FROM due
    ON CONFLICT (customer_id, idempotency_key) WHERE NOT idempotency_key = '' DO NOTHING
    RETURNING customer_id
), gone AS (
    SELECT due.* FROM due JOIN written USING (customer_id)
), accounts AS (
    UPDATE loyalty_loyaltyaccount a
       SET balance = a.balance - gone.gone, last_sequence = gone.sequence, updated_at = %(now)s,
           points_redeemed_total = a.points_redeemed_total + gone.gone, next_expiry_on = a.lot_expiries[n + 1],
           lot_expiries = CASE WHEN a.lot_expiries[n + 1] IS NULL THEN '{{}}' ELSE a.lot_expiries[n + 1:] END,
           lot_points = CASE WHEN a.lot_expiries[n + 1] IS NULL THEN '{{}}' ELSE a.lot_points[n + 1:] END
      FROM gone WHERE a.customer_id = gone.customer_id
), summaries AS (
    UPDATE customers_customersummary s SET points = gone.balance - gone.gone
      FROM gone WHERE s.customer_id = gone.customer_id
), told AS (
    {rounds.insert_events(PointsExpired, "jsonb_build_object('customer_id', customer_id, 'points', gone)", "gone")}
), moved AS (
    {rounds.insert_batches(PointsMoved, "gone")}
)
SELECT count(*) FROM gone
"""


def expire_points(today: date | None = None) -> int:
    """Take the points whose last valid day is over off every account; returns how many accounts it were.

    today: default the café's date.

    One ledger row per account, the one the next movement would have written. The key of the day keeps a repeated
    run from writing a second one. Nothing happens while the café has the club switched off.
    """
    if not is_enabled("loyalty"):
        return 0
    today = today or local_date(timezone.now())
    with translation.override(get_cafe().language):
        description = gettext("Points expired")[:200]
    params = {"today": today, "description": description, "key": f"expire:{today}"}
    return rounds.run("expire points", find=_FIND_DUE, apply=_EXPIRE, params=params, tells=PointsExpired)


# A guest is warned of each day once: lots up to ``expiry_warned_on`` have been told of.
_WARNABLE = """
 a.next_expiry_on <= %(until)s
   AND EXISTS (SELECT 1 FROM unnest(a.lot_expiries) AS day
                WHERE day BETWEEN %(today)s AND %(until)s AND day > coalesce(a.expiry_warned_on, '-infinity'))
   AND EXISTS (SELECT 1 FROM customers_customer c
                WHERE c.id = a.customer_id AND c.deleted_at IS NULL AND c.status <> 'blocked')
"""
_FIND_WARNABLE = f"SELECT customer_id FROM loyalty_loyaltyaccount a WHERE {_WARNABLE} ORDER BY customer_id"
_WARN = f"""
WITH soon AS MATERIALIZED (
    SELECT a.customer_id, lot.day, lot.points
      FROM loyalty_loyaltyaccount a CROSS JOIN LATERAL unnest(a.lot_expiries, a.lot_points) AS lot(day, points)
     WHERE a.customer_id = ANY(%(ids)s) AND {_WARNABLE}
       AND lot.day BETWEEN %(today)s AND %(until)s AND lot.day > coalesce(a.expiry_warned_on, '-infinity')
), accounts AS (
    UPDATE loyalty_loyaltyaccount a SET expiry_warned_on = last.day
      FROM (SELECT customer_id, max(day) AS day FROM soon GROUP BY customer_id) AS last
     WHERE a.customer_id = last.customer_id
), told AS (
    {
    rounds.insert_events(
        PointsExpiring,
        "jsonb_build_object('customer_id', customer_id, 'points', points, 'expires_on', day,"
        " 'days', day - %(today)s::date)",
        "soon ORDER BY day",
    )
}
)
SELECT count(*) FROM soon
"""


def warn_expiring() -> int:
    """Tell of points that run out within the program's days of warning; returns how many events were written.

    One event per guest and last valid day. Deleted and blocked guests are left out; they are told of when they come
    back in time.
    """
    if not is_enabled("loyalty"):
        return 0
    today = local_date(timezone.now())
    ahead = LoyaltyProgram.objects.values_list("expiry_warning_days", flat=True).get()
    params = {"today": today, "until": today + timedelta(days=ahead)}
    return rounds.run("warn expiring", find=_FIND_WARNABLE, apply=_WARN, params=params, tells=PointsExpiring)
