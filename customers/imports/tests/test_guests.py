"""Messy files of guests and what becomes of them: one report per fixture."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from django.utils import translation
from openpyxl import Workbook

from customers.exports.files import csv_pieces
from customers.imports.errors import UnreadableFile
from customers.imports.reports import reject_report
from customers.imports.tests.helpers import ACTOR, FIXTURES, check, commit, counts, reasons, upload
from customers.models import ConsentChange, Customer, CustomerSummary, CustomField, ImportJob, Tag
from customers.services import create_customer, delete_customer
from servaan_crm.core.models import AuditEntry, Event

CASES = sorted(path.stem for path in FIXTURES.glob("*.json"))


@pytest.mark.parametrize("case", CASES)
def test_messy_file(case: str, cafe: Any) -> None:
    """The dry run reports what the fixture expects, the commit does just that, and again it changes nothing."""
    CustomField.objects.create(key="plate", label="پلاک", kind="text")
    expected = json.loads((FIXTURES / f"{case}.json").read_text(encoding="utf-8"))
    file = next(path for path in FIXTURES.glob(f"{case}.*") if path.suffix != ".json")

    def sent() -> ImportJob:
        return upload(file.read_bytes(), file.name)

    job = check(sent())
    assert [job.encoding, job.delimiter] == expected["format"]
    assert list(job.mapping.values()) == expected["fields"]
    assert reasons(job) == {int(row): words for row, words in expected["reasons"].items()}
    assert counts(job) == expected["counts"]
    assert job.status == "checked"
    assert not Customer.objects.exists(), "a dry run writes nothing"

    done = commit(sent())
    assert done.status == "completed", done.error
    assert counts(done) == expected["counts"]
    found = {
        guest.phone: [guest.name, guest.birthday.isoformat() if guest.birthday else None]
        for guest in Customer.objects.all()
    }
    assert found == expected["guests"]
    assert CustomerSummary.objects.count() == len(found)

    before = list(Customer.objects.order_by("phone").values())
    again = commit(sent())
    assert (again.created, again.updated, again.unchanged) == (0, 0, done.created)
    assert list(Customer.objects.order_by("phone").values()) == before


def _sheet(rows: list[list[Any]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_excel_keeps_its_own_types(cafe: Any) -> None:
    """Numbers without their zero, real dates, and a formula that stays a text."""
    raw = _sheet(
        [
            ["نام", "شماره تماس", "تاریخ تولد", "توضیحات"],
            ["سارا رضایی", 9123456789, datetime(1990, 5, 4), '=HYPERLINK("http://evil","x")'],
            ["علی کریمی", 9123456780.0, "۱۳۷۰/۱۲/۳۰", None],
        ]
    )
    job = commit(upload(raw, "guests.xlsx"))
    assert job.status == "completed", job.error
    assert job.created == 2, reasons(job)
    sara = Customer.objects.get(phone="+989123456789")
    assert sara.birthday == date(1990, 5, 4)
    assert sara.notes == '=HYPERLINK("http://evil","x")'
    assert Customer.objects.get(phone="+989123456780").birthday == date(1992, 3, 20)


def test_known_guests_are_updated_or_left(cafe: Any) -> None:
    create_customer(actor=ACTOR, phone="09121111111", name="نام قدیم", email="old@example.com", city="تهران")
    text = "موبایل,نام,شهر,ایمیل\n09121111111,نام تازه,شیراز,\n"
    left = commit(upload(text), on_duplicate="skip")
    assert (left.updated, left.unchanged) == (0, 1)
    assert Customer.objects.get().name == "نام قدیم"
    assert commit(upload(text)).updated == 1
    guest = Customer.objects.get()
    assert (guest.name, guest.city, guest.email, guest.version) == ("نام تازه", "شیراز", "old@example.com", 2)


def test_tags_consent_and_own_fields(cafe: Any) -> None:
    """Tags are added; a file withdraws consent but never gives it back."""
    CustomField.objects.create(key="plate", label="پلاک", kind="number")
    vip = Tag.objects.create(name="vip")
    known = create_customer(actor=ACTOR, phone="09121111111", name="سارا رضایی", tags=[vip])
    out = create_customer(actor=ACTOR, phone="09122222222", name="علی کریمی", allow_marketing=False)
    job = commit(
        upload(
            "موبایل,نام,برچسب,رضایت,پلاک\n"
            '09121111111,,"گیاه‌خوار، شرکتی",خیر,۱۲\n09122222222,,,بله,\n09123333333,نو رسیده,vip,بله,\n'
        )
    )
    assert counts(job) == {"total_rows": 3, "created": 1, "updated": 1, "unchanged": 1, "rejected": 0}
    known.refresh_from_db()
    out.refresh_from_db()
    assert {tag.name for tag in known.tags.all()} == {"vip", "گیاه‌خوار", "شرکتی"}
    assert known.custom == {"plate": 12}
    assert not known.allow_marketing
    assert not out.allow_marketing
    changes = (
        ConsentChange.objects.filter(source="import")
        .exclude(customer=out)
        .values_list("customer__phone", "granted")
    )
    assert set(changes) == {("+989121111111", False), ("+989123333333", True)}


def test_a_deleted_number_becomes_a_new_guest(cafe: Any) -> None:
    old = create_customer(actor=ACTOR, phone="09121111111", name="سارا رضایی")
    delete_customer(actor=ACTOR, customer_id=old.pk)
    assert commit(upload("موبایل,نام\n09121111111,کس دیگر\n")).created == 1
    assert Customer.objects.get(deleted_at=None).name == "کس دیگر"


def test_actor_and_trail_are_kept_and_nobody_is_welcomed(cafe: Any) -> None:
    actor = cafe.manager.actor
    job = upload("موبایل,نام\n09121111111,سارا رضایی\n", actor=actor)
    commit(job)
    guest = Customer.objects.get()
    assert guest.created_by == cafe.manager
    row = AuditEntry.objects.get(table_name="customers_customer", row_id=str(guest.pk))
    assert (row.action, row.actor_name) == ("insert", actor.name)
    assert AuditEntry.objects.get(action="import").new["created"] == 1
    assert set(Event.objects.values_list("name", flat=True)) == {"import.completed"}


@pytest.mark.parametrize(
    ("raw", "name", "part"),
    [
        (b"", "a.csv", "empty"),
        (b"\xef\xbb\xbf\n\n", "a.csv", "empty"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 50, "a.xls", ".xls"),
        (b"a,b\n1,2\n", "a.exe", "ending"),
        (b"PK\x03\x04garbage", "a.xlsx", "damaged"),
        (b"sara,09121111111\nali,09122222222\n", "a.csv", "first row"),
    ],
    ids=["empty", "only a mark", "old Excel", "ending", "damaged", "no header"],
)
def test_files_that_are_refused(raw: bytes, name: str, part: str, cafe: Any) -> None:
    with translation.override("en"), pytest.raises(UnreadableFile) as refused:
        upload(raw, name)
    assert part in refused.value.text("en")
    assert not ImportJob.objects.exists()


def test_a_zip_bomb_is_not_unpacked(cafe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customers.imports.detect.MAX_UNPACKED", 1_000_000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 5_000_000)
    with pytest.raises(UnreadableFile):
        upload(stream.getvalue(), "bomb.xlsx")


def test_cells_from_hell(cafe: Any) -> None:
    """NUL bytes, a megabyte in one cell, too many cells: a reason each, and the report can be written."""
    text = (
        f"موبایل,نام,توضیحات\n09121111111,سارا رضایی,{'x' * 1_000_000}\n09122222222,سا\x00را,\n"
        "09123333333,علی کریمی,a,b,c\n09124444444,نگار نوری,=1+1\n"
    )
    job = commit(upload(text))
    assert job.status == "completed"
    assert list(reasons(job)) == [2, 3, 4]
    assert Customer.objects.get().notes == "=1+1"
    report = b"".join(reject_report(job)).decode("utf-8-sig")
    assert len(report) < 5_000
    assert "سا\ufffdرا" in report


def test_an_open_quote_fails_the_import_with_a_line(cafe: Any) -> None:
    text = 'موبایل,نام\n09121111111,"سارا\n' + "09122222222,علی\n" * 400_000
    job = check(upload(text))
    assert job.status in ("failed", "checked")
    assert not Customer.objects.exists()


def test_formulas_are_escaped_and_come_back(cafe: Any) -> None:
    body = b"".join(
        csv_pieces(
            ["نام", "توضیحات", "موبایل"], [["=cmd()", "+1", "09121111111"], ["@a b", "-2", "09122222222"]]
        )
    )
    assert b"'=cmd()" in body
    assert b"'+1" in body
    assert b"'@a b" in body
    assert b"'-2" in body
    commit(upload(body))
    assert Customer.objects.get(phone="+989121111111").name == "=cmd()"
