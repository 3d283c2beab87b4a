"""Visits from staging into the book: oldest first, numbered on from the guest's last visit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import translation
from django.utils.translation import gettext
from psycopg import sql

from customers.imports.inserts import insert_select
from customers.imports.staging import reject, table_of
from customers.imports.take_guests import Counts, by_index, guest_name
from customers.models import Customer, CustomerSummary, ImportJob, Visit
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.actors import Actor

# A bill is the same when it has the same number (or digest), at the same moment, at the same outlet. One that the
# undo of an import took back may come again; one that a person voided may not.
_KNOWN = (
    "EXISTS (SELECT 1 FROM customers_visit v WHERE v.visit_date = s.at AND v.order_reference = s.reference"
    " AND v.outlet_id = COALESCE(s.outlet, %(outlet)s) AND (v.voided_at IS NULL OR NOT EXISTS (SELECT 1 FROM"
    " customers_importundo u WHERE u.job_id = v.import_id AND u.started_at = v.voided_at)))"
)
_CHUNK = "s.pos > %(low)s AND s.pos <= %(high)s"
_GUEST = "c.phone = s.phone AND c.deleted_at IS NULL"

# What the guests' figures become with the visits just written.
_TOTALS = (
    "UPDATE customers_customersummary AS m SET total_visits = m.total_visits + a.n,"
    " last_visit_number = m.last_visit_number + a.n, lifetime_spent = m.lifetime_spent + a.spent,"
    " first_visit_at = least(m.first_visit_at, a.first), last_visit_at = greatest(m.last_visit_at, a.last)"
    " FROM (SELECT customer_id, count(*) AS n, sum(final_amount) AS spent, min(visit_date) AS first,"
    " max(visit_date) AS last FROM written GROUP BY 1) AS a WHERE m.customer_id = a.customer_id RETURNING 1"
)

PointsRule = Callable[[Actor, list[UUID]], None]
_points_rules: list[PointsRule] = []


def register_points(rule: PointsRule) -> None:
    """Let the loyalty room give points for imported visits, when the importer asked for them.

    ``rule`` gets the actor and the ids of the new visits of known guests, oldest first. It is called inside the
    transaction that wrote them, with the guests' rows locked.
    """
    _points_rules.append(rule)


def find_problems(job: ImportJob) -> None:
    """Reject the second row of one bill."""
    words: list[str] = []
    for language in ("fa", "en"):
        with translation.override(language):
            words.append(gettext("The same visit is in row %(row)s.").replace("%(row)s", "#"))
    reject(
        job.pk,
        "SELECT row, jsonb_build_array(jsonb_build_object('field', 'date',"
        " 'fa', replace(%s, '#', translate(first::text, '0123456789', '۰۱۲۳۴۵۶۷۸۹')),"
        " 'en', replace(%s, '#', first::text)))"
        " FROM (SELECT row, min(row) OVER (PARTITION BY reference, at, outlet) AS first FROM {table}"
        " WHERE reasons IS NULL) AS d WHERE row > first",
        words,
    )


def _default_outlet() -> UUID:
    outlets = Outlet.objects.filter(is_active=True).order_by("-is_default", "created_at")
    found: UUID = outlets.values_list("pk", flat=True)[0]
    return found


def classify(job: ImportJob, low: int, high: int) -> Counts:
    """Count the new and the known visits; a visit is never changed by an import."""
    rows = _run(
        job,
        f"SELECT count(*) FILTER (WHERE {_KNOWN}), count(*) FROM {{table}} s WHERE {_CHUNK}",
        {"low": low, "high": high, "outlet": _default_outlet()},
    )
    known, total = rows[0]
    return Counts(total - known, 0, known)


def take_over(job: ImportJob, low: int, high: int, actor: Actor) -> Counts:
    """Write the visits after ``low`` up to ``high``; the caller holds the transaction and the job."""
    params = {
        "low": low, "high": high, "outlet": _default_outlet(), "user": actor.user_id, "nameless": guest_name(),
        "job": job.pk,
    }  # fmt: skip
    by_index()
    # Guests first, numbers after, as everybody does who gives a guest back a number; then those entered since.
    _lock_known(job, params)
    _create_guests(job, params)
    _lock_known(job, params)
    created = _insert(job, params)
    if job.options.get("points"):
        _give_points(job, actor, params)
    rows = _run(job, f"SELECT count(*) FROM {{table}} s WHERE {_CHUNK}", params)[0][0]
    return Counts(created, 0, rows - created)


def _lock_known(job: ImportJob, params: dict[str, Any]) -> None:
    _run(
        job,
        "SELECT 1 FROM customers_customersummary m JOIN customers_customer c ON c.id = m.customer_id"
        f" WHERE c.deleted_at IS NULL AND c.phone IN (SELECT s.phone FROM {{table}} s WHERE {_CHUNK})"
        " ORDER BY c.id FOR NO KEY UPDATE OF c, m",
        params,
    )


def _create_guests(job: ImportJob, params: dict[str, Any]) -> None:
    """Enter unknown numbers; the guest is a member since the first of its visits."""
    columns = {
        "id": "s.id",
        "created_at": "s.at",
        "updated_at": "now()",
        "phone": "s.phone",
        "name": "COALESCE(s.name, replace(%(nameless)s, '#', right(s.phone, 4)))",
        "outlet_id": "COALESCE(s.outlet, %(outlet)s)",
        "created_by_id": "%(user)s",
        "updated_by_id": "%(user)s",
        "import_id": "%(job)s",
    }
    source = (
        " FROM (SELECT DISTINCT ON (s.phone) s.id, s.phone, s.outlet, first_value(s.name) OVER ("
        "PARTITION BY s.phone ORDER BY s.name IS NULL, s.pos) AS name,"
        f" min(s.at) OVER (PARTITION BY s.phone) AS at FROM {{table}} s WHERE {_CHUNK} AND s.phone IS NOT NULL"
        f" AND NOT EXISTS (SELECT 1 FROM customers_customer c WHERE {_GUEST}) ORDER BY s.phone, s.pos) AS s"
        " ON CONFLICT (phone) WHERE deleted_at IS NULL DO NOTHING RETURNING id"
    )
    statement = sql.SQL("WITH fresh AS ({guests}{source}) {summaries} FROM fresh").format(
        guests=insert_select(Customer, columns),
        source=_on(job, source),
        summaries=insert_select(CustomerSummary, {"customer_id": "fresh.id"}),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def _insert(job: ImportJob, params: dict[str, Any]) -> int:
    """Write the visits and add them to the guests' figures, in one statement."""
    columns = {
        "id": "s.id",
        "created_at": "now()",
        "updated_at": "now()",
        "customer_id": "s.customer_id",
        "visit_number": "CASE WHEN s.customer_id IS NOT NULL THEN s.last_visit_number"
        " + row_number() OVER (PARTITION BY s.customer_id ORDER BY s.pos) END",
        "visit_date": "s.at",
        "outlet_id": "COALESCE(s.outlet, %(outlet)s)",
        "visit_type": f"COALESCE(s.type, '{Visit.VisitType.DINE_IN}')",
        "table_number": "COALESCE(s.table_number, '')",
        "server_name": "COALESCE(s.server_name, '')",
        "items": "s.items",
        "item_count": "s.item_count",
        "total_amount": "s.total",
        "discount_amount": "s.discount",
        "payment_method": "COALESCE(s.payment, '')",
        "notes": "COALESCE(s.notes, '')",
        "order_reference": "s.reference",
        "created_by_id": "%(user)s",
        "import_id": "%(job)s",
    }
    source = (
        f" FROM (SELECT s.*, c.id AS customer_id, m.last_visit_number FROM {{table}} s LEFT JOIN"
        f" (customers_customer c JOIN customers_customersummary m ON m.customer_id = c.id) ON {_GUEST}"
        f" WHERE {_CHUNK} AND NOT {_KNOWN}) AS s RETURNING id, customer_id, visit_date, final_amount"
    )
    statement = sql.SQL(
        "WITH written AS ({visits}{source}), counted AS (" + _TOTALS + ") SELECT count(*) FROM written"
    ).format(visits=insert_select(Visit, columns), source=_on(job, source))
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.fetchone()[0])


def _give_points(job: ImportJob, actor: Actor, params: dict[str, Any]) -> None:
    rows = _run(
        job,
        "SELECT v.id FROM {table} s JOIN customers_visit v ON v.id = s.id"
        f" WHERE {_CHUNK} AND v.customer_id IS NOT NULL ORDER BY s.pos",
        params,
    )
    for rule in _points_rules:
        rule(actor, [row[0] for row in rows])


def _on(job: ImportJob, statement: str) -> sql.Composed:
    return sql.SQL(statement).format(table=sql.Identifier(table_of(job.pk)))


def _run(job: ImportJob, statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_on(job, statement), params)
        return cursor.fetchall()
