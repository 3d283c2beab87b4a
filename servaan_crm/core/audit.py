"""Migration operations for tables that are watched or can only grow.

One SQL command per statement, and the trail is named with the schema of the changed table, whatever the search
path is: this also works where a connection pooler or a sharding layer sits between us and PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunSQL

# Statement by statement: a thousand changed rows cost one INSERT. Most statements change one row, and that way is
# the shortest. Rows are paired by their key, which never changes. Whoever switches joins off for statements of
# their own must not slow this one down.
CREATE_AUDIT_FUNCTION = """
CREATE OR REPLACE FUNCTION core_audit_rows() RETURNS trigger LANGUAGE plpgsql
SET enable_hashjoin = on AS $$
DECLARE
    before jsonb;
    after jsonb;
    row_key text;
    many bigint;
    entries text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT count(*) INTO many FROM (SELECT 1 FROM before_rows LIMIT 2) AS f;
    ELSE
        SELECT count(*) INTO many FROM (SELECT 1 FROM after_rows LIMIT 2) AS f;
    END IF;
    IF many = 0 THEN RETURN NULL; END IF;
    IF many = 1 THEN
        IF TG_OP <> 'INSERT' THEN SELECT to_jsonb(o) INTO before FROM before_rows AS o; END IF;
        IF TG_OP <> 'DELETE' THEN SELECT to_jsonb(n) INTO after FROM after_rows AS n; END IF;
        row_key := COALESCE(after, before) ->> TG_ARGV[0];
        IF TG_OP = 'UPDATE' THEN
            SELECT jsonb_object_agg(e.key, e.value), jsonb_object_agg(e.key, after -> e.key) INTO before, after
              FROM jsonb_each(before) AS e
             WHERE e.value IS DISTINCT FROM after -> e.key AND e.key <> 'updated_at';
            IF before IS NULL THEN RETURN NULL; END IF;
        END IF;
        entries := 'SELECT $6, $7, $8';
    ELSIF TG_OP = 'INSERT' THEN
        entries := 'SELECT n.%2$I::text, NULL::jsonb, to_jsonb(n) FROM after_rows AS n';
    ELSIF TG_OP = 'DELETE' THEN
        entries := 'SELECT o.%2$I::text, to_jsonb(o), NULL::jsonb FROM before_rows AS o';
    ELSE
        entries := 'SELECT pair.id, d.was, d.became FROM'
            ' (SELECT n.%2$I::text AS id, to_jsonb(o) AS was, to_jsonb(n) AS became'
            ' FROM before_rows AS o JOIN after_rows AS n ON n.%2$I = o.%2$I OFFSET 0) AS pair'
            ' CROSS JOIN LATERAL (SELECT jsonb_object_agg(e.key, e.value) AS was,'
            ' jsonb_object_agg(e.key, pair.became -> e.key) AS became FROM jsonb_each(pair.was) AS e'
            ' WHERE e.value IS DISTINCT FROM pair.became -> e.key AND e.key <> ''updated_at'') AS d'
            ' WHERE d.was IS NOT NULL';
    END IF;
    EXECUTE format('INSERT INTO %1$I.core_auditentry'
        ' (table_name, row_id, action, old, new, actor_id, actor_name, request_id)'
        ' SELECT $1, e.id, $2, e.old, e.new, $3, $4, $5 FROM (' || entries || ') AS e (id, old, new)',
        TG_TABLE_SCHEMA, TG_ARGV[0])
    USING TG_TABLE_NAME, lower(TG_OP),
        COALESCE(current_setting('servaan.actor_id', true), ''),
        COALESCE(current_setting('servaan.actor_name', true), ''),
        COALESCE(current_setting('servaan.request_id', true), ''),
        row_key, before, after;
    RETURN NULL;
END $$
"""
# Event → what its trigger sees; a trigger that sees rows is for one event.
_SEEN = {
    "INSERT": "NEW TABLE AS after_rows",
    "UPDATE": "OLD TABLE AS before_rows NEW TABLE AS after_rows",
    "DELETE": "OLD TABLE AS before_rows",
}
# How pg_trigger.tgtype says the same.
_EVENT_BITS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16}

CREATE_REFUSAL_FUNCTION = """
CREATE OR REPLACE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A guest's right to be erased reaches the trail of changes, and of a ledger the columns of words that its
    -- trigger names: they may be emptied, while everything else in the row stays as it was.
    IF TG_OP = 'UPDATE' AND current_setting('servaan.erasing', true) = 'yes' THEN
        IF TG_TABLE_NAME = 'core_auditentry' THEN RETURN NEW; END IF;
        IF TG_NARGS > 0 AND NEW IS DISTINCT FROM OLD
           AND to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV
           AND NOT EXISTS (SELECT 1 FROM jsonb_each(to_jsonb(NEW)) AS e
                            WHERE e.key = ANY(TG_ARGV) AND e.value NOT IN ('""', 'null'))
        THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""


def create_functions() -> list[RunSQL]:
    """Return the operations that create both trigger functions in the café's schema."""
    return [
        RunSQL([(CREATE_AUDIT_FUNCTION, None)], "DROP FUNCTION core_audit_rows()"),
        RunSQL([(CREATE_REFUSAL_FUNCTION, None)], "DROP FUNCTION core_refuse_change()"),
    ]


def audit_triggers(table: str, key: str = "id", events: Iterable[str] = tuple(_SEEN)) -> list[str]:
    """Return the statements that record ``events`` (INSERT, UPDATE, DELETE) of ``table`` in the audit trail.

    The function comes first: in a café of an earlier version this may run before the migration that renews it.
    """
    create = [
        f"CREATE TRIGGER {table}_audit_{event.lower()} AFTER {event} ON {table} REFERENCING {_SEEN[event]}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION core_audit_rows('{key}')"
        for event in events
    ]
    return [CREATE_AUDIT_FUNCTION, *create]


def _audit(table: str, key: str, events: tuple[str, ...]) -> RunSQL:
    drop = [f"DROP TRIGGER {table}_audit_{event.lower()} ON {table}" for event in events]
    return RunSQL(
        [(statement, None) for statement in audit_triggers(table, key, events)],
        [(statement, None) for statement in drop],
    )


def audit_table(table: str, key: str = "id") -> RunSQL:
    """Return the operation that records every insert, update and delete of ``table`` in the audit trail.

    ``key`` is the column that identifies a row and never changes. An update of nothing but ``updated_at`` leaves
    no entry.
    """
    return _audit(table, key, ("INSERT", "UPDATE", "DELETE"))


def audit_changes(table: str, key: str = "id") -> RunSQL:
    """Like :func:`audit_table`, for tables so busy with inserts that only later changes are recorded."""
    return _audit(table, key, ("UPDATE", "DELETE"))


def audit_by_statement(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Put the present triggers in the place of those of earlier versions, which wrote row by row.

    For a migration: it looks at the triggers that are there, so it knows the tables of every room.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(CREATE_AUDIT_FUNCTION)
        cursor.execute(
            "SELECT c.relname, t.tgname, t.tgargs, t.tgtype"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE c.relnamespace = current_schema()::regnamespace AND p.proname = 'core_audit_row'"
        )
        for table, name, key, kind in cursor.fetchall():
            events = [event for event, bit in _EVENT_BITS.items() if kind & bit]
            column = bytes(key).split(b"\0")[0].decode()
            for statement in audit_triggers(table, column, events)[1:]:
                cursor.execute(statement)
            cursor.execute(f"DROP TRIGGER {name} ON {table}")
        cursor.execute("DROP FUNCTION IF EXISTS core_audit_row()")


def words_can_be_emptied(table: str, words: Iterable[str]) -> list[RunSQL]:
    """Return the operations that let an erase empty the columns ``words`` of an append-only ``table``, and no more."""
    columns = ", ".join(f"'{column}'" for column in words)
    return [
        RunSQL([(CREATE_REFUSAL_FUNCTION, None)], RunSQL.noop),
        RunSQL(f"DROP TRIGGER {table}_append_only ON {table}", RunSQL.noop),
        RunSQL(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION core_refuse_change({columns})",
            RunSQL.noop,
        ),
    ]


def append_only(table: str) -> list[RunSQL]:
    """Return the operations that make UPDATE, DELETE and TRUNCATE of ``table`` fail, for its owner too.

    While ``servaan.erasing`` is "yes" the audit trail can be updated, to erase a guest from it, and see
    :func:`words_can_be_emptied`.
    """
    return [
        RunSQL(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION core_refuse_change()",
            f"DROP TRIGGER {table}_append_only ON {table}",
        ),
        RunSQL(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change()",
            f"DROP TRIGGER {table}_no_truncate ON {table}",
        ),
    ]
