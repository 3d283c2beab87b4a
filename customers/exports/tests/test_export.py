"""The list as a file: what is in it, who may have it, and that it is a stream."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from types import GeneratorType
from typing import Any

import pytest
from django.db import connection
from django_tenants.utils import tenant_context
from openpyxl import load_workbook

from customers.exports.rows import columns_of
from customers.imports.tests.helpers import ACTOR, commit, upload
from customers.models import Customer, CustomField, Tag
from customers.services import create_customer
from servaan_crm.core.models import AuditEntry
from servaan_crm.l10n.digits import to_ascii
from servaan_crm.l10n.jalali import format_date
from servaan_crm.l10n.locale import get_locale, use_locale

URL = "/api/crm/customers/export"


@pytest.fixture
def guests(cafe: Any) -> list[Customer]:
    CustomField.objects.create(key="plate", label="پلاک", kind="date")
    tag = Tag.objects.create(name="vip")
    first = create_customer(
        actor=ACTOR, phone="09121111111", name="سارا رضایی", birthday=date(1992, 3, 20), tags=[tag],
        notes='=HYPERLINK("http://evil")',
    )  # fmt: skip
    Customer.objects.filter(pk=first.pk).update(custom={"plate": "1992-03-20"})
    return [first, create_customer(actor=ACTOR, phone="09122222222", name="علی, کریمی", city="شیراز")]


def _rows(answer: Any) -> list[dict[str, str]]:
    body = b"".join(answer.streaming_content)
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


def test_csv_has_the_cafes_calendar_numbers_and_fields(cafe: Any, guests: list[Customer]) -> None:
    answer = cafe.api("manager").get(f"{URL}?format=csv&sort=phone", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    assert isinstance(answer._iterator, GeneratorType)
    assert "attachment" in answer["Content-Disposition"]
    rows = _rows(answer)
    values = [list(row.values()) for row in rows]
    assert [row[0] for row in values] == ["09121111111", "09122222222"]
    assert "1370/12/30" in values[0]
    assert "vip" in values[0]
    assert rows[0]["پلاک"] == "1370/12/30"
    assert '\'=HYPERLINK("http://evil")' in values[0]
    assert "علی, کریمی" in values[1]
    assert "شیراز" in values[1]


@pytest.mark.parametrize("shape", ["csv", "xlsx"])
def test_a_server_for_development_exports_too(
    cafe: Any, guests: list[Customer], shape: str, settings: Any
) -> None:
    """Where DEBUG is on, every cursor is wrapped by one that takes the time."""
    settings.DEBUG = True
    answer = cafe.api("manager").get(f"{URL}?format={shape}")
    if shape == "csv":
        assert len(_rows(answer)) == 2
    else:
        book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
        assert book.active.max_row == 3


def test_filters_and_trail(cafe: Any, guests: list[Customer]) -> None:
    answer = cafe.api("manager").get(f"{URL}?tag=vip")
    assert len(_rows(answer)) == 1
    entry = AuditEntry.objects.get(action="export")
    assert entry.actor_name == cafe.manager.actor.name
    assert entry.new["format"] == "csv"
    assert "tag" in entry.new["filters"]
    for wrong in ("?format=pdf", "?shoe=42", "?tier=wood"):
        assert cafe.api("manager").get(URL + wrong).status_code == 400


def test_xlsx_opens_and_holds_texts(cafe: Any, guests: list[Customer]) -> None:
    answer = cafe.browser("manager").get("/customers/export/?format=xlsx&sort=phone&order=asc")
    sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[0] for row in rows[1:]] == ["09121111111", "09122222222"]
    notes = next(cell for cell in sheet[2] if isinstance(cell.value, str) and "HYPERLINK" in cell.value)
    assert notes.data_type == "s"
    assert sheet.sheet_view.rightToLeft


@pytest.mark.parametrize("role", ["staff", "agent", "integrator"])
def test_who_may_not_export(cafe: Any, role: str) -> None:
    assert cafe.api(role).get(URL).status_code == 403


def test_what_was_exported_comes_back_unchanged(cafe: Any, guests: list[Customer]) -> None:
    for address in (f"{URL}?format=csv", f"{URL}?format=xlsx"):
        body = b"".join(cafe.api("manager").get(address).streaming_content)
        job = commit(upload(body, f"again.{address[-4:].strip('=')}"))
        assert (job.status, job.created, job.updated, job.unchanged, job.rejected) == ("completed", 0, 0, 2, 0), (
            job.error, job.mapping, list(job.rejects.values_list("reasons", flat=True)),
        )  # fmt: skip


def test_a_stream_reads_its_own_cafe_after_the_request(
    cafe: Any, guests: list[Customer], other_cafe: Any
) -> None:
    answer = cafe.api("manager").get(URL)
    connection.set_tenant(other_cafe.cafe)
    assert len(_rows(answer)) == 2
    connection.set_tenant(cafe.cafe)


AWKWARD = (
    "خط یک\nخط دو\tبا \\ و \\N و % {}", '<b>&amp;</b> "گیومه", و ;', "-۱+۲", "@home", "\x01\x0bپایان", "{1}\r\n", "''",
)  # fmt: skip


def _by_source(heads: Iterable[Any], cells: Iterable[Any]) -> dict[str, Any]:
    """What stands in the column of a source; the café's own fields by their label."""
    names = [column.source if not column.key else column.head for column in columns_of(get_locale())]
    return dict(zip(names, cells, strict=True))


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_are_the_same_in_both_files(cafe: Any, text: str) -> None:
    CustomField.objects.create(key="own", label="میز", kind="text")
    CustomField.objects.create(key="half", label="تخفیف", kind="number")
    CustomField.objects.create(key="day", label="روز", kind="date")
    guest = create_customer(actor=ACTOR, phone="09121111111", name="سارا رضایی")
    own = {"own": text, "half": 2.5, "day": "2024-02-30"}
    Customer.objects.filter(pk=guest.pk).update(notes=text, address=text, custom=own, phone="+4915112345678")
    (found,) = _rows(cafe.api("manager").get(f"{URL}?format=csv"))
    row = _by_source(found, found.values())
    shown = f"'{text}" if text[0] in "=+-@\t\r" else text
    assert (row["notes"], row["address"], row["میز"]) == (shown,) * 3
    assert (row["تخفیف"], row["روز"], row["phone"]) == ("2.5", "2024-02-30", "'+4915112345678")
    answer = cafe.api("manager").get(f"{URL}?format=xlsx")
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
    sheet = _by_source(*book.iter_rows(values_only=True))
    printable = "".join(sign for sign in text if sign not in "\x01\x0b").replace("\r\n", "\n")
    assert [str(sheet[name]).replace("\r\n", "\n") for name in ("notes", "میز")] == [printable] * 2
    assert (sheet["تخفیف"], sheet["phone"], sheet["summary__total_visits"]) == (2.5, "+4915112345678", 0)


def test_every_day_is_written_as_screens_write_it(cafe: Any) -> None:
    """Leap days, ends of months, days before and after what anybody was born on."""
    days = [date(1899, 12, 31), date(1921, 3, 20), date(1921, 3, 21), date(2021, 3, 20), date(2025, 3, 20),
            date(2025, 3, 21), date(2000, 2, 29), date(1996, 9, 21), date(1996, 9, 22)]  # fmt: skip
    for number, day in enumerate(days):
        guest = create_customer(actor=ACTOR, phone=f"0912000000{number}", name="سارا رضایی")
        Customer.objects.filter(pk=guest.pk).update(birthday=day)
    rows = _rows(cafe.api("manager").get(f"{URL}?sort=phone&order=asc"))
    assert [_by_source(row, row.values())["birthday"] for row in rows] == [
        to_ascii(format_date(day)) for day in days
    ]


def test_another_country_dials_and_counts_in_its_own_way(indian_cafe: Any) -> None:
    with tenant_context(indian_cafe.cafe), use_locale(indian_cafe.cafe.locale):
        create_customer(actor=ACTOR, phone="9876543210", name="Sara", birthday=date(1992, 3, 20))
        create_customer(actor=ACTOR, phone="+4915112345678", name="Ali")
        address = f"{URL}?sort=phone&order=asc"
        rows = [list(row.values()) for row in _rows(indian_cafe.api("manager").get(address))]
        assert [row[0] for row in rows] == ["'+4915112345678", "09876543210"]
        assert "1992-03-20" in rows[1]
        answer = indian_cafe.api("manager").get(f"{address}&format=xlsx")
        sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
        assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["+4915112345678", "09876543210"]


def test_who_goes_away_in_the_middle_leaves_a_connection_that_works(cafe: Any) -> None:
    guests = [create_customer(actor=ACTOR, phone=f"0912000{n:04}", name="سارا رضایی") for n in range(40)]
    Customer.objects.update(notes="یادداشت " * 2_000)
    answer = cafe.api("manager").get(URL)
    pieces = iter(answer.streaming_content)
    assert next(pieces)
    assert len(next(pieces)) < 200_000, "a part, not the whole"
    answer._iterator.close()
    assert Customer.objects.count() == len(guests)
