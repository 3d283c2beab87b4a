"""Signals of misuse, found in the ledger: one statement for a whole day or for one guest of it.

Nothing is blocked or changed: a person looks at the evidence. An item of the same subject is renewed, not doubled;
one that was dismissed or reversed opens again only when entries came to it since.
"""

from datetime import date, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from loyalty.models import LedgerEntry, LoyaltyProgram
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale

# The same member of staff credits the same guest so often within so many days. A regular of a café with one
# barista comes daily; more than that is worth a look.
SAME_STAFF_TIMES, SAME_STAFF_DAYS = 10, 7
# Points moved by hand for one guest by one member of staff in a day.
LARGE_BY_HAND = 1000

# One visit is one accrual, whatever its bonuses. What was taken back already is no accrual any more; nor are points
# of merges and full stamp cards, which nobody gives.
_SIGNALS = """
WITH accruals AS (
    SELECT e.customer_id, e.created_by_id AS staff_id, coalesce(e.visit_id, e.id) AS act, e.id, e.visit_id, e.points,
           e.created_at, e.explanation
      FROM loyalty_ledgerentry e
     WHERE e.created_at >= %(since)s AND e.created_at < %(until)s
       AND e.type = ANY(%(accruals)s) AND NOT e.explanation ? 'stamp_card'
       AND (%(guest)s::uuid IS NULL OR e.customer_id = %(guest)s::uuid)
       AND NOT EXISTS (SELECT 1 FROM loyalty_ledgerentry r WHERE r.reverses_id = e.id)
), today AS (
    SELECT * FROM accruals WHERE created_at >= %(start)s
), found AS (
    SELECT 'same_staff' AS signal, customer_id, staff_id, least(9, 1 + count(DISTINCT act) / %(times)s) AS score,
           array_agg(id ORDER BY created_at) AS entries, array_remove(array_agg(DISTINCT visit_id), NULL) AS visits,
           count(DISTINCT act) AS times, sum(points) AS points, %(times)s AS most
      FROM accruals a WHERE staff_id IS NOT NULL
     GROUP BY customer_id, staff_id
    HAVING count(DISTINCT act) >= %(times)s AND bool_or(created_at >= %(start)s)
       AND NOT EXISTS (SELECT 1 FROM loyalty_reviewitem i
            WHERE i.customer_id = a.customer_id AND i.signal = 'same_staff' AND i.staff_id = a.staff_id
              AND i.day < %(day)s AND i.day > %(day)s::date - %(days)s)
    UNION ALL
    SELECT 'many_accruals', customer_id, NULL::uuid, least(9, 1 + count(DISTINCT act) - %(most)s),
           array_agg(id ORDER BY created_at), array_remove(array_agg(DISTINCT visit_id), NULL),
           count(DISTINCT act), sum(points), %(most)s
      FROM today GROUP BY customer_id HAVING count(DISTINCT act) > %(most)s
    UNION ALL
    SELECT 'self_credit', t.customer_id, staff_id, 5, array_agg(t.id ORDER BY t.created_at),
           array_remove(array_agg(DISTINCT visit_id), NULL), count(DISTINCT act), sum(points), 0
      FROM today t JOIN customers_customer c ON c.id = t.customer_id JOIN accounts_user u ON u.id = t.staff_id
     WHERE length(regexp_replace(u.phone, '[^0-9]', '', 'g')) >= 10
       AND right(regexp_replace(u.phone, '[^0-9]', '', 'g'), 10) = right(c.phone, 10)
     GROUP BY t.customer_id, staff_id
    UNION ALL
    SELECT 'large_adjustment', e.customer_id, e.created_by_id, least(9, 2 + sum(abs(e.points)) / (5 * %(large)s)),
           array_agg(e.id ORDER BY e.created_at), '{}', count(*), sum(e.points), %(large)s
      FROM loyalty_ledgerentry e
     WHERE e.created_at >= %(start)s AND e.created_at < %(until)s AND e.created_by_id IS NOT NULL
       AND (e.type IN ('adjustment_add', 'adjustment_subtract')
            OR e.type = 'earned_bonus' AND e.visit_id IS NULL AND e.explanation = '{}')
       AND (%(guest)s::uuid IS NULL OR e.customer_id = %(guest)s::uuid)
       AND NOT EXISTS (SELECT 1 FROM loyalty_ledgerentry r WHERE r.reverses_id = e.id)
     GROUP BY e.customer_id, e.created_by_id HAVING sum(abs(e.points)) >= %(large)s
    UNION ALL
    SELECT 'void_after_redemption', e.customer_id, v.voided_by_id, 4, array_agg(e.id ORDER BY e.created_at),
           array_agg(DISTINCT v.id), count(DISTINCT v.id), sum(e.shortfall), 0
      FROM loyalty_ledgerentry e JOIN customers_visit v ON v.id = e.visit_id AND v.voided_at IS NOT NULL
     WHERE e.created_at >= %(start)s AND e.created_at < %(until)s
       AND e.type = 'reversed_earning' AND e.shortfall > 0
       AND (%(guest)s::uuid IS NULL OR e.customer_id = %(guest)s::uuid)
     GROUP BY e.customer_id, v.voided_by_id
)
INSERT INTO loyalty_reviewitem AS item
    (id, created_at, updated_at, signal, subject, customer_id, staff_id, day, score, evidence, status, decision_note)
SELECT gen_random_uuid(), %(now)s, %(now)s, signal,
       signal || ':' || customer_id || ':' || coalesce(staff_id::text, '') || ':' || %(day)s::date,
       customer_id, staff_id, %(day)s, score,
       jsonb_build_object('entries', entries, 'visits', visits, 'times', times, 'points', points, 'most', most,
                          'days', CASE WHEN signal = 'same_staff' THEN %(days)s ELSE 1 END), 'open', ''
  FROM found
    ON CONFLICT (subject) DO UPDATE
   SET evidence = excluded.evidence, score = excluded.score, updated_at = excluded.updated_at,
       status = CASE WHEN item.status IN ('dismissed', 'reversed')
                      AND NOT coalesce(excluded.evidence -> 'entries' <@ (item.evidence -> 'entries'), false)
                     THEN 'open' ELSE item.status END
 WHERE item.evidence IS DISTINCT FROM excluded.evidence
   AND (item.status IN ('open', 'watching')
        OR NOT coalesce(excluded.evidence -> 'entries' <@ (item.evidence -> 'entries'), false))
RETURNING 1
"""
_ACCRUALS = [
    str(kind)
    for kind in (
        LedgerEntry.Type.EARNED_PURCHASE,
        LedgerEntry.Type.EARNED_BONUS,
        LedgerEntry.Type.EARNED_BIRTHDAY,
        LedgerEntry.Type.ADJUSTMENT_ADD,
    )
]


def find_signals(*, day: date | None = None, customer_id: UUID | None = None) -> int:
    """Look for everything unusual in what was written on ``day``; returns how many items are new or changed.

    Args:
        day: of the café's calendar of days; today when left out.
        customer_id: only this guest, which costs a look at its own entries.
    """
    if not is_enabled("loyalty"):
        return 0
    day = day or local_date(timezone.now())
    zone = get_locale().tz
    start, until = local_day_bounds(day, zone)
    values = {
        "start": start,
        "until": until,
        "since": local_day_bounds(day - timedelta(days=SAME_STAFF_DAYS - 1), zone)[0],
        "day": day,
        "guest": customer_id,
        "accruals": _ACCRUALS,
        "times": SAME_STAFF_TIMES,
        "days": SAME_STAFF_DAYS,
        "large": LARGE_BY_HAND,
        "most": LoyaltyProgram.objects.values_list("review_accruals_per_day", flat=True).first() or 3,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SIGNALS, values)
        return cursor.rowcount


def find_nightly() -> int:
    """Look at yesterday, whose last hours no night has seen, and at today so far. Safe to repeat."""
    today = local_date(timezone.now())
    return find_signals(day=today - timedelta(days=1)) + find_signals(day=today)
