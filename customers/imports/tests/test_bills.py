"""Visits from a file: numbered on, counted once, without points unless they are asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from checkout.services import VisitRequest, record_visit
from customers.imports.bills import items
from customers.imports.tests.helpers import ACTOR, check, commit, counts, reasons, upload
from customers.models import Customer, CustomerSummary, Visit
from customers.services import create_customer
from loyalty.models import LedgerEntry, LoyaltyAccount
from servaan_crm.core.models import Event

FILE = """موبایل,نام,تاریخ,ساعت,مبلغ,تخفیف,پرداخت,اقلام,شماره فاکتور
۰۹۱۲۱۱۱۱۱۱۱,,۱۴۰۳/۰۵/۰۱,14:30,"۱۲۵,۰۰۰",5000,نقدی,لاته ۲، کیک,A1
09122222222,نو رسیده,1403/05/02,,200000,,کارت,,
,,1403/05/02,,30000,,,,
09121111111,,2024-06-21,10:00,50000,,,,
09121111111,,2024-06-21,10:00,50000,,,,
09123333333,,1403/13/02,,abc,,هدیه,,
09123333333,,1403/05/02,,1000,2000,,,
"""


@pytest.fixture
def known(cafe: Any) -> Customer:
    guest = create_customer(actor=ACTOR, phone="09121111111", name="سارا رضایی")
    record_visit(actor=ACTOR, request=VisitRequest(customer_id=guest.pk, total_amount=Decimal(1_000_000)))
    return guest


def test_history_comes_in_once(known: Customer) -> None:
    points = LoyaltyAccount.objects.get(customer=known).balance
    Event.objects.all().delete()
    job = check(upload(FILE, kind="visits"), options={"unit": "toman"})
    assert counts(job) == {"total_rows": 7, "created": 4, "updated": 0, "unchanged": 0, "rejected": 3}
    assert list(reasons(job)) == [6, 7, 8]
    done = commit(upload(FILE, kind="visits"), options={"unit": "toman"})
    assert done.created == 4, done.error
    visits = list(Visit.objects.filter(customer=known).order_by("visit_number"))
    assert [visit.visit_number for visit in visits] == [1, 2, 3]
    assert [int(visit.final_amount) for visit in visits] == [1_000_000, 500_000, 1_200_000]
    assert visits[2].items[0]["name"] == "لاته"
    assert visits[2].items[0]["quantity"] == 2
    assert visits[2].payment_method == "cash"
    assert visits[2].order_reference == "A1"
    summary = CustomerSummary.objects.get(customer=known)
    assert (summary.total_visits, summary.last_visit_number, int(summary.lifetime_spent)) == (3, 3, 2_700_000)
    assert summary.first_visit_at == visits[1].visit_date
    assert summary.last_visit_at == visits[0].visit_date
    assert Customer.objects.get(phone="+989122222222").name == "نو رسیده"
    assert Visit.objects.filter(customer=None).count() == 1
    assert LoyaltyAccount.objects.get(customer=known).balance == points
    assert set(Event.objects.values_list("name", flat=True)) == {"import.completed"}

    again = commit(upload(FILE, kind="visits"), options={"unit": "toman"})
    assert (again.created, again.unchanged) == (0, 4)
    assert Visit.objects.count() == 5


def test_points_by_the_rules_when_asked_for(known: Customer) -> None:
    before = LoyaltyAccount.objects.get(customer=known).balance
    text = "phone,date,amount\n09121111111,2024-06-21,500000\n09124444444,2024-06-22,70000\n"
    job = commit(upload(text, kind="visits"), options={"unit": "rial", "points": True})
    assert job.created == 2, job.error
    account = LoyaltyAccount.objects.get(customer=known)
    assert account.balance == before + 550, "a silver guest gets a tenth more"
    assert account.balance == sum(LedgerEntry.objects.filter(customer=known).values_list("points", flat=True))
    assert CustomerSummary.objects.get(customer=known).points == account.balance
    assert Visit.objects.get(customer__phone="+989124444444").points_earned == 70


def test_chunks_keep_numbers_and_sums(cafe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customers.imports.run.CHUNK", 7)
    rows = [f"0912000000{n % 3},2024-01-{1 + n % 28:02},{1000 * (n + 1)}" for n in range(60)]
    job = commit(upload("phone,date,amount\n" + "\n".join(rows), kind="visits"), options={"unit": "rial"})
    assert job.status == "completed", job.error
    assert job.created + job.rejected == 60
    for guest in Customer.objects.all():
        visits = list(Visit.objects.filter(customer=guest).order_by("visit_number"))
        assert [visit.visit_number for visit in visits] == list(range(1, len(visits) + 1))
        assert [visit.visit_date for visit in visits] == sorted(visit.visit_date for visit in visits)
        assert guest.summary.lifetime_spent == sum(visit.final_amount for visit in visits)
        assert guest.summary.total_visits == len(visits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("لاته ۲، کیک", (("لاته", 2), ("کیک", 1))),
        ("2 x Latte + Cake", (("Latte", 2), ("Cake", 1))),
        ("چای×3", (("چای", 3),)),
        ("لاته, لاته", (("لاته", 2),)),
        ("", None),
    ],
)
def test_items_are_read(text: str, expected: Any) -> None:
    assert items(text) == expected
