"""Derived facts: annotation, filter and instance agree with the rules of the product page."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from customers.models import Customer, CustomerSummary
from customers.selectors import get_facts
from customers.selectors.derived import CustomerType, Lifecycle, Risk, Temperature
from customers.tests.factories import make_customer
from servaan_crm.l10n.jalali import local_date, local_day_bounds

VIP_SPEND = 50_000_000
FACTS = {
    "customer_type": CustomerType, "lifecycle": Lifecycle, "temperature": Temperature, "risk": Risk,
}  # fmt: skip


def plain_customer_type(days, visits, spent):
    if days is not None and days >= 90:
        return "inactive"
    if visits >= 6 or spent >= VIP_SPEND:
        return "vip"
    return "repeat" if 2 <= visits <= 5 else "new"


def plain_lifecycle(days, visits, spent):
    if not visits:
        return "prospect"
    if days > 90:
        return "churned"
    if 60 <= days <= 90:
        return "at_risk"
    return "new" if visits == 1 else "active"


def plain_temperature(days, visits, spent):
    if days is None:
        return "cold"
    return "hot" if days <= 7 else "warm" if days <= 30 else "cold"


def plain_risk(days, visits, spent):
    if days is None or days < 30:
        return "none"
    return "low" if days < 60 else "medium" if days < 90 else "high" if days < 120 else "critical"


PLAIN = {
    "customer_type": plain_customer_type, "lifecycle": plain_lifecycle, "temperature": plain_temperature,
    "risk": plain_risk,
}  # fmt: skip
BOUNDARIES = sorted({base + step for base in (0, 7, 30, 60, 90, 120, 400) for step in (-1, 0, 1)} - {-1})


@pytest.fixture
def guests(cafe):
    """A guest for every day around a boundary, on its first and its last moment, and some who never came."""
    today = local_date(timezone.now())
    number = 0
    for days in BOUNDARIES:
        first, following = local_day_bounds(today - timedelta(days=days), "Asia/Tehran")
        last = following - timedelta(microseconds=1) if days else timezone.now()
        for moment, visits, spent in ((first, 1, 10), (last, 3, 10), (first, 6, 10), (last, 2, VIP_SPEND)):
            number += 1
            make_customer(number, last_visit_at=moment, total_visits=visits, lifetime_spent=Decimal(spent))
    make_customer(9_000_001)
    return today


def _days(summary: CustomerSummary, today):
    return (today - local_date(summary.last_visit_at)).days if summary.last_visit_at else None


@pytest.mark.parametrize("name", FACTS)
def test_annotation_filter_and_instance_say_what_the_rules_say(guests, name):
    facts = get_facts()
    fact = getattr(facts, name)
    rows = Customer.objects.select_related("summary").annotate(fact=fact.annotation())
    for row in rows:
        summary = row.summary
        expected = PLAIN[name](_days(summary, guests), summary.total_visits, summary.lifetime_spent)
        assert (row.fact, fact.of(summary)) == (expected, expected), (
            _days(summary, guests),
            summary.total_visits,
        )
    by_filter = {value: set(Customer.objects.filter(fact.q(value)).values_list("pk", flat=True))
                 for value in FACTS[name].values}  # fmt: skip
    assert by_filter == {value: {row.pk for row in rows if row.fact == value} for value in FACTS[name].values}
    assert sum(map(len, by_filter.values())) == len(rows)


def test_day_counts_are_settings_of_the_cafe(cafe):
    customer = make_customer(1, last_visit_at=timezone.now() - timedelta(days=20), total_visits=2)
    assert get_facts().customer_type.of(customer.summary) == "repeat"
    cafe.cafe.settings = {"inactive_days": 20, "vip_visits": 2}
    try:
        assert get_facts().customer_type.of(customer.summary) == "inactive"
        assert get_facts(timezone.now() - timedelta(days=1)).customer_type.of(customer.summary) == "vip"
    finally:
        cafe.cafe.settings = {}


def test_days_are_counted_by_local_dates(cafe):
    """23:50 in Tehran and 00:10 the next morning are a day apart, though only 20 minutes passed."""
    evening = datetime.fromisoformat("2026-03-20T23:50:00+03:30")
    morning = datetime.fromisoformat("2026-03-21T00:10:00+03:30")
    summary = CustomerSummary(last_visit_at=evening, total_visits=1)
    assert get_facts(morning).days(summary) == 1
    assert get_facts(evening).days(summary) == 0


def test_filters_by_days_are_ranges_of_the_last_visit(cafe):
    facts = get_facts()
    for name in ("temperature", "risk", "lifecycle"):
        for value in FACTS[name].values:
            sql = str(CustomerSummary.objects.filter(getattr(facts, name).q(value, prefix="")).query)
            assert '"last_visit_at" ' in sql
            assert "CASE" not in sql
