"""Who is who among merged guests, and who brought whom in a ring."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

_FAMILY = """
WITH RECURSIVE family (id) AS (
    SELECT %s::uuid
    UNION SELECT c.id FROM customers_customer AS c JOIN family ON c.merged_into_id = family.id)
SELECT id FROM family
"""
_HEIRS = """
WITH RECURSIVE up (start, id, next) AS (
    SELECT id, id, merged_into_id FROM customers_customer WHERE id = ANY(%s)
    UNION SELECT up.start, c.id, c.merged_into_id FROM up JOIN customers_customer AS c ON c.id = up.next)
SELECT start, id FROM up WHERE next IS NULL
"""
# From the referrer upwards: to whoever brought a guest, and over merges in both directions. Refused and reversed
# referrals bind nobody. A path visits no guest twice, so that a ring ends the walk.
_RING = """
WITH RECURSIVE walk (id, path) AS (
    SELECT %(referrer)s::uuid, ARRAY[%(referrer)s::uuid]
    UNION ALL
    SELECT step.id, walk.path || step.id
      FROM walk, LATERAL (
          SELECT r.referrer_id FROM loyalty_referral AS r
           WHERE r.friend_id = walk.id AND r.id <> %(referral)s AND r.status NOT IN ('refused', 'reversed')
          UNION SELECT c.merged_into_id FROM customers_customer AS c
           WHERE c.id = walk.id AND c.merged_into_id IS NOT NULL
          UNION SELECT c.id FROM customers_customer AS c WHERE c.merged_into_id = walk.id) AS step (id)
     WHERE step.id <> ALL(walk.path) AND walk.id <> ALL(%(friends)s) AND cardinality(walk.path) < 64)
SELECT path FROM walk WHERE id = ANY(%(friends)s) ORDER BY cardinality(path) LIMIT 1
"""
NOBODY = UUID(int=0)


def family_of(customer_id: UUID) -> list[UUID]:
    """Return the guest and every record that was merged into it."""
    with connection.cursor() as cursor:
        cursor.execute(_FAMILY, [customer_id])
        return [row[0] for row in cursor.fetchall()]


def heirs_of(customer_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return record → the guest it is part of now: itself, unless it was merged into another."""
    with connection.cursor() as cursor:
        cursor.execute(_HEIRS, [list(customer_ids)])
        return dict(cursor.fetchall())


def ring_of(*, referrer_id: UUID, friend_ids: list[UUID], referral_id: UUID | None = None) -> list[UUID]:
    """Return the guests of the ring that this referral closes, from referrer to friend; [] when it closes none.

    Args:
        friend_ids: the friend and every record merged into it.
        referral_id: the referral in question, when it is entered already.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _RING, {"referrer": referrer_id, "friends": friend_ids, "referral": referral_id or NOBODY}
        )
        row = cursor.fetchone()
        return list(row[0]) if row else []
