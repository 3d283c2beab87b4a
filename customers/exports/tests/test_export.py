"""The list as a file: what is in it, who may have it, and that it is a stream."""

from __future__ import annotations

import csv
import io
from datetime import date
from types import GeneratorType
from typing import Any

import pytest
from django.db import connection
from openpyxl import load_workbook

from customers.imports.tests.helpers import ACTOR, commit, upload
from customers.models import Customer, CustomField, Tag
from customers.services import create_customer
from servaan_crm.core.models import AuditEntry

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
