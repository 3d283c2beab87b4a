"""The staging table of a job: unlogged, in the café's schema, gone when the job is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import islice
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone
from psycopg import sql

from customers.imports.jobs import Claim
from customers.imports.limits import KEEP_STAGED_DAYS, MAX_ROWS, STAGE_BATCH
from customers.imports.rows import UNIT, RowReader
from customers.imports.sources import Source
from customers.models import ImportJob

PREFIX = "import_rows_"


def table_of(job_id: UUID) -> str:
    """Return the name of the job's staging table."""
    return f"{PREFIX}{job_id.hex}"


def exists(job_id: UUID) -> bool:
    """Say whether the staging table is there; PostgreSQL empties an unlogged one after a crash, never drops it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table_of(job_id)])
        return bool(cursor.fetchone()[0])


def drop(job_id: UUID) -> None:
    """Remove the staging table, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table_of(job_id))))


def create(job_id: UUID, columns: Mapping[str, str]) -> None:
    """Make an empty staging table with ``columns`` (name → type)."""
    drop(job_id)
    kinds = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE UNLOGGED TABLE {} (row integer NOT NULL, id uuid NOT NULL, raw text NOT NULL, {},"
                " pos integer) WITH (autovacuum_enabled = false)"
            ).format(sql.Identifier(table_of(job_id)), kinds)
        )


def fill(claim: Claim, source: Source, reader: RowReader) -> int:
    """Copy the rows of ``source`` into staging, a batch per transaction; returns how many there are.

    Raises:
        Superseded: another worker took the job over.
        Cancelled: somebody cancelled it.
        UnreadableFile: the file turns out to be damaged, or has too many rows.
    """
    names = ("row", "id", "raw", *reader.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table_of(claim.job_id)), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    rows, total, line = iter(source), 0, reader.line
    while batch := [line(number, cells) for number, cells in islice(rows, STAGE_BATCH)]:
        total += len(batch)
        if total > MAX_ROWS:
            raise claim.too_many_rows(MAX_ROWS)
        with claim.step() as job, connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                copy.write("\n".join(batch) + "\n")
            share = source.share_read()
            job.staged = total
            job.rejected = reader.rejected
            job.total_rows = max(total, int(total / share)) if share else total
    return total


def reject(job_id: UUID, reason_sql: str, params: Iterable[str] = ()) -> int:
    """Put ``reason_sql`` (FROM-less SQL of ``SELECT row, reason``) as the reasons of rows that have none.

    The statement may name the staging table as ``{table}``. Returns how many rows it hit.
    """
    table = sql.Identifier(table_of(job_id))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {table} AS t SET reasons = found.reason FROM ("
                + reason_sql
                + ") AS found(row, reason) WHERE t.row = found.row AND t.reasons IS NULL"
            ).format(table=table),
            list(params),
        )
        return int(cursor.rowcount)


def move_rejects(job_id: UUID) -> int:
    """Move the rows with reasons from staging to the job's rejects, for the report; returns how many."""
    table = sql.Identifier(table_of(job_id))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM customers_importreject WHERE job_id = %s", [job_id])
        cursor.execute(
            sql.SQL(
                "WITH gone AS (DELETE FROM {table} WHERE reasons IS NOT NULL RETURNING row, reasons, raw)"
                " INSERT INTO customers_importreject (job_id, row_number, reasons, raw)"
                " SELECT %s, row, reasons, to_jsonb(string_to_array(raw, %s)) FROM gone ORDER BY row"
            ).format(table=table),
            [job_id, UNIT],
        )
        return int(cursor.rowcount)


def number_rows(job_id: UUID, order: str) -> None:
    """Give every row its place in the order in which chunks are taken."""
    table = sql.Identifier(table_of(job_id))
    key = sql.Identifier(f"import_pos_{job_id.hex}")
    with connection.cursor() as cursor:
        if order == "row":
            cursor.execute(sql.SQL("CREATE INDEX {} ON {} (row)").format(key, table))
        else:
            cursor.execute(
                sql.SQL(
                    "UPDATE {table} AS t SET pos = s.pos FROM (SELECT row, row_number() OVER (ORDER BY "
                    + order
                    + ", row) AS pos FROM {table}) AS s WHERE s.row = t.row"
                ).format(table=table)
            )
            cursor.execute(sql.SQL("CREATE INDEX {} ON {} (pos)").format(key, table))
        cursor.execute(sql.SQL("ANALYZE {}").format(table))


def drop_unused() -> int:
    """Drop staging tables nobody needs: of jobs that ended, went, or were left alone; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = current_schema() AND c.relkind = 'r' AND starts_with(relname, %s)",
            [PREFIX],
        )
        tables = {UUID(name[len(PREFIX) :]) for (name,) in cursor.fetchall()}
    old = timezone.now() - timedelta(days=KEEP_STAGED_DAYS)
    busy = ImportJob.objects.filter(pk__in=tables, status__in=("checking", "pending", "running"))
    waiting = ImportJob.objects.filter(pk__in=tables, status="checked", updated_at__gt=old)
    unused = tables - set(busy.values_list("pk", flat=True)) - set(waiting.values_list("pk", flat=True))
    for job_id in unused:
        ImportJob.objects.filter(pk=job_id).update(is_staged=False)
        drop(job_id)
    return len(unused)


def new_claim() -> UUID:
    """Return the mark a worker puts on the job it takes."""
    return uuid4()
