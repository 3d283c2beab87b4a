"""The visits tab: filters against a plain recount, sums, pages, export, print."""

import csv
import io
import itertools
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from customers.models import Visit
from customers.selectors.visits import VisitFilter, filter_timeline, sum_visits
from customers.tests.factories import make_customer, make_visit
from customers.web.visit_csv import harmless
from servaan_crm.l10n.jalali import format_date, local_date


def tab(customer, verb="tab/visits"):
    return f"/customers/{customer.pk}/{verb}/"


def line(name, category=""):
    return {"name": name, "category": category, "quantity": 1, "unit_price": 1000, "total_price": 1000}


@pytest.fixture
def guest(cafe):
    guest = make_customer()
    kinds = itertools.product(["cash", "card", "online"], ["dine_in", "takeaway"], [0, 9, 40])
    for number, (payment, kind, days) in enumerate(kinds):
        make_visit(
            guest, 100_000 + number * 10_000, days_ago=days, payment_method=payment, visit_type=kind,
            discount_amount=Decimal(5000), items=[line("كيك شکلاتي", "دسر") if number % 2 else line("Latte")],
            voided_at=timezone.now() if number == 4 else None,
        )  # fmt: skip
    return guest


@pytest.mark.parametrize("wanted", [
    {}, {"payment": "card"}, {"type": "takeaway"}, {"min_amount": Decimal(155_000)},
    {"max_amount": Decimal(155_000)}, {"search": "کیک"}, {"search": "LATTE"}, {"search": "دسر"},
    {"search": "name"}, {"search": "شکلاتی", "payment": "cash", "max_amount": Decimal(200_000)}, {"search": "\u200c"},
])  # fmt: skip
def test_filters_and_sums_against_a_plain_recount(guest, wanted):
    words = {"کیک": "كيك", "شکلاتی": "شکلاتي", "LATTE": "Latte", "دسر": "دسر"}

    def fits(visit):
        final = visit.total_amount - visit.discount_amount
        search = wanted.get("search")
        text = f"{visit.items[0]['name']} {visit.items[0]['category']}"
        return (
            wanted.get("payment", visit.payment_method) == visit.payment_method
            and wanted.get("type", visit.visit_type) == visit.visit_type
            and wanted.get("min_amount", final) <= final <= wanted.get("max_amount", final)
            and (search is None or words.get(search, "never") in text)
        )

    found = filter_timeline(guest.pk, VisitFilter(**wanted))
    expected = [visit for visit in Visit.objects.filter(customer=guest) if fits(visit)]
    assert {visit.pk for visit in found} == {visit.pk for visit in expected}
    counted = [visit for visit in expected if visit.voided_at is None]
    sums = sum_visits(found)
    assert (sums.visits, sums.voided) == (len(counted), len(expected) - len(counted))
    assert sums.spent == sum((v.total_amount - v.discount_amount for v in counted), Decimal(0))


def test_jalali_dates_and_toman_in_the_address(cafe, guest):
    week_ago = format_date(local_date(timezone.now() - timedelta(days=9)))
    asked = {"from_date": week_ago, "to_date": week_ago, "min_amount": "۱۰٬۰۰۰", "max_amount": "۹۹٬۰۰۰"}
    answer = cafe.browser("staff").get(tab(guest), asked, headers={"hx-target": "visit-results"})
    assert answer.content.decode().count('class="tl') - answer.content.decode().count('class="tl-') == 6
    assert answer.headers["HX-Push-Url"].startswith(tab(guest) + "?from_date=")
    whole = cafe.browser("staff").get(tab(guest), asked).content.decode()
    assert 'id="profile-tabs"' in whole
    assert f'value="{week_ago}"' in whole
    wrong = cafe.browser("staff").get(tab(guest), {"from_date": "هفته پیش", "payment": "gold"})
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.content.decode()


def test_pages_by_the_next_link(cafe):
    guest = make_customer()
    for number in range(45):
        make_visit(guest, 1000, days_ago=number)
    client = cafe.browser("staff")
    first = client.get(tab(guest), headers={"hx-target": "visit-results"}).content.decode()
    last = client.get(tab(guest), {"page": "3"}, headers={"hx-target": "visit-more"}).content.decode()
    assert "page=2" in first
    assert (last.count("tl-when"), "visit-more" in last) == (5, False)


@pytest.mark.parametrize("target", ["tab", "visit-results", ""])
def test_the_number_of_queries_does_not_grow(cafe, target, django_assert_max_num_queries):
    guest = make_customer()
    client = cafe.browser("manager")
    headers = {"hx-target": target} if target else {}
    client.get(tab(guest), headers=headers)
    counts = []
    for more in (9, 30):
        for number in range(more):
            make_visit(guest, 1000, days_ago=number)
        with django_assert_max_num_queries(25) as captured:
            client.get(tab(guest), {"search": "اسپرسو"}, headers=headers)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_export_is_a_safe_file_of_the_filtered_visits(cafe, guest):
    make_visit(
        guest, 777_770, items=[line("=HYPERLINK(1)")], notes="@sum", table_number="-1", order_reference="\t=2"
    )
    answer = cafe.browser("manager").get(tab(guest, "visits/export"), {"min_amount": "77777"})
    assert answer.streaming
    raw = b"".join(answer.streaming_content)
    assert raw.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["Content-Disposition"]
    head, row = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert len(head) == len(row) == 17
    assert row[8:11] == ["77777", "0", "77777"]
    assert (row[5], row[7], row[15], row[16]) == ("'-1", "'=HYPERLINK(1)", "'\t=2", "'@sum")
    everything = b"".join(cafe.browser("manager").get(tab(guest, "visits/export")).streaming_content)
    assert len(everything.decode().splitlines()) == 20


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", " =1", "\u200f=1", "＝1", "\r=1"])
def test_nothing_that_looks_like_a_formula_stays_bare(text):
    assert harmless(text).startswith("'")


def test_the_print_view_sums_up_what_is_filtered(cafe, guest):
    shown = cafe.browser("staff").get(tab(guest, "visits/print"), {"payment": "card"}).content.decode()
    assert shown.count("<tr") == 2 + 6
    assert "کارت" in shown or "Card" in shown


@pytest.mark.parametrize(("role", "export", "see"), [
    ("manager", 200, 200), ("staff", 403, 200), ("agent", 403, 200), (None, 302, 302),
])  # fmt: skip
def test_who_may_take_the_visits_away(cafe, guest, role, export, see):
    assert cafe.browser(role).get(tab(guest, "visits/export")).status_code == export
    assert cafe.browser(role).get(tab(guest)).status_code == see
    assert cafe.browser(role).get(tab(guest, "visits/print")).status_code == see


def test_the_neighbours_guest_is_not_there(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        theirs = make_customer()
        make_visit(theirs)
    for verb in ("tab/visits", "visits/export", "visits/print"):
        assert cafe.browser("owner").get(tab(theirs, verb)).status_code == 404
