"""Loading without the indexes and checks that are cheaper to build once than row by row."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class _Saved:
    drop: str
    create: str


_CONSTRAINTS = """
SELECT r.relname, c.conname, pg_get_constraintdef(c.oid), c.contype
  FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace s ON s.oid = r.relnamespace
 WHERE s.nspname = current_schema() AND r.relname = ANY(%s) AND c.contype IN ('u', 'f')
 ORDER BY c.contype DESC, r.relname, c.conname
"""
_INDEXES = """
SELECT i.relname, pg_get_indexdef(x.indexrelid)
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid
  JOIN pg_namespace s ON s.oid = r.relnamespace
 WHERE s.nspname = current_schema() AND r.relname = ANY(%s)
   AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = x.indexrelid)
 ORDER BY r.relname, i.relname
"""
_AUDITS = """
SELECT r.relname, t.tgname FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
 WHERE r.relnamespace = current_schema()::regnamespace AND r.relname = ANY(%s) AND p.proname = 'core_audit_rows'
"""


def _saved(tables: Sequence[str]) -> list[_Saved]:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [list(tables)])
        saved = [_Saved(f"DROP INDEX {quote(name)}", definition) for name, definition in cursor.fetchall()]
        cursor.execute(_CONSTRAINTS, [list(tables)])
        # Unique constraints before foreign keys (the query sorts them so).
        for table, name, definition, _kind in cursor.fetchall():
            alter = f"ALTER TABLE {quote(table)}"
            saved.append(
                _Saved(
                    f"{alter} DROP CONSTRAINT {quote(name)}",
                    f"{alter} ADD CONSTRAINT {quote(name)} {definition}",
                )
            )
    return saved


@contextmanager
def without_indexes(tables: Sequence[str]) -> Iterator[None]:
    """Drop indexes, unique constraints and foreign keys of ``tables``; build and check them again afterwards.

    Primary keys stay. Works inside the caller's transaction: a failure rolls the drop back with the rest.
    """
    saved = _saved(tables)
    with connection.cursor() as cursor:
        for item in saved:
            cursor.execute(item.drop)
    yield
    with connection.cursor() as cursor:
        for item in saved:
            cursor.execute(item.create)


@contextmanager
def without_triggers(tables: Sequence[str]) -> Iterator[None]:
    """Switch the audit triggers of the tables off, and no other: the trail tells what people did."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with pending checks cannot be altered
        cursor.execute(_AUDITS, [list(tables)])
        audits = [(quote(table), quote(trigger)) for table, trigger in cursor.fetchall()]
        for table, trigger in audits:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, trigger in audits:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
