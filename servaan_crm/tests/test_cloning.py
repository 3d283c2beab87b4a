"""A copied café is the café the migrations would have made."""

import re

import pytest
from django.core.management import call_command
from django.db import connection

from servaan_crm.tenancy.cloning import COPIED_TABLES, clone_schema, find_model_schema

# Everything the catalog says of a schema; names of the own schema carry none, it is in the search path.
STRUCTURE = {
    "columns": """
        SELECT c.relname, c.relpersistence, c.reloptions, a.attname, format_type(a.atttypid, a.atttypmod),
               a.attnotnull, a.attidentity, a.attgenerated, l.collname, pg_get_expr(d.adbin, d.adrelid),
               row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_collation l ON l.oid = a.attcollation
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r'""",
    "constraints": """
        SELECT c.relname, k.conname, k.contype, k.convalidated, pg_get_constraintdef(k.oid, true)
          FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         WHERE c.relnamespace = %(schema)s::regnamespace AND k.contype <> 'n'""",
    "indexes": """
        SELECT c.relname, i.indisunique, i.indisprimary, i.indisvalid, pg_get_indexdef(i.indexrelid, 0, true)
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE c.relnamespace = %(schema)s::regnamespace""",
    "triggers": """
        SELECT c.relname, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid, true)
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal""",
    "functions": """
        SELECT p.proname, replace(pg_get_functiondef(p.oid), %(schema)s || '.', '')
          FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace""",
    "references out of the schema": """
        SELECT c.relname, k.conname, r.relnamespace::regnamespace::text
          FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
         WHERE c.relnamespace = %(schema)s::regnamespace AND r.relnamespace <> c.relnamespace""",
}


def plain(row):
    """PostgreSQL writes a list of texts with its casts in another place once it has read them again."""
    return re.sub(r"::(character varying|text)(\[\])?|[()]", "", repr(row))


def structure_of(schema):
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL search_path = "{schema}", public')
        for name, query in STRUCTURE.items():
            cursor.execute(query, {"schema": schema})
            found[name] = sorted(map(plain, cursor.fetchall()))
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'", [schema]
        )
        found["rows"] = []
        for table in sorted(row[0] for row in cursor.fetchall()):
            cursor.execute(f'SELECT count(*) FROM "{schema}"."{table}"')
            found["rows"].append((table, cursor.fetchone()[0]))
    return found


@pytest.mark.django_db
def test_a_copy_is_what_the_migrations_make(cafe):
    connection.set_schema_to_public()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA made_by_migrations")
    call_command("migrate_schemas", schema_name="made_by_migrations", interactive=False, verbosity=0)
    clone_schema(find_model_schema(), "made_by_copying")
    made, copied = structure_of("made_by_migrations"), structure_of("made_by_copying")
    for part in made:
        assert copied[part] == made[part], part
    assert made["references out of the schema"] == []
    assert {name for name, count in copied["rows"] if count} <= {*COPIED_TABLES}
    connection.set_tenant(cafe.cafe)


@pytest.mark.django_db
def test_a_copy_that_fails_leaves_nothing(cafe):
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA taken")
    with pytest.raises(Exception, match="already exists"):
        clone_schema(find_model_schema(), "taken")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'taken'::regnamespace")
        assert cursor.fetchone()[0] == 0
