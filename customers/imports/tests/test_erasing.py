"""An erased guest is in no stored byte of any upload, and no import brings the guest back."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from openpyxl import Workbook

from customers.imports import services, staging
from customers.imports.run import run_import
from customers.imports.tests.helpers import ACTOR, check, commit, upload
from customers.models import Customer, ImportChange, ImportJob
from customers.services import create_customer
from customers.services.privacy import erase_customer

MARK, PHONE = "زمرداندیش", "09127654321"
ARABIC = MARK.replace("ی", "ي")  # Windows-1256 knows no other
ROWS = [f"{MARK} یک,۰۹۱۲ ۷۶۵ ۴۳۲۱", "علی کریمی,09121111111"]
CSV = "نام,موبایل\n" + "\n".join(ROWS) + "\n"
OTHERS = "نام,موبایل\nعلی کریمی,09121111111\n"


def _sheet() -> bytes:
    book, stream = Workbook(), io.BytesIO()
    for row in (["نام", "موبایل"], [MARK, 9127654321.0], ["علی کریمی", 9121111111.0]):
        book.worksheets[0].append(row)
    book.save(stream)
    return stream.getvalue()


def stored_bytes() -> bytes:
    """Everything in the café's folder of uploads; archives unpacked."""
    found = b""
    for path in Path(default_storage.location).rglob("*"):
        if path.is_file():
            found += path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    found += b"".join(archive.read(name) for name in archive.namelist())
    return found


def tells(raw: bytes) -> list[str]:
    """What of the guest is in the bytes, in the ways a file can hold it."""
    forms = [MARK, ARABIC, "7654321", "۰۹۱۲ ۷۶۵ ۴۳۲۱"]
    return [
        form for form in forms for encoding in ("utf-8", "utf-16-le", "cp1256") if _holds(raw, form, encoding)
    ]


def _holds(raw: bytes, form: str, encoding: str) -> bool:
    try:
        return form.encode(encoding) in raw
    except UnicodeEncodeError:  # a file in this encoding cannot hold it
        return False


def rows_that_tell() -> list[str]:
    """Tables of the café, staging too, that still hold a word or the number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        found = []
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text ~ %s', [f"{MARK}|7654321|۷۶۵ ?۴۳۲۱|654-3211"]
            )
            found += [table] if cursor.fetchone()[0] else []
        return found


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def test_no_stored_byte_tells_of_an_erased_guest(cafe: Any, media: Path) -> None:
    guest = create_customer(actor=ACTOR, phone=PHONE, name=f"{MARK} دیرین")
    done = commit(upload(CSV))
    assert done.updated == 1
    windows = commit(upload(f"نام,موبايل\n{ARABIC},{PHONE}\n".encode("cp1256")))
    rejected = commit(upload(f"نام,موبایل\nعلی,1\n{MARK},12\nرضا,۰۹۱۲-۷۶۵-۴۳۲۱-۹۹\n"))
    draft, checked = upload(CSV), check(upload(_sheet(), "guests.xlsx"))
    running = upload(CSV)
    services.start(actor=ACTOR, job_id=running.pk, mapping=running.mapping, commit=True)
    innocent = check(upload(OTHERS))
    assert set(tells(stored_bytes())) >= {MARK, ARABIC, "7654321", "۰۹۱۲ ۷۶۵ ۴۳۲۱"}, (
        "the scan sees what is there"
    )
    assert ImportChange.objects.exists()
    assert staging.exists(checked.pk)
    guest.refresh_from_db()
    erase_customer(actor=ACTOR, customer_id=guest.pk)
    assert tells(stored_bytes()) == []
    assert rows_that_tell() == []
    assert not staging.exists(checked.pk)
    jobs = {job.pk: job for job in ImportJob.objects.all()}
    assert {jobs[job.pk].status for job in (draft, checked, running)} == {"failed"}
    assert {jobs[job.pk].status for job in (done, windows, rejected)} == {"completed"}
    assert {bool(jobs[job.pk].file) for job in (draft, checked, running, done, windows, rejected)} == {False}
    assert rejected.rejects.filter(raw=["علی", "1"]).exists(), "others stay in the report"
    assert jobs[innocent.pk].status == "checked"
    assert run_import(running.pk) == ""
    assert not Customer.objects.filter(deleted_at=None, phone="+989127654321").exists()
    services.commit_checked(actor=ACTOR, job_id=innocent.pk)
    assert run_import(innocent.pk) == "completed"
    page = cafe.browser("manager").get(f"/customers/imports/{checked.pk}/")
    assert page.status_code == 200
    for job in (draft, done):
        assert cafe.browser("manager").get(f"/customers/imports/{job.pk}/").status_code == 200
