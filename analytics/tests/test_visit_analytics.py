"""Visit analytics: a plain recount of random data, the café's midnight, permissions, queries."""

import datetime as dt
import random
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from analytics import periods
from customers.models import Visit
from customers.tests.factories import make_customer
from feedback.tests.helpers import without_feature
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n import jalali
from servaan_crm.l10n.locale import use_locale

URL = "/api/crm/visits/analytics"


def enter(customer, at, amount, *, outlet=None, discount=0, voided=False):
    number = Visit.objects.filter(customer=customer).count() + 1 if customer else None
    return Visit.objects.create(
        customer=customer, visit_number=number, visit_date=at, total_amount=amount, discount_amount=discount,
        outlet=outlet or Outlet.objects.get(is_default=True), voided_at=timezone.now() if voided else None,
    )  # fmt: skip


def mean(total, count):
    return float((Decimal(total) / count).quantize(Decimal("0.01"), ROUND_HALF_UP)) if count else 0


def recount(visits, first, last, outlet, zone, locale):
    """The answer in plain Python, from the rows alone."""
    mine = [v for v in visits if v.voided_at is None and (outlet is None or v.outlet_id == outlet.pk)]
    day = lambda v: v.visit_date.astimezone(zone).date()  # noqa: E731
    inside = [v for v in mine if first <= day(v) <= last]
    month = jalali.to_calendar(timezone.now().astimezone(zone).date(), locale)[:2]
    in_month = [v for v in mine if jalali.to_calendar(day(v), locale)[:2] == month]
    paid = lambda rows: sum(v.total_amount - v.discount_amount for v in rows)  # noqa: E731
    known, guests, hours, days = (
        [v for v in inside if v.customer_id],
        defaultdict(list),
        defaultdict(list),
        defaultdict(list),
    )
    for v in inside:
        hours[v.visit_date.astimezone(zone).hour].append(v)
        days[day(v)].append(v)
        if v.customer_id:
            guests[v.customer].append(v)
    top = sorted(
        (g for g in guests if g.deleted_at is None), key=lambda g: (-paid(guests[g]), -len(guests[g]), g.pk)
    )[:10]
    span = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return {
        "total_visits": len(inside), "total_revenue": paid(inside),
        "average_order_value": mean(paid(inside), len(inside)),
        "visits_this_month": len(in_month), "revenue_this_month": paid(in_month),
        "average_visits_per_customer": mean(len(known), len(guests)),
        "top_customers": [
            {"customer_id": str(g.pk), "customer_name": g.name, "total_spent": paid(guests[g]),
             "visit_count": len(guests[g])} for g in top
        ],
        "peak_hours": [
            {"hour": h, "visit_count": len(hours[h]), "revenue": paid(hours[h])} for h in range(24)
        ],
        "daily_revenue": [
            {"date": d.isoformat(), "revenue": paid(days[d]), "visit_count": len(days[d])} for d in span
        ],
    }  # fmt: skip


@pytest.mark.parametrize("which", ["cafe", "indian_cafe"])
@pytest.mark.parametrize("days", [7, 30, 90])
def test_against_a_plain_recount(request, cafe, which, days):
    cast = request.getfixturevalue(which)
    locale = cast.cafe.locale
    with tenant_context(cast.cafe), use_locale(locale):
        rng = random.Random(days)
        other = Outlet.objects.create(name="شعبه دو")
        prefix = "09120000" if which == "cafe" else "98765432"
        guests = [
            make_customer(f"{prefix}{n:03d}" if which == "cafe" else f"{prefix}{n:02d}") for n in range(14)
        ]
        guests[0].deleted_at = timezone.now()
        guests[0].save()
        now = timezone.now()
        visits = [
            enter(
                rng.choice([None, *guests]), now - dt.timedelta(days=rng.random() * 60),
                Decimal(rng.randrange(1, 90)) * 10_000, discount=Decimal(rng.choice([0, 5000])),
                outlet=rng.choice([None, other]), voided=rng.random() < 0.15,
            )
            for _n in range(150)
        ]  # fmt: skip
        last = now.astimezone(locale.tz).date()
        first = last - dt.timedelta(days=days - 1)
        expected = {
            outlet: recount(visits, first, last, outlet, locale.tz, locale) for outlet in (None, other)
        }
    client = cast.api("manager")
    for outlet, wanted in expected.items():
        asked = {"time_range": f"{days}d"} | ({"outlet": str(outlet.pk)} if outlet else {})
        data = client.get(URL, asked).json()["data"]
        assert data.pop("generated_at")
        assert data == wanted


def test_days_and_hours_are_those_of_tehran(cafe, monkeypatch):
    tehran = ZoneInfo("Asia/Tehran")
    monkeypatch.setattr(periods.timezone, "now", lambda: dt.datetime(2025, 3, 21, 12, tzinfo=tehran))
    enter(None, dt.datetime(2025, 3, 20, 23, 59, tzinfo=tehran), Decimal(100))  # 30 Esfand
    enter(None, dt.datetime(2025, 3, 21, 0, 0, tzinfo=tehran), Decimal(250))  # Nowruz, in UTC the day before
    data = cafe.api("manager").get(URL, {"from": "1403-12-30", "to": "1404-01-01"}).json()["data"]
    assert data["daily_revenue"] == [
        {"date": "2025-03-20", "revenue": 100, "visit_count": 1},
        {"date": "2025-03-21", "revenue": 250, "visit_count": 1},
    ]
    assert (data["peak_hours"][23]["revenue"], data["peak_hours"][0]["revenue"]) == (100, 250)
    assert (data["visits_this_month"], data["revenue_this_month"]) == (1, 250)


def test_an_empty_cafe_invents_nothing(cafe):
    data = cafe.api("manager").get(URL).json()["data"]
    assert (data["total_visits"], data["average_order_value"], data["top_customers"]) == (0, 0, [])
    assert (len(data["peak_hours"]), len(data["daily_revenue"])) == (24, 30)


def test_the_number_of_queries_does_not_grow(cafe, django_assert_num_queries):
    from analytics.selectors import get_visit_analytics

    guest = make_customer(1)
    for size in (3, 40):
        for n in range(size):
            enter(guest, timezone.now() - dt.timedelta(hours=n), Decimal(1000))
        with django_assert_num_queries(5):
            get_visit_analytics(periods.last_days(30))


@pytest.mark.parametrize(("query", "field"), [
    ({"time_range": "8d"}, "time_range"), ({"outlet": "x"}, "outlet"), ({"timeRange": "7d"}, "timeRange"),
    ({"outlet": "0198c0de-0000-7000-8000-000000000000"}, "outlet"), ({"from": "1000-01-01"}, "from"),
    ({"from": "2000-01-01"}, "from"),
])  # fmt: skip
def test_a_wrong_query_names_the_parameter(cafe, query, field):
    answer = cafe.api("manager").get(URL, query)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]


@pytest.mark.parametrize(("role", "status"), [
    ("owner", 200), ("manager", 200), ("staff", 403), ("agent", 403), ("integrator", 403), (None, 401),
])  # fmt: skip
def test_roles_features_and_the_neighbour(cafe, other_cafe, role, status):
    with tenant_context(other_cafe.cafe):
        enter(None, timezone.now(), Decimal(500_000))
    answer = cafe.api(role).get(f"{URL}/")
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["data"]["total_visits"] == 0
        with without_feature(cafe, "analytics"):
            assert cafe.api(role).get(URL).json()["error"]["code"] == "FEATURE_DISABLED"
