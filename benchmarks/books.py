"""The book as a file: taking guests over and giving them out, against ``COPY`` of the same rows in the same run."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import connection, connections
from django_tenants.utils import tenant_context
from psycopg import sql

from benchmarks.cafe import BenchRefusal
from customers.exports.http import export_response
from customers.imports.run import run_import
from customers.imports.services import start, upload
from customers.models import Customer, ImportJob
from customers.selectors.customers import CustomerList, all_customers
from servaan_crm.core.actors import system
from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import create_cafe, drop_cafe

SLUG = "bench-file"
PEER = "bench_peer"
ACTOR = system("benchmark")
BLOCK = 1 << 20
HEADS = "موبایل,نام,ایمیل,تاریخ تولد,شهر,یادداشت"
FIRST = ("سارا", "علی", "مریم", "رضا", "نگار", "حسین", "زهرا", "امیر", "لیلا", "کاوه", "پریسا", "بهرام")
LAST = ("رضایی", "کریمی", "محمدی", "احمدی", "موسوی", "جعفری", "صادقی", "رحیمی", "کاظمی", "نوری", "اکبری")
CITIES = ("تهران", "شیراز", "اصفهان", "تبریز", "مشهد", "")
NOTES = ("", "", "", "قهوه بدون شکر", "میز کنار پنجره", "شیر بادام")


def measure(rows: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Import a file of ``rows`` guests into an empty café, export them, and do both by ``COPY``.

    Returns one mapping per case: ``what``, ``seconds``, ``raw``, ``ratio``, ``megabytes`` (growth of the process)
    and, for exports, ``first_ms`` and ``guests_ms``: when the first byte and the first guests came.

    Raises:
        BenchRefusal: the import did not take every row over.
    """
    with tempfile.TemporaryDirectory() as folder, _empty_cafe() as cafe:
        path = Path(folder) / "guests.csv"
        write_file(path, rows)
        say(f"importing {rows:,} rows")
        found = [_import(cafe, path, rows)]
        say("exporting them")
        found += [_export(cafe, name, rows) for name in ("csv", "xlsx")]
    for case in found:
        say(_line(case))
    return found


def write_file(path: Path, rows: int) -> None:
    """Write a CSV file of ``rows`` guests with different numbers, in no order, and what guests' rows hold."""
    draws = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADS + "\n")
        for number in range(rows):
            digits = f"{number * 7_368_787 % 10_000_000:07}"
            name = f"{draws.choice(FIRST)} {draws.choice(LAST)}"
            day = f"{draws.randint(1340, 1385)}/{draws.randint(1, 12):02}/{draws.randint(1, 29):02}"
            mail = f"g{digits}@example.com" if number % 4 == 0 else ""
            file.write(f"0912{digits},{name},{mail},{day},{draws.choice(CITIES)},{draws.choice(NOTES)}\n")


@contextmanager
def _empty_cafe() -> Iterator[Cafe]:
    connection.set_schema_to_public()  # type: ignore[attr-defined]  # other measurements leave their café behind
    old = Cafe.objects.filter(slug=SLUG).first()
    if old is not None:
        if "benchmark_file" not in old.settings:
            raise BenchRefusal(f"there is a café called {SLUG} that no benchmark made; use another database")
        drop_cafe(old)
    cafe = create_cafe(slug=SLUG, name="کافه پرونده")
    cafe.settings = {"benchmark_file": True}
    cafe.save(update_fields=["settings"])
    try:
        yield cafe
    finally:
        drop_cafe(cafe)


def apart(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do ``work`` in a process of its own; adds by how many megabytes that process grew."""
    fork = multiprocessing.get_context("fork")
    mine, theirs = fork.Pipe(duplex=False)
    connections.close_all()  # the child must not inherit them

    def run() -> None:
        before = _peak()
        found = work()
        theirs.send({**found, "megabytes": round((_peak() - before) / 1024, 1)})

    process = fork.Process(target=run)
    process.start()
    theirs.close()
    try:
        answer: dict[str, Any] = mine.recv()
    except EOFError:
        raise BenchRefusal("the measured process failed") from None
    finally:
        process.join()
    return answer


def _peak() -> int:
    """The most memory this process ever had, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def _import(cafe: Cafe, path: Path, rows: int) -> dict[str, Any]:
    def work() -> dict[str, Any]:
        with tenant_context(cafe), use_locale(cafe.locale):
            with path.open("rb") as file:
                given = UploadedFile(file, name=path.name, size=path.stat().st_size)
                job = upload(actor=ACTOR, file=given)
            begun = time.perf_counter()
            start(actor=ACTOR, job_id=job.pk, mapping=job.mapping, commit=True)
            run_import(job.pk)
            seconds = time.perf_counter() - begun
            job = ImportJob.objects.get(pk=job.pk)
            job.file.delete(save=False)
            if job.created != rows:
                raise BenchRefusal(f"{job.status}: {job.created} of {rows} rows: {job.error}")
            return {"seconds": seconds}

    found = apart(work)
    with tenant_context(cafe):
        raw = _copy_in(path.with_suffix(".copy"))
    return {"what": "import CSV", **_rates(found["seconds"], raw, rows), "megabytes": found["megabytes"]}


def _copy_in(path: Path) -> float:
    """Seconds of ``COPY`` of the same guests into an empty table with the same columns and indexes."""
    stored = [str(field.column) for field in Customer._meta.concrete_fields if not field.generated]
    columns = sql.SQL(", ").join(map(sql.Identifier, stored))
    peer = sql.Identifier(PEER)
    with connection.cursor() as cursor:
        cursor.execute("SET client_encoding = 'UTF8'")
        with (
            path.open("wb") as file,
            cursor.copy(sql.SQL("COPY customers_customer ({}) TO STDOUT").format(columns)) as rows,
        ):
            for block in rows:
                file.write(block)
        cursor.execute(sql.SQL("CREATE TABLE {} (LIKE customers_customer INCLUDING ALL)").format(peer))
        begun = time.perf_counter()
        with (
            path.open("rb") as file,
            cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(peer, columns)) as copy,
        ):
            while block := file.read(BLOCK):
                copy.write(block)
        seconds = time.perf_counter() - begun
        cursor.execute(sql.SQL("DROP TABLE {}").format(peer))
    return seconds


def _export(cafe: Cafe, format_name: str, rows: int) -> dict[str, Any]:
    def work() -> dict[str, Any]:
        with tenant_context(cafe), use_locale(cafe.locale):
            begun = time.perf_counter()
            found = CustomerList(all_customers(), is_everybody=True)
            answer = export_response(actor=ACTOR, found=found, format_name=format_name, asked={})
            pieces: Any = answer.streaming_content
            next(pieces)
            first = time.perf_counter() - begun
            next(pieces)
            guests = time.perf_counter() - begun
            for _piece in pieces:
                pass
            return {"seconds": time.perf_counter() - begun, "first_ms": round(first * 1000),
                    "guests_ms": round(guests * 1000)}  # fmt: skip

    found = apart(work)
    with tenant_context(cafe):
        raw = _copy_out()
    figures = _rates(found.pop("seconds"), raw, rows)
    return {"what": f"export {format_name.upper()}", **figures, **found}


def _copy_out() -> float:
    """Seconds of ``COPY TO`` of the same guests with their summaries."""
    with connection.cursor() as cursor:
        begun = time.perf_counter()
        with cursor.copy(
            "COPY (SELECT c.phone, c.name, c.name_english, c.email, c.gender, c.birthday, c.anniversary, c.status,"
            " c.city, c.address, c.postal_code, c.allow_marketing, s.segment, s.tier, s.points, s.total_visits,"
            " s.lifetime_spent, s.first_visit_at, s.last_visit_at, c.created_at, c.notes"
            " FROM customers_customer c JOIN customers_customersummary s ON s.customer_id = c.id"
            " WHERE c.deleted_at IS NULL) TO STDOUT (FORMAT csv)"
        ) as copy:
            for _block in copy:
                pass
        return time.perf_counter() - begun


def _rates(seconds: float, raw: float, rows: int) -> dict[str, Any]:
    return {
        "rows": rows, "seconds": round(seconds, 2), "per_second": round(rows / seconds), "raw": round(raw, 2),
        "raw_per_second": round(rows / raw), "ratio": round(seconds / raw, 2),
    }  # fmt: skip


def _line(case: dict[str, Any]) -> str:
    first = f", first byte {case['first_ms']} ms, guests {case['guests_ms']} ms" if "first_ms" in case else ""
    return (
        f"{case['what']:<12}{case['rows']:>10,} rows {case['seconds']:>8.1f} s {case['per_second']:>9,}/s"
        f"   COPY {case['raw']:>7.1f} s {case['raw_per_second']:>9,}/s   {case['ratio']:>5.2f} x"
        f"   grew {case['megabytes']:.0f} MB{first}"
    )
