"""The base segment of every guest: new, occasional, regular or vip."""

from django.db import connection

from segments.language.compiler import compile_segments
from segments.language.plan import GUEST, SUMMARY
from segments.language.sql import sql

# The figures a base segment follows from. PostgreSQL compares them again when it writes.
READ = ("total_visits", "last_visit_number", "lifetime_spent", "tier")


def refresh_base_segments() -> int:
    """Bring every guest's base segment up to date in one statement; returns how many changed.

    Writes only the difference, and is safe to repeat. A guest whose figures a checkout changes at the
    same time is left to that checkout: PostgreSQL compares the new row with the figures that were read.
    """
    compiled = compile_segments([])
    columns = ", ".join(f"{SUMMARY}.{name}" for name in READ)
    rows = sql(f"SELECT {GUEST}.id, {{}}, {columns} FROM {{}}", compiled.base, compiled.plan.source())
    unchanged = " AND ".join(f"target.{name} = source.{name}" for name in READ)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {SUMMARY} AS target SET segment = source.wanted"
            f" FROM ({rows.text}) AS source(pk, wanted, {', '.join(READ)})"
            f" WHERE target.customer_id = source.pk AND target.segment <> source.wanted AND {unchanged}",
            rows.params,
        )
        return cursor.rowcount
