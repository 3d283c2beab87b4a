"""The trail of changes: what many rows changed by one statement leave is what each of them alone would."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from customers.models import Customer, Tag
from customers.services import create_customer
from servaan_crm.core.actors import system
from servaan_crm.core.audit import audit_by_statement
from servaan_crm.core.db import write
from servaan_crm.core.models import AuditEntry

WHO = system("Sara")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _trail(table: str, since: int) -> list[tuple[Any, ...]]:
    rows = AuditEntry.objects.filter(table_name=table, pk__gt=since).order_by("pk")
    return list(rows.values_list("row_id", "action", "old", "new", "actor_name"))


def _now() -> int:
    return int(AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0)


@pytest.mark.parametrize("count", [1, 3, 400])
def test_one_statement_leaves_an_entry_per_row_that_changed(cafe: Any, count: int) -> None:
    begun = _now()
    with write(WHO):
        _run(
            "INSERT INTO customers_tag (id, name, color, created_at, updated_at)"
            f" SELECT gen_random_uuid(), 'tag ' || n, '#000000', now(), now() FROM generate_series(1, {count}) AS n"
        )
    entered = _trail("customers_tag", begun)
    ids = {tag.name: str(tag.pk) for tag in Tag.objects.all()}
    assert [(row, action, old, new["name"], by) for row, action, old, new, by in entered] == [
        (ids[f"tag {n}"], "insert", None, f"tag {n}", WHO.name) for n in range(1, count + 1)
    ]
    begun = _now()
    _run("UPDATE customers_tag SET updated_at = now() + interval '1 hour'")
    _run("UPDATE customers_tag SET color = '#FFFFFF' WHERE name = 'nothing like it'")
    assert _trail("customers_tag", begun) == []
    _run(
        "UPDATE customers_tag SET color = CASE WHEN name = 'tag 1' THEN '#FFFFFF' ELSE color END, updated_at = now()"
    )
    assert _trail("customers_tag", begun) == [
        (ids["tag 1"], "update", {"color": "#000000"}, {"color": "#FFFFFF"}, WHO.name)
    ]
    begun = _now()
    _run("DELETE FROM customers_tag")
    gone = _trail("customers_tag", begun)
    assert {(row, action, old["name"], new) for row, action, old, new, _by in gone} == {
        (pk, "delete", name, None) for name, pk in ids.items()
    }
    assert len(gone) == count


def test_every_changed_row_keeps_its_own_before_and_after(cafe: Any) -> None:
    """Pairs are made by key, whatever the planner was told about joins."""
    _run(
        "INSERT INTO customers_tag (id, name, color, created_at, updated_at)"
        " SELECT gen_random_uuid(), 'tag ' || n, '#000000', now(), now() FROM generate_series(1, 50) AS n"
    )
    names = {str(tag.pk): tag.name for tag in Tag.objects.all()}
    begun = _now()
    with write(WHO):
        _run("SET LOCAL enable_hashjoin = off")
        _run("SET LOCAL enable_mergejoin = off")
        _run("UPDATE customers_tag SET name = reverse(name)")
    trail = _trail("customers_tag", begun)
    assert {row: (old["name"], new["name"]) for row, _action, old, new, _by in trail} == {
        pk: (name, name[::-1]) for pk, name in names.items()
    }


def test_the_trail_is_that_of_the_changed_table(cafe: Any, other_cafe: Any) -> None:
    """Whoever writes with another search path leaves the entry where the row is."""
    guest = create_customer(actor=system("test"), phone="09121111111", name="سارا رضایی")
    begun = _now()
    mine, theirs = connection.ops.quote_name(cafe.cafe.schema_name), other_cafe.cafe.schema_name
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL search_path = {connection.ops.quote_name(theirs)}, public")
        cursor.execute(f"UPDATE {mine}.customers_customer SET city = 'شیراز' WHERE id = %s", [guest.pk])
        cursor.execute(f"SET LOCAL search_path = {mine}, public")
    assert [(row, old) for row, _action, old, _new, _by in _trail("customers_customer", begun)] == [
        (str(guest.pk), {"city": ""})
    ]


def test_a_cafe_of_an_earlier_version_gets_the_present_triggers(cafe: Any) -> None:
    """Its triggers wrote row by row; those it had, and no others, are replaced, with their key and their events."""
    triggers = (
        "SELECT c.relname, t.tgname, t.tgtype, t.tgargs::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " JOIN pg_proc p ON p.oid = t.tgfoid WHERE c.relnamespace = current_schema()::regnamespace"
        " AND p.proname LIKE 'core_audit_row%%' ORDER BY 1, 2"
    )
    with connection.cursor() as cursor:
        cursor.execute(triggers)
        present = cursor.fetchall()
        cursor.execute(
            "CREATE FUNCTION core_audit_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        )
        for table, events in (
            ("customers_visit", "UPDATE OR DELETE"),
            ("customers_tag", "INSERT OR UPDATE OR DELETE"),
        ):
            for event in events.lower().split(" or "):
                cursor.execute(f"DROP TRIGGER {table}_audit_{event} ON {table}")
            cursor.execute(
                f"CREATE TRIGGER {table}_audit AFTER {events} ON {table}"
                " FOR EACH ROW EXECUTE FUNCTION core_audit_row('id')"
            )
        with connection.schema_editor(atomic=False) as editor:
            audit_by_statement(None, editor)
        cursor.execute(triggers)
        assert cursor.fetchall() == present
        cursor.execute("SELECT to_regprocedure('core_audit_row()')")
        assert cursor.fetchone() == (None,)


def test_a_new_guest_is_in_the_trail_with_what_was_typed(cafe: Any) -> None:
    begun = _now()
    guest = create_customer(actor=WHO, phone="09121111111", name="سارا رضایی")
    (entry,) = _trail("customers_customer", begun)
    assert (entry[0], entry[1], entry[2], entry[4]) == (str(guest.pk), "insert", None, WHO.name)
    assert entry[3]["search_key"] == Customer.objects.values_list("search_key", flat=True).get()
