"""Guests from staging into the book: one chunk at a time, all of it SQL over the chunk."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import translation
from django.utils.translation import gettext
from psycopg import sql

from customers.imports.before import note_before
from customers.imports.inserts import insert_select
from customers.imports.staging import reject, table_of
from customers.models import ConsentChange, Customer, CustomerSummary, ImportJob, Tag
from servaan_crm.core.actors import Actor
from servaan_crm.messaging.services import block_waiting
from servaan_crm.tenancy.current import get_cafe

TEXTS = ("name", "name_english", "email", "gender", "notes", "address", "city", "postal_code")
DAYS = ("birthday", "anniversary")
# Of the server, for each of the workers that import at the same time.
SORTING_MEMORY = "64MB"
# c is the guest, s the row. What a row leaves empty changes nothing; a row can only take consent away, because
# a list from an old till must not sign a guest up again who opted out.
_TAG_MISSING = """EXISTS (SELECT 1 FROM jsonb_array_elements_text(s.tags) AS w(name) WHERE NOT EXISTS (
  SELECT 1 FROM customers_customer_tags x JOIN customers_tag t ON t.id = x.tag_id
   WHERE x.customer_id = c.id AND t.name = w.name))"""
_DIFFERS = " OR ".join(
    [
        *(f"s.{name} <> c.{name}" for name in TEXTS),
        *(f"s.{name} IS DISTINCT FROM c.{name} AND s.{name} IS NOT NULL" for name in DAYS),
        "s.allow_marketing IS FALSE AND c.allow_marketing",
        "s.custom IS NOT NULL AND NOT c.custom @> s.custom",
        f"s.tags IS NOT NULL AND {_TAG_MISSING}",
    ]
)
_KNOWN = "c.phone = s.phone AND c.deleted_at IS NULL"
_CHUNK = "s.row > %(low)s AND s.row <= %(high)s"


class Counts(NamedTuple):
    """What became of the good rows of a chunk."""

    created: int
    updated: int
    unchanged: int


def find_problems(job: ImportJob) -> None:
    """Reject every row but the first one of a number; the others may say something else about the guest."""
    with translation.override("fa"):
        persian = gettext("The same number is in row %(row)s.").replace("%(row)s", "#")
    with translation.override("en"):
        english = gettext("The same number is in row %(row)s.").replace("%(row)s", "#")
    reject(
        job.pk,
        "SELECT row, jsonb_build_array(jsonb_build_object('field', 'phone',"
        " 'fa', replace(%s, '#', translate(first::text, '0123456789', '۰۱۲۳۴۵۶۷۸۹')),"
        " 'en', replace(%s, '#', first::text)))"
        " FROM (SELECT row, min(row) OVER (PARTITION BY phone) AS first FROM {table}"
        " WHERE reasons IS NULL) AS d WHERE row > first",
        [persian, english],
    )


def classify(job: ImportJob, low: int, high: int) -> Counts:
    """Count what taking over the rows after ``low`` up to ``high`` would do; nothing is written."""
    differs = _DIFFERS if job.on_duplicate == ImportJob.OnDuplicate.UPDATE else "false"
    query = _on(
        job.pk,
        f"SELECT count(*) FILTER (WHERE c.id IS NULL), count(*) FILTER (WHERE c.id IS NOT NULL AND ({differs})),"
        f" count(*) FROM {{table}} s LEFT JOIN customers_customer c ON {_KNOWN} WHERE {_CHUNK}",
    )
    with connection.cursor() as cursor:
        cursor.execute(query, {"low": low, "high": high})
        created, updated, rows = cursor.fetchone()
    return Counts(created, updated, rows - created - updated)


def take_over(job: ImportJob, low: int, high: int, actor: Actor) -> Counts:
    """Write the rows after ``low`` up to ``high``; the caller holds the transaction and the job."""
    asked = _Asked(job, actor, {"low": low, "high": high, "user": actor.user_id, "by": actor.name})
    by_index()
    rows = asked.count("SELECT count(*) FROM {table} s WHERE " + _CHUNK)
    # Guests first, numbers after, as everybody does who gives a guest back a number.
    may_update = job.on_duplicate == ImportJob.OnDuplicate.UPDATE
    if may_update:
        asked.lock_known()
    created = asked.create()
    updated = asked.update() if may_update and created < rows else 0
    asked.note_consent()
    asked.put_tags(new_only=job.on_duplicate == ImportJob.OnDuplicate.SKIP)
    return Counts(created, updated, rows - created - updated)


def by_index() -> None:
    """Let the rest of this transaction find guests through indexes, and enter them into those for search in one go.

    A chunk is small beside the book; when all of its rows are known the planner would rather read the whole book,
    and that for every chunk. New guests wait in a list that is sorted into the trigram indexes when it is full:
    with too little memory that takes several rounds. Compiling is for statements that run for seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
            " set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),"
            " set_config('work_mem', %s, true)",
            [SORTING_MEMORY],
        )


def renew_statistics() -> None:
    """Tell the planner how many guests there are by now.

    It takes the book of a new café for empty until somebody counts, and would then walk through any index of it
    once per row. The server counts by itself, but a minute too late for an import.
    """
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE customers_customer, customers_customersummary")


def _on(job_id: UUID, statement: str) -> sql.Composed:
    return sql.SQL(statement).format(table=sql.Identifier(table_of(job_id)))


def guest_name() -> str:
    """Return the name of a guest who gave none, with # for the last digits of the number."""
    with translation.override(get_cafe().language):
        return gettext("Guest %(digits)s").replace("%(digits)s", "#")


class _Asked:
    """The statements of one chunk."""

    def __init__(self, job: ImportJob, actor: Actor, params: dict[str, Any]) -> None:
        self.job, self.actor = job, actor
        self.params = {**params, "nameless": guest_name(), "job": job.pk}

    def run(self, statement: str | sql.Composable) -> list[tuple[Any, ...]]:
        query = _on(self.job.pk, statement) if isinstance(statement, str) else statement
        with connection.cursor() as cursor:
            cursor.execute(query, self.params)
            return cursor.fetchall() if cursor.description else []

    def count(self, statement: str) -> int:
        return int(self.run(statement)[0][0])

    def create(self) -> int:
        """Enter the unknown numbers. A till that enters one of them at this moment wins; the row then updates."""
        columns = {
            "id": "s.id",
            "created_at": "now()",
            "updated_at": "now()",
            "phone": "s.phone",
            "name": "COALESCE(s.name, replace(%(nameless)s, '#', right(s.phone, 4)))",
            **{name: f"COALESCE(s.{name}, '')" for name in TEXTS if name != "name"},
            **{name: f"s.{name}" for name in DAYS},
            "allow_marketing": "COALESCE(s.allow_marketing, true)",
            "custom": "COALESCE(s.custom, '{}')",
            "outlet_id": "s.outlet",
            "created_by_id": "%(user)s",
            "updated_by_id": "%(user)s",
            "import_id": "%(job)s",
        }
        source = (
            " FROM {table} s WHERE " + _CHUNK + " AND NOT EXISTS (SELECT 1 FROM customers_customer c"
            f" WHERE {_KNOWN}) ORDER BY s.phone ON CONFLICT (phone) WHERE deleted_at IS NULL DO NOTHING RETURNING id"
        )
        statement = sql.SQL("WITH fresh AS ({guests}{source}), noted AS ({summaries} FROM fresh RETURNING 1)"
                            " SELECT count(*) FROM noted").format(
            guests=insert_select(Customer, columns),
            source=_on(self.job.pk, source),
            summaries=insert_select(CustomerSummary, {"customer_id": "fresh.id"}),
        )  # fmt: skip
        return int(self.run(statement)[0][0])

    def lock_known(self) -> None:
        """Lock the guests whose numbers are in the chunk."""
        self.run(
            f"SELECT 1 FROM customers_customer c JOIN {{table}} s ON {_KNOWN} WHERE {_CHUNK}"
            " ORDER BY c.id FOR NO KEY UPDATE OF c"
        )

    def update(self) -> int:
        """Write what the rows know better; those who lose their consent are noted first, with the old flag."""
        self.lock_known()  # with those a till has entered since
        self.run(note_before(_KNOWN, _CHUNK, _DIFFERS))
        self._withdraw()
        assignments = ", ".join(f"{name} = COALESCE(s.{name}, c.{name})" for name in (*TEXTS, *DAYS))
        return self.count(
            f"WITH done AS (UPDATE customers_customer AS c SET {assignments},"
            " custom = c.custom || COALESCE(s.custom, '{{}}'),"
            " allow_marketing = c.allow_marketing AND s.allow_marketing IS NOT FALSE,"
            " version = c.version + 1, updated_at = now(), updated_by_id = %(user)s"
            f" FROM {{table}} s WHERE {_CHUNK} AND {_KNOWN} AND c.id <> s.id AND ({_DIFFERS}) RETURNING 1)"
            " SELECT count(*) FROM done"
        )

    def _withdraw(self) -> None:
        if "allow_marketing" not in self.job.mapping.values():
            return
        gone = self.run(
            "INSERT INTO customers_consentchange (customer_id, channel, granted, source, actor_name, note, at)"
            f" SELECT c.id, 'all', false, '{ConsentChange.Source.IMPORT}', %(by)s, '', now()"
            f" FROM customers_customer c JOIN {{table}} s ON {_KNOWN} WHERE {_CHUNK} AND c.id <> s.id"
            " AND s.allow_marketing IS FALSE AND c.allow_marketing RETURNING customer_id"
        )
        for (customer_id,) in gone:
            block_waiting(customer_id=customer_id, reason=gettext("The guest wants no offers."), channel=None)

    def note_consent(self) -> None:
        """Note what a new guest answered."""
        if "allow_marketing" not in self.job.mapping.values():
            return
        self.run(
            "INSERT INTO customers_consentchange (customer_id, channel, granted, source, actor_name, note, at)"
            f" SELECT s.id, 'all', s.allow_marketing, '{ConsentChange.Source.IMPORT}', %(by)s, '', now()"
            f" FROM {{table}} s JOIN customers_customer c ON c.id = s.id WHERE {_CHUNK}"
            " AND s.allow_marketing IS NOT NULL"
        )

    def put_tags(self, *, new_only: bool) -> None:
        """Put the tags on; those the guest has stay, unknown ones are made."""
        if "tags" not in self.job.mapping.values():
            return
        words = (
            f" FROM {{table}} s JOIN customers_customer c ON {_KNOWN}{' AND c.id = s.id' if new_only else ''}"
            f" CROSS JOIN LATERAL jsonb_array_elements_text(s.tags) AS w(name) WHERE {_CHUNK}"
            " AND s.tags IS NOT NULL"
        )
        names = _on(
            self.job.pk,
            " FROM (SELECT DISTINCT w.name" + words + " ORDER BY 1) AS w ON CONFLICT (name) DO NOTHING",
        )
        columns = {"id": "gen_random_uuid()", "name": "w.name", "created_at": "now()", "updated_at": "now()"}
        self.run(insert_select(Tag, columns) + names)
        # Nobody deletes one of them before this commits.
        self.run(
            "SELECT 1 FROM customers_tag WHERE name IN (SELECT w.name" + words + ") ORDER BY id FOR KEY SHARE"
        )
        self.run(
            "INSERT INTO customers_customer_tags (customer_id, tag_id) SELECT c.id, t.id"
            + words.replace(" WHERE ", " JOIN customers_tag t ON t.name = w.name WHERE ", 1)
            + " ON CONFLICT DO NOTHING"
        )
