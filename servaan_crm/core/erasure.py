"""Taking a person's words out of what is otherwise kept for good: the trail of changes, events, stored answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

# The keys stay, so that one still sees what kind of thing was changed, when and by whom.
_SCRUB = """
UPDATE core_auditentry AS e
   SET old = (SELECT jsonb_object_agg(key, CASE WHEN key = ANY(%(keep)s) THEN value ELSE 'null' END)
                FROM jsonb_each(e.old)),
       new = (SELECT jsonb_object_agg(key, CASE WHEN key = ANY(%(keep)s) THEN value ELSE 'null' END)
                FROM jsonb_each(e.new))
 WHERE table_name = %(table)s AND row_id = ANY(%(rows)s)
"""
_FORGET_EVENTS = """
UPDATE core_event
   SET payload = payload - 'phone' - 'sender' - 'body', last_error = ''
 WHERE payload ->> 'customer_id' = ANY(%(ids)s)
    OR right(payload ->> 'sender', 10) = ANY(%(digits)s)
"""
_FORGET_ANSWERS = """
UPDATE core_idempotencyrecord SET body = '{"success": true, "data": {}}' WHERE body LIKE ANY(%s)
"""


@contextmanager
def erasing() -> Iterator[None]:
    """Let words be taken out of tables that otherwise only grow, within the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('servaan.erasing', 'yes', true)")
        yield
        cursor.execute("SELECT set_config('servaan.erasing', '', true)")


def scrub_trail(table: str, row_ids: Iterable[object], *, keep: Collection[str] = ()) -> None:
    """Empty the values that the trail of changes remembers of these rows; columns in ``keep`` stay as they are.

    Call it last in the transaction that erases: the erasing itself leaves entries too.
    """
    rows = [str(row_id) for row_id in row_ids]
    if not rows:
        return
    with erasing(), connection.cursor() as cursor:
        cursor.execute(_SCRUB, {"keep": list(keep), "table": table, "rows": rows})


def forget_in_flight(customer_ids: Iterable[object], phones: Iterable[str], words: Iterable[str]) -> None:
    """Take guests out of events and of answers kept for repeated requests; both are cleared by age anyway.

    Args:
        phones: their numbers (E.164); ``words``: what else tells who they are, such as names and ids.
    """
    ids = [str(pk) for pk in customer_ids]
    numbers = list(phones)
    patterns = [f"%{_escaped(word)}%" for word in [*ids, *words] if len(word) > 2]
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_EVENTS, {"ids": ids, "digits": [number[-10:] for number in numbers]})
        cursor.execute(_FORGET_ANSWERS, [patterns])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
