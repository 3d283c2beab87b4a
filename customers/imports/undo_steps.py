"""One chunk of the undo of an import: a few statements over all of it. The caller holds the undo's row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext

from customers.imports.before import CUSTOM, DAYS, TEXTS
from customers.imports.take_guests import by_index
from customers.imports.undo_reasons import EDITED, reasons_sql
from customers.models import ConsentChange, ImportKept, ImportUndo
from servaan_crm.core.actors import Actor
from servaan_crm.tenancy.current import get_cafe

CHUNK = 5_000
What = ImportKept.What

PointsReversal = Callable[[Actor, list[UUID]], None]
_reversals: list[PointsReversal] = []

_TOUCH = "version = c.version + 1, updated_at = now(), updated_by_id = %(user)s"
_UNTAG = """
DELETE FROM customers_customer_tags AS l USING customers_importchange ch, customers_tag t, customers_customer c
 WHERE ch.job_id = %(job)s AND ch.customer_id = ANY(%(ids)s) AND l.customer_id = ch.customer_id AND l.tag_id = t.id
   AND c.id = ch.customer_id AND c.deleted_at IS NULL AND ch.tags @> to_jsonb(t.name)
RETURNING l.customer_id
"""
# A yes comes back only while the last word on it is the no of a file: nobody is signed up against a later answer.
_LAST_WORD = f"""COALESCE((SELECT h.source = '{ConsentChange.Source.IMPORT}' AND NOT h.granted
  FROM customers_consentchange h WHERE h.customer_id = c.id AND h.channel = 'all' ORDER BY h.id DESC LIMIT 1), false)"""
_BACK = f"""
WITH judged AS (
    SELECT c.id, v.key, v.value -> 0 AS old,
           CASE WHEN v.key LIKE '{CUSTOM}%%' THEN c.custom -> substr(v.key, {len(CUSTOM) + 1})
                ELSE to_jsonb(c) -> v.key END IS NOT DISTINCT FROM v.value -> 1
           AND (v.key <> 'allow_marketing' OR {_LAST_WORD}) AS same
      FROM customers_importchange ch JOIN customers_customer c ON c.id = ch.customer_id
           CROSS JOIN LATERAL jsonb_each(ch."values") AS v
     WHERE ch.job_id = %(job)s AND ch.customer_id = ANY(%(ids)s) AND c.deleted_at IS NULL),
back AS (
    SELECT c.id, COALESCE(jsonb_object_agg(j.key, j.old) FILTER (WHERE j.same), '{{}}') AS old,
           COALESCE(jsonb_object_agg(substr(j.key, {len(CUSTOM) + 1}), j.old)
                    FILTER (WHERE j.same AND j.key LIKE '{CUSTOM}%%'), '{{}}') AS own,
           jsonb_agg(j.key ORDER BY j.key) FILTER (WHERE NOT j.same) AS lost
      FROM customers_customer c LEFT JOIN judged j ON j.id = c.id
     WHERE c.id = ANY(%(ids)s) AND c.deleted_at IS NULL GROUP BY c.id),
told AS (
    INSERT INTO customers_importkept (undo_id, what, row_id, reasons)
    SELECT %(undo)s, '{What.VALUES}', id, lost FROM back WHERE lost IS NOT NULL RETURNING 1),
agreed AS (
    INSERT INTO customers_consentchange (customer_id, channel, granted, source, actor_name, note, at)
    SELECT id, 'all', true, '{ConsentChange.Source.STAFF}', %(by)s, %(note)s, now() FROM back
     WHERE (old ->> 'allow_marketing')::boolean),
written AS (
    UPDATE customers_customer AS c SET {", ".join(f"{n} = COALESCE(b.old ->> '{n}', c.{n})" for n in TEXTS)},
           {", ".join(f"{n} = CASE WHEN b.old ? '{n}' THEN (b.old ->> '{n}')::date ELSE c.{n} END" for n in DAYS)},
           allow_marketing = COALESCE((b.old ->> 'allow_marketing')::boolean, c.allow_marketing),
           custom = (c.custom - ARRAY(SELECT jsonb_object_keys(b.own))) || jsonb_strip_nulls(b.own), {_TOUCH}
      FROM back b WHERE b.id = c.id AND (b.old <> '{{}}' OR c.id = ANY(%(untagged)s)) RETURNING 1)
SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM told), (SELECT count(*) FROM back)
"""
_VOID = f"""
WITH mine AS (SELECT id, voided_at IS NULL AS counts, updated_at = created_at AS untouched
                FROM customers_visit WHERE id = ANY(%(ids)s)),
voided AS (
    UPDATE customers_visit AS v SET voided_at = %(at)s, voided_by_id = %(user)s, void_reason = %(note)s,
           updated_at = now() FROM mine m WHERE m.id = v.id AND m.counts AND m.untouched RETURNING v.id),
told AS (
    INSERT INTO customers_importkept (undo_id, what, row_id, reasons)
    SELECT %(undo)s, '{What.VISIT}', id, '["{EDITED}"]' FROM mine WHERE counts AND NOT untouched RETURNING 1)
SELECT (SELECT COALESCE(array_agg(id ORDER BY id), '{{}}') FROM voided), (SELECT count(*) FROM told)
"""
_RECOUNT = """
UPDATE customers_customersummary AS m
   SET total_visits = a.visits, lifetime_spent = a.spent, first_visit_at = a.first, last_visit_at = a.last
  FROM (SELECT g.id, count(v.id) AS visits, COALESCE(sum(v.final_amount), 0) AS spent, min(v.visit_date) AS first,
               max(v.visit_date) AS last
          FROM unnest(%(owners)s::uuid[]) AS g(id)
               LEFT JOIN customers_visit v ON v.customer_id = g.id AND v.voided_at IS NULL GROUP BY 1) AS a
 WHERE m.customer_id = a.id
"""
_OWNERS = (
    "SELECT DISTINCT customer_id FROM customers_visit WHERE id = ANY(%(ids)s) AND customer_id IS NOT NULL"
)
_LOCK_OWNERS = """
SELECT c.id FROM customers_customer c JOIN customers_customersummary m ON m.customer_id = c.id
 WHERE c.id = ANY(%(owners)s) ORDER BY c.id FOR NO KEY UPDATE OF c, m
"""
_TAKE_BACK = """
WITH judged AS (SELECT c.id, {reasons} AS reasons FROM customers_customer c
                 WHERE c.id = ANY(%(ids)s) AND c.deleted_at IS NULL),
told AS (
    INSERT INTO customers_importkept (undo_id, what, row_id, reasons)
    SELECT %(undo)s, 'guest', id, to_jsonb(reasons) FROM judged WHERE cardinality(reasons) > 0 RETURNING 1),
gone AS (
    UPDATE customers_customer AS c SET deleted_at = now(), {touch} FROM judged j
     WHERE j.id = c.id AND cardinality(j.reasons) = 0 RETURNING 1)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM told)
"""


def register_points_reversal(rule: PointsReversal) -> None:
    """Let a room above take points back for visits that an undo voided.

    ``rule`` gets the actor and the ids of voided visits. It is called inside the transaction that voided them, with
    the guests' rows and summaries locked and their figures counted again.
    """
    _reversals.append(rule)


def restore_values(undo: ImportUndo, actor: Actor) -> bool:
    """Give guests who were there before their earlier values where nobody changed them since; False at the end."""
    ids = _next(undo, "SELECT customer_id FROM customers_importchange WHERE job_id = %(job)s", "customer_id")
    if not ids:
        return False
    _lock_guests(ids, "NO KEY UPDATE")
    params = _params(undo, actor, ids)
    params["untagged"] = sorted({row[0] for row in _rows(_UNTAG, params)})
    written, told, present = _rows(_BACK, params)[0]
    undo.guests_restored += written
    undo.kept += told
    undo.gone += len(ids) - present
    return True


def void_visits(undo: ImportUndo, actor: Actor) -> bool:
    """Void visits that nobody touched since, with their points, and count their guests' figures again."""
    ids = _next(undo, "SELECT id FROM customers_visit WHERE import_id = %(job)s", "id")
    if not ids:
        return False
    owners = _lock_owners(ids)
    params = _params(undo, actor, ids)
    voided, told = _rows(_VOID, params)[0]
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, {"owners": owners})
    for reverse in _reversals:
        reverse(actor, voided)
    undo.visits_voided += len(voided)
    undo.kept += told
    undo.gone += len(ids) - len(voided) - told
    return True


def take_guests_back(undo: ImportUndo, actor: Actor) -> bool:
    """Soft-delete guests the import entered who left no trace since; the others stay, with the reasons."""
    ids = _next(undo, "SELECT id FROM customers_customer WHERE import_id = %(job)s", "id")
    if not ids:
        return False
    # Unlike other changes of a guest this one also waits for, and holds off, rows that refer to it.
    _lock_guests(ids, "UPDATE")
    statement = _TAKE_BACK.format(reasons=reasons_sql(), touch=_TOUCH)
    removed, told = _rows(statement, _params(undo, actor, ids))[0]
    undo.guests_removed += removed
    undo.kept += told
    undo.gone += len(ids) - removed - told
    return True


def _next(undo: ImportUndo, select: str, key: str) -> list[UUID]:
    """Return the next ids after the cursor, and move it there.

    Ids are ordered by time, so those of an import lie together behind the moment of its upload: no index is needed.
    """
    by_index()
    after = undo.cursor or (UUID(int=0) if undo.phase == ImportUndo.Phase.VALUES else _floor(undo))
    rows = _rows(
        f"{select} AND {key} > %(after)s ORDER BY {key} LIMIT %(limit)s",
        {"job": undo.job_id, "after": after, "limit": CHUNK},
    )
    ids = [row[0] for row in rows]
    undo.cursor = ids[-1] if ids else undo.cursor
    return ids


def _floor(undo: ImportUndo) -> UUID:
    """Return the smallest id of version 7 a row of the import can have; a minute for clocks that differ."""
    milliseconds = int(undo.job.created_at.timestamp() * 1000) - 60_000
    return UUID(int=milliseconds << 80)


def _params(undo: ImportUndo, actor: Actor, ids: Sequence[UUID]) -> dict[str, Any]:
    with translation.override(get_cafe().language):
        note = gettext("Undo of the import “%(file)s”") % {"file": undo.job.file_name[:100]}
    return {
        "job": undo.job_id, "undo": undo.pk, "ids": list(ids), "user": actor.user_id, "by": actor.name,
        "note": note, "at": undo.started_at,
    }  # fmt: skip


def _lock_guests(ids: Sequence[UUID], strength: str) -> None:
    _rows(
        f"SELECT id FROM customers_customer WHERE id = ANY(%(ids)s) ORDER BY id FOR {strength}",
        {"ids": list(ids)},
    )


def _lock_owners(ids: Sequence[UUID]) -> list[UUID]:
    """Lock the guests of these visits, then the visits; returns the guests.

    A merge or a move may give visits to another guest while this waits: then the locks go back, and all are taken
    anew. To hold some guests and wait for another out of order is half of a deadlock.
    """
    params = {"ids": list(ids)}
    while True:
        owners = {row[0] for row in _rows(_OWNERS, params)}
        attempt = transaction.savepoint()
        _rows(_LOCK_OWNERS, {"owners": sorted(owners)})
        if {row[0] for row in _rows(_OWNERS, params)} <= owners:
            transaction.savepoint_commit(attempt)
            break
        transaction.savepoint_rollback(attempt)
    _rows("SELECT id FROM customers_visit WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE", params)
    return sorted(owners)


def _rows(statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
