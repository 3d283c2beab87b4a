"""The frequency cap: how much advertising one guest gets, over all campaigns and automations together.

Ids of messages are ordered by time, so "the last days" is a range of the primary key, and one guest's messages are a
range of ``message_customer``: counting needs no index of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models.expressions import RawSQL
from django.utils import timezone

from servaan_crm.messaging.models import SendingRules
from servaan_crm.messaging.services.checks import Candidate
from servaan_crm.messaging.services.rules import get_rules

# A message may wait this long between being written and being sent, and still be found by its id.
LONGEST_WAIT = timedelta(days=7)

_NOBODY = "SELECT NULL::uuid WHERE false"
_CAPPED = """
SELECT m.customer_id FROM messaging_message AS m
 WHERE m.id >= %s AND m.purpose = 'marketing' AND m.customer_id IS NOT NULL
   AND (m.state IN ('queued', 'claimed')
        OR (m.state IN ('sent', 'delivered', 'unknown') AND COALESCE(m.sent_at, m.claimed_at) >= %s))
 GROUP BY m.customer_id HAVING count(*) >= %s
"""
# Of the same batch, those before a message count; of other batches all that are on their way.
_OVER = """
SELECT c.id FROM unnest(%s::uuid[], %s::uuid[]) AS c(id, customer_id)
 WHERE %s <= (
    SELECT count(*) FROM messaging_message AS m
     WHERE m.customer_id = c.customer_id AND m.id >= %s AND m.id <> c.id AND m.purpose = 'marketing'
       AND ((m.state IN ('sent', 'delivered', 'unknown') AND COALESCE(m.sent_at, m.claimed_at) >= %s)
            OR (m.state = 'claimed' AND (m.id < c.id OR m.id <> ALL(%s::uuid[])))))
"""


def capped_customer_ids_sql(*, rules: SendingRules | None = None) -> tuple[str, list[object]]:
    """A subselect of the guests who have reached the cap now, and its parameters: sent, on the way or waiting.

    Nobody where the café has no cap. For ``customer_id NOT IN (…)`` and the like; it yields no NULL.
    """
    rules = rules or get_rules()
    if not rules.cap_messages:
        return _NOBODY, []
    since = timezone.now() - timedelta(days=rules.cap_days)
    return _CAPPED, [first_id(since - LONGEST_WAIT), since, rules.cap_messages]


def capped_customers(*, rules: SendingRules | None = None) -> RawSQL:
    """The same for a queryset: ``guests.exclude(pk__in=capped_customers())``."""
    sql, params = capped_customer_ids_sql(rules=rules)
    return RawSQL(sql, params)


def over_cap(candidates: Sequence[Candidate], rules: SendingRules) -> set[UUID]:
    """Which of these claimed messages would be one too many for their guests; one query.

    Only advertising to a known guest counts. Two workers that hold a guest's last allowed message each count the
    other's, so that together they never send more than the cap.
    """
    rows = [row for row in candidates if row.purpose == "marketing" and row.customer_id is not None]
    if not rows or not rules.cap_messages:
        return set()
    since = timezone.now() - timedelta(days=rules.cap_days)
    ids = [row.id for row in rows]
    guests = [row.customer_id for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_OVER, [ids, guests, rules.cap_messages, first_id(since - LONGEST_WAIT), since, ids])
        return {found[0] for found in cursor.fetchall()}


def first_id(moment: datetime) -> UUID:
    """The smallest id (version 7) that was drawn at ``moment`` or later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62)
