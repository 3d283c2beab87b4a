"""Migration operations for tables that are watched or can only grow.

One SQL command per statement, and the trail is named with the schema of the changed table, whatever the search
path is: this also works where a connection pooler or a sharding layer sits between us and PostgreSQL.
"""

from django.db.migrations import RunSQL

CREATE_AUDIT_FUNCTION = """
CREATE OR REPLACE FUNCTION core_audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb;
    after jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN before := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN after := to_jsonb(NEW); END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, after -> o.key)
          INTO before, after
          FROM jsonb_each(before) AS o
         WHERE o.value IS DISTINCT FROM after -> o.key AND o.key NOT IN ('updated_at');
        IF before IS NULL THEN RETURN NULL; END IF;
    END IF;
    EXECUTE format('INSERT INTO %I.core_auditentry '
        '(table_name, row_id, action, old, new, actor_id, actor_name, request_id) '
        'VALUES ($1, $2, $3, $4, $5, $6, $7, $8)', TG_TABLE_SCHEMA)
    USING TG_TABLE_NAME, COALESCE(to_jsonb(NEW), to_jsonb(OLD)) ->> TG_ARGV[0], lower(TG_OP), before, after,
        COALESCE(current_setting('servaan.actor_id', true), ''),
        COALESCE(current_setting('servaan.actor_name', true), ''),
        COALESCE(current_setting('servaan.request_id', true), '');
    RETURN NULL;
END $$
"""

CREATE_REFUSAL_FUNCTION = """
CREATE OR REPLACE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A guest's right to be erased reaches the trail of changes too; nothing else does, and the ledger never.
    IF TG_TABLE_NAME = 'core_auditentry' AND TG_OP = 'UPDATE'
       AND current_setting('servaan.erasing', true) = 'yes' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""


def create_functions() -> list[RunSQL]:
    """Return the operations that create both trigger functions in the café's schema."""
    return [
        RunSQL([(CREATE_AUDIT_FUNCTION, None)], "DROP FUNCTION core_audit_row()"),
        RunSQL([(CREATE_REFUSAL_FUNCTION, None)], "DROP FUNCTION core_refuse_change()"),
    ]


def audit_table(table: str, key: str = "id") -> RunSQL:
    """Return the operation that records every insert, update and delete of ``table`` in the audit trail.

    ``key`` is the column that identifies a row. An update of nothing but ``updated_at`` leaves no entry.
    """
    return RunSQL(
        f"CREATE TRIGGER {table}_audit AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION core_audit_row('{key}')",
        f"DROP TRIGGER {table}_audit ON {table}",
    )


def audit_changes(table: str, key: str = "id") -> RunSQL:
    """Like :func:`audit_table`, for tables so busy with inserts that only later changes are recorded."""
    return RunSQL(
        f"CREATE TRIGGER {table}_audit AFTER UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION core_audit_row('{key}')",
        f"DROP TRIGGER {table}_audit ON {table}",
    )


def append_only(table: str) -> list[RunSQL]:
    """Return the operations that make UPDATE, DELETE and TRUNCATE of ``table`` fail, for its owner too.

    The audit trail alone can be updated, while ``servaan.erasing`` is "yes": to erase a guest from it.
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
