"""Keeping the number of guests, and the figures of the book, short."""

from django.db import connection

_FOLD = """
WITH gone AS (
    DELETE FROM customers_guestcount WHERE id IN (
        SELECT id FROM customers_guestcount ORDER BY id FOR UPDATE SKIP LOCKED)
    RETURNING change),
sums AS (SELECT count(*) AS rows, COALESCE(sum(change), 0) AS change FROM gone),
kept AS (INSERT INTO customers_guestcount (change) SELECT change FROM sums WHERE rows > 0)
SELECT rows FROM sums
"""
_FOLD_FIGURES = """
WITH gone AS (
    DELETE FROM customers_guestfigure WHERE id IN (
        SELECT id FROM customers_guestfigure ORDER BY id FOR UPDATE SKIP LOCKED)
    RETURNING segment, tier, guests, visits, spent),
kept AS (
    INSERT INTO customers_guestfigure (segment, tier, guests, visits, spent)
    SELECT segment, tier, sum(guests), sum(visits), sum(spent) FROM gone GROUP BY segment, tier)
SELECT count(*) FROM gone
"""


def fold_guest_count() -> int:
    """Replace the changes by their sum, in one statement; returns how many there were.

    Readers see either the changes or the sum. Two at once take different rows.
    """
    return _fold(_FOLD)


def fold_figures() -> int:
    """Replace the changes of the figures by one row for each segment and tier; returns how many there were."""
    return _fold(_FOLD_FIGURES)


def _fold(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])
