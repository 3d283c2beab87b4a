"""Every parameter of the list, alone and in combination, against plain Python on random guests, in both calendars."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone
from django_tenants.utils import tenant_context

from customers.filters import CustomerFilter, Preset
from customers.models import Customer, Tag
from customers.selectors import Facts, get_facts
from customers.selectors.derived import CustomerType, Lifecycle, Risk, Temperature
from customers.tests.factories import make_customer
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.jalali import local_date, to_calendar
from servaan_crm.l10n.locale import get_locale, use_locale
from servaan_crm.l10n.text import search_key

URL = "/api/crm/customers"
NAMES = ["علی رضایی", "علي رضائی", "سارا کریمی", "مریم علی‌پور", "Ravi Kumar", "پویا گلزار", "زهرا ژاله"]
Belongs = Callable[[Customer], bool]


def make_book(chance: random.Random, prefix: str) -> list[Customer]:
    """Sixty guests with every figure at random."""
    tags = [Tag.objects.create(name=name) for name in ("گیاه‌خوار", "window")]
    outlets = [Outlet.objects.get(is_default=True), Outlet.objects.create(name="Second")]
    now = timezone.now()
    for number in range(60):
        visits = chance.choice([0, 0, 1, 2, 5, 6, 20])
        last = now - timedelta(
            days=chance.choice([*range(9), 29, 30, 31, 59, 60, 61, 89, 90, 91, 119, 120, 121, 400])
        )
        customer = make_customer(
            f"{prefix}{chance.randrange(10)}{number:06d}",
            chance.choice(NAMES),
            status=chance.choice(Customer.Status.values),
            email=chance.choice(["", "guest@example.com"]),
            notes=chance.choice(["", "بدون شکر"]),
            outlet_id=chance.choice(outlets).pk,
            tags=chance.sample(tags, chance.randrange(3)),
            total_visits=visits,
            lifetime_spent=Decimal(visits * chance.randrange(1, 12) * 1_000_000),
            first_visit_at=last if visits else None,
            last_visit_at=last if visits else None,
            segment=chance.choice(["new", "occasional", "regular", "vip"]),
            tier=chance.choice(["bronze", "silver", "gold", "platinum"]),
        )
        Customer.objects.filter(pk=customer.pk).update(created_at=now - timedelta(days=chance.randrange(60)))
    gone = make_customer(f"{prefix}9999999", "علی رضایی", segment="vip", total_visits=9)
    Customer.objects.filter(pk=gone.pk).update(deleted_at=now)
    return list(
        Customer.objects.filter(deleted_at=None).select_related("summary", "outlet").prefetch_related("tags")
    )


def last(customer: Customer) -> Any:
    at = customer.summary.last_visit_at
    return None if at is None else local_date(at)


def same_week(day: Any) -> bool:
    """Say whether ``day`` is in the week that runs now, counted by hand from its first day."""
    first_weekday = {"IR": 5, "IN": 0}[get_locale().country]
    today = local_date(timezone.now())
    first = next(d for d in (today - timedelta(days=n) for n in range(7)) if d.weekday() == first_weekday)
    return day is not None and first <= day <= first + timedelta(days=6)


def same_month(day: Any) -> bool:
    return day is not None and to_calendar(day)[:2] == to_calendar(local_date(timezone.now()))[:2]


PRESETS: dict[str, Belongs] = {
    Preset.WEEK_VISITS: lambda c: same_week(last(c)),
    Preset.MONTH_VISITS: lambda c: same_month(last(c)),
    Preset.NEW_MEMBERS: lambda c: same_month(local_date(c.created_at)),
}


def finds(customer: Customer, query: str) -> bool:
    """Every word is in the names, e-mail or notes (two letters: begins a word), or it is digits of the number."""
    text, digits = customer.search_key, search_key(query)
    if any(digits in search_key(tag.name) for tag in customer.tags.all()) and len(digits) > 2:
        return True
    if digits.isdigit() and len(digits) > 2:
        shorter = digits.lstrip("0")  # the trunk zero, unless next to nothing is left
        if (shorter if len(shorter) > 2 else digits) in customer.phone:
            return True
    return all(word in text if len(word) > 2 else any(w.startswith(word) for w in text.split())
               for word in digits.split())  # fmt: skip


def cases(facts: Facts, chance: random.Random) -> dict[str, list[tuple[str, Belongs]]]:
    """Return parameter → (value, what it means) pairs; every parameter the list has is here."""

    def equal(of: Callable[[Customer], Any], values: Any) -> list[tuple[str, Belongs]]:
        return [(value, lambda c, value=value: of(c) == value) for value in values]

    day = local_date(timezone.now()) - timedelta(days=chance.randrange(40))
    spent, visits = chance.choice([0, 5_000_000, 30_000_000]), chance.choice([0, 1, 6])
    written = "/".join(map(str, to_calendar(day))) if get_locale().is_jalali else day.isoformat()
    queries = ["علی", "رضایی علی", "عل", "kumar", "KUMAR", "example", "شکر", "window", "000", "0001"]
    return {
        "search": [(query, lambda c, query=query: finds(c, query)) for query in queries],
        "segment": equal(lambda c: c.summary.segment, ["new", "occasional", "regular", "vip"]),
        "status": equal(lambda c: c.status, Customer.Status.values),
        "tier": equal(lambda c: c.summary.tier, ["bronze", "silver", "gold", "platinum"]),
        "tag": [("گیاهخوار", lambda c: "گیاه‌خوار" in {t.name for t in c.tags.all()}),
                ("window", lambda c: "window" in {t.name for t in c.tags.all()})],
        "outlet": [("second", lambda c: c.outlet.name == "Second")],
        "type": equal(lambda c: facts.customer_type.of(c.summary), CustomerType.values),
        "lifecycle": equal(lambda c: facts.lifecycle.of(c.summary), Lifecycle.values),
        "temperature": equal(lambda c: facts.temperature.of(c.summary), Temperature.values),
        "risk": equal(lambda c: facts.risk.of(c.summary), Risk.values),
        "preset": list(PRESETS.items()),
        "min_spent": [(str(spent), lambda c: c.summary.lifetime_spent >= spent)],
        "max_spent": [(str(spent), lambda c: c.summary.lifetime_spent <= spent)],
        "min_visits": [(str(visits), lambda c: c.summary.total_visits >= visits)],
        "max_visits": [(str(visits), lambda c: c.summary.total_visits <= visits)],
        "created_from": [(written, lambda c: local_date(c.created_at) >= day)],
        "created_to": [(written, lambda c: local_date(c.created_at) <= day)],
        "last_visit_from": [(written, lambda c: last(c) is not None and last(c) >= day)],
        "last_visit_to": [(day.isoformat(), lambda c: last(c) is not None and last(c) <= day)],
    }  # fmt: skip


@pytest.mark.parametrize("country", ["IR", "IN"])
def test_each_parameter_and_pairs_of_them_find_what_a_plain_loop_finds(country, cafe, indian_cafe):
    cast, prefix = (cafe, "0912") if country == "IR" else (indian_cafe, "981")
    chance = random.Random(country)
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        book, facts = make_book(chance, prefix), get_facts()
        table = cases(facts, chance)
        known = set(CustomerFilter({}).filters) - {"sort", "order"}
        assert {name.split(".")[0] for name in known} == set(table), "a parameter without an oracle"
        asked = [((name, value, belongs),) for name, rows in table.items() for value, belongs in rows]
        for _round in range(60):
            pair = chance.sample(sorted(table), 2)
            asked.append(tuple((name, *chance.choice(table[name])) for name in pair))
        client = cast.api()
        for part in asked:
            wanted = {str(c.pk) for c in book if all(belongs(c) for _n, _v, belongs in part)}
            query = {name: value for name, value, _belongs in part}
            found = client.get(URL, {**query, "limit": 100})
            assert found.status_code == 200, (query, found.data)
            assert {row["id"] for row in found.data["data"]["customers"]} == wanted, query
            assert found.data["data"]["pagination"]["total_items"] == len(wanted), query
            counted = CustomerFilter(query)
            assert not counted.problems()
            bounded = counted.customers().count_up_to(7)
            assert bounded.value == (len(wanted) if bounded.is_exact else 7), query
            assert bounded.is_exact or len(wanted) > 7, query


def test_a_list_of_very_many_is_the_same_read_in_order(cafe, monkeypatch):
    from customers.selectors import customers

    make_book(random.Random(3), "0912")
    asked = CustomerFilter({"search": "علی", "sort": "last_visit"})
    assert not asked.problems()
    found = asked.customers()
    fenced = [c.pk for c in found[0:100]]
    monkeypatch.setattr(customers, "BOUND", 3)
    assert found.count() == len(fenced) > 3
    assert [c.pk for c in found[0:100]] == fenced


NARROWED = ("segment=new", "segment=vip&status=active", "type=repeat", "min_visits=2", "tag=window", "status=blocked",
            "last_visit_to=2000-01-01", "temperature=cold&max_spent=40000000")  # fmt: skip


@pytest.mark.parametrize("walk", [0, 12, 10_000])
def test_a_page_is_the_same_however_it_is_read(cafe, monkeypatch, walk):
    """Walking the order, giving that up for too few hits, and gathering first, against sorting everything."""
    from customers.selectors import customers

    make_book(random.Random(4), "0912")
    monkeypatch.setattr(customers, "BOUND", 3)
    monkeypatch.setattr(customers, "LONGEST_WALK", walk)
    for query in NARROWED:
        for sort in customers.SORTS:
            for order in ("asc", "desc"):
                asked = CustomerFilter(QueryDict(f"{query}&sort={sort}&order={order}"))
                assert not asked.problems()
                found = asked.customers()
                wanted = [c.pk for c in found.rows()]
                assert found.count() == len(wanted)
                for start, stop in ((0, 5), (5, 10), (0, 100)):
                    page = [c.pk for c in found[start : min(stop, len(wanted))]]
                    assert page == wanted[start:stop], (query, sort, order, start)
