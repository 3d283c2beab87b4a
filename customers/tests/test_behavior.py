"""Behaviour of guests, against plain Python over random visits; its shapes, its words and its price."""

import datetime as dt
import itertools
import random
import statistics
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django_tenants.utils import tenant_context

from customers.models import Customer, Visit
from customers.selectors import get_customer
from customers.selectors.behavior import Trend, day_part, get_behavior, preferred
from customers.selectors.favourites import favourite_categories, favourite_items
from customers.selectors.rhythm import get_rhythms
from customers.selectors.summary import customer_summary
from customers.services.visits import recount_summary
from customers.tests.factories import make_customer, make_visit
from customers.web.behavior import rhythm_words
from feedback.services import record_feedback
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.actors import system
from servaan_crm.l10n.jalali import add_months, local_date, month_of
from servaan_crm.l10n.locale import IN, IR, use_locale

URL = "/api/crm/customers"
MENU = [
    ("اسپرسو", "قهوه"),
    ("لاته", "قهوه"),
    ("کیک هویج", "کیک"),
    ("چای", "چای"),
    ("املت", ""),
    ("آب", "نوشیدنی"),
]


def random_visits(customer, rng, count):
    """Write visits of the last 500 days at any hour, some voided, with any items."""
    outlet, now = Outlet.objects.get(is_default=True), timezone.now()
    visits = []
    for number in range(1, count + 1):
        items = [
            {"item_id": None, "name": name, "category": category, "quantity": rng.randint(1, 4),
             "unit_price": 1000, "total_price": 2000}
            for name, category in rng.sample(MENU, rng.randint(0, 4))
        ]  # fmt: skip
        visits.append(
            Visit(
                customer=customer, visit_number=number, outlet=outlet, items=items,
                visit_date=now - dt.timedelta(minutes=rng.randint(1, 500 * 24 * 60)),
                total_amount=rng.randint(1, 900) * 1000, visit_type=rng.choice(Visit.VisitType.values),
                payment_method=rng.choice([*Visit.PaymentMethod.values, ""]),
                voided_at=now if rng.random() < 0.15 else None,
            )
        )  # fmt: skip
    Visit.objects.bulk_create(visits)
    customer.summary.last_visit_number = count
    recount_summary(customer.summary)
    customer.summary.save()
    return list(Visit.objects.filter(customer=customer, voided_at=None))


def gaps_of(visits, locale):
    days = sorted({local_date(visit.visit_date, locale) for visit in visits})
    return [(later - earlier).days for earlier, later in itertools.pairwise(days)], days


def check_rhythm(rhythm, visits, locale, today):
    gaps, days = gaps_of(visits, locale)
    assert (rhythm.visit_days, rhythm.gaps, rhythm.last_day) == (len(days), len(gaps), days[-1])
    if not gaps:
        assert (rhythm.mean, rhythm.median, rhythm.spread, rhythm.own_days) == (None, None, None, None)
        return
    median = statistics.median(gaps)
    assert rhythm.mean == pytest.approx(statistics.mean(gaps))
    assert rhythm.median == median
    assert rhythm.spread == statistics.median(abs(gap - median) for gap in gaps)
    if len(gaps) < 3:
        assert rhythm.next_expected is rhythm.own_days is rhythm.overdue_factor(today) is None
    else:
        assert rhythm.own_days == round(median)
        assert rhythm.next_expected == days[-1] + dt.timedelta(days=round(median))
        assert rhythm.overdue_factor(today) == round((today - days[-1]).days / round(median), 1)


def ranked(visits, what, since=None):
    """Return (name, bills) best first: by bills, pieces, the last time, the name."""
    bills, pieces, last = Counter(), Counter(), {}
    for visit in visits:
        for name in {item[what] for item in visit.items if item[what]}:
            last[name] = max(last.get(name, visit.visit_date), visit.visit_date)
            if since is None or visit.visit_date >= since:
                bills[name] += 1
                pieces[name] += sum(item["quantity"] for item in visit.items if item[what] == name)
    order = sorted(bills, key=lambda name: (-bills[name], -pieces[name], -last[name].timestamp(), name))
    return [(name, bills[name], pieces[name]) for name in order]


def most_common(visits, key):
    """Return the value seen most often, of equals the one seen last."""
    seen, last = Counter(), {}
    for visit in visits:
        if value := key(visit):
            seen[value] += 1
            last[value] = max(last.get(value, visit.visit_date), visit.visit_date)
    return max(seen, key=lambda value: (seen[value], last[value]), default=None)


@pytest.mark.parametrize("locale", [IR, IN], ids=["jalali", "gregorian"])
@pytest.mark.parametrize("seed", range(6))
def test_behavior_matches_plain_python(cafe, seed, locale):
    rng = random.Random(seed)
    guest = make_customer(1)
    visits = random_visits(guest, rng, rng.choice([3, 12, 60]))
    stranger = make_customer(2, "دیگری")
    random_visits(stranger, rng, 5)
    with use_locale(locale):
        behavior = get_behavior(get_customer(guest.pk))
        today = local_date(timezone.now())
        check_rhythm(behavior.rhythm, visits, locale, today)
        check_patterns(behavior.patterns, visits, locale)
        check_items(behavior, visits, today, locale)
        check_spending(behavior.spending, visits, today, locale)


def check_patterns(patterns, visits, locale):
    local = {visit.pk: visit.visit_date.astimezone(locale.tz) for visit in visits}
    hours = Counter((local[visit.pk].weekday(), local[visit.pk].hour) for visit in visits)
    assert {key: count.visits for key, count in patterns.hours.items()} == hours
    assert preferred(patterns.day_parts) == most_common(visits, lambda visit: day_part(local[visit.pk].hour))
    names = most_common(visits, lambda visit: f"{local[visit.pk].weekday()}")
    assert preferred(patterns.weekdays) == (None if names is None else int(names))
    assert preferred(patterns.payments) == most_common(visits, lambda visit: visit.payment_method)
    assert preferred(patterns.visit_types) == most_common(visits, lambda visit: visit.visit_type)
    assert sum(count.spent for count in patterns.visit_types.values()) == sum(v.final_amount for v in visits)


def check_items(behavior, visits, today, locale):
    first = add_months(today, -12, locale)
    since = dt.datetime.combine(first, dt.time.min, locale.tz)
    for found, what, most in ((behavior.items, "name", 5), (behavior.categories, "category", 3)):
        assert [(one.name, one.visits, one.quantity) for one in found.lifetime] == ranked(visits, what)[:most]
        recent = ranked(visits, what, since)[:most]
        assert [(one.name, one.visits, one.quantity) for one in found.recent] == recent


def check_spending(spending, visits, today, locale):
    by_month = Counter()
    for visit in visits:
        by_month[month_of(local_date(visit.visit_date, locale), locale)] += visit.final_amount
    assert len(spending.months) == 12
    assert month_of(spending.months[-1].first, locale) == month_of(today, locale)
    for month in spending.months:
        assert month.spent == by_month[month_of(month.first, locale)]
    ages = [((today - local_date(visit.visit_date, locale)).days, visit.final_amount) for visit in visits]
    trend = spending.trend
    assert trend.recent == sum(amount for age, amount in ages if age < 90)
    assert trend.previous == sum(amount for age, amount in ages if 90 <= age < 180)
    assert trend.previous_visits == sum(90 <= age < 180 for age, _amount in ages)
    if trend.known_days >= 180 and trend.previous_visits >= 2:
        assert float(trend.percent) == pytest.approx(
            float((trend.recent - trend.previous) * 100 / trend.previous), abs=0.06
        )
    else:
        assert (trend.percent, trend.status) == (None, "not_enough_data")


def test_pages_of_guests_get_what_each_one_gets(cafe):
    rng = random.Random(5)
    guests = [make_customer(number, f"guest {number}") for number in range(1, 9)]
    for guest in guests[1:]:
        random_visits(guest, rng, rng.randint(1, 20))
    ids = [guest.pk for guest in guests]
    with CaptureQueriesContext(connection) as queries:
        together = (get_rhythms(ids), favourite_items(ids), favourite_categories(ids))
    assert len(queries) == 3
    assert guests[0].pk not in together[0]
    for guest in guests[1:]:
        alone = (get_rhythms([guest.pk]), favourite_items([guest.pk]), favourite_categories([guest.pk]))
        assert [found.get(guest.pk) for found in together] == [found.get(guest.pk) for found in alone]


def test_trend_needs_two_spans_with_visits():
    trend = Trend(Decimal(150), Decimal(100), 3, 2, known_days=180)
    assert (trend.status, trend.percent) == ("ok", Decimal("50.0"))
    for fields in ({"known_days": 179}, {"previous_visits": 1}, {"previous": Decimal(0)}):
        values = {
            "recent": Decimal(150),
            "previous": Decimal(100),
            "recent_visits": 3,
            "previous_visits": 2,
            "known_days": 180,
        }
        assert Trend(**{**values, **fields}).percent is None


def test_api_of_a_regular_guest_and_of_a_new_one(cafe):
    guest, fresh = make_customer(1), make_customer(2, "تازه")
    for weeks in range(1, 6):
        make_visit(guest, 200_000, days_ago=7 * weeks, payment_method="card",
                   items=[{"name": "لاته", "category": "قهوه", "quantity": 1, "total_price": 200_000}])  # fmt: skip
    make_visit(guest, 999_000, days_ago=1, voided_at=timezone.now())
    client = cafe.api("staff")
    data = client.get(f"{URL}/{guest.pk}/behavior").json()["data"]["behavior"]
    today = local_date(timezone.now())
    assert data == {
        "customer_id": str(guest.pk), "avg_order_value": 200_000, "preferred_categories": ["قهوه"],
        "preferred_payment_method": "card", "avg_days_between_orders": 7, "preferred_items": ["لاته"],
        "peak_order_time": data["peak_order_time"], "preferred_weekday": data["preferred_weekday"],
        "preferred_visit_type": "dine_in", "total_orders": 5, "next_expected_visit": today.isoformat(),
        "rhythm": {"status": "ok", "mean_days": 7.0, "median_days": 7.0, "own_days": 7, "spread_days": 0.0,
                   "overdue_factor": 1.0},
        "spend_trend": {"status": "not_enough_data", "last_90_days": 1_000_000, "previous_90_days": 0,
                        "change_percent": None},
        "items": {"last_12_months": [{"name": "لاته", "visits": 5, "quantity": 5}],
                  "lifetime": [{"name": "لاته", "visits": 5, "quantity": 5}]},
        "categories": {"last_12_months": [{"name": "قهوه", "visits": 5, "quantity": 5}],
                       "lifetime": [{"name": "قهوه", "visits": 5, "quantity": 5}]},
    }  # fmt: skip
    nothing = client.get(f"{URL}/{fresh.pk}/behavior/").json()["data"]["behavior"]
    assert (nothing["avg_order_value"], nothing["preferred_items"], nothing["rhythm"]["status"]) == (
        0, [], "not_enough_data",
    )  # fmt: skip
    assert (
        nothing["peak_order_time"]
        is nothing["avg_days_between_orders"]
        is nothing["next_expected_visit"]
        is None
    )
    figures = client.get(f"{URL}/{guest.pk}/analytics").json()["data"]["analytics"]
    assert sum(row["visits"] for row in figures["visits"]["by_hour"]) == 5
    assert next(row["weekday"] for row in figures["visits"]["by_weekday"]) == "saturday"
    assert sum(row["spent"] for row in figures["spend"]["by_month"]) == 1_000_000
    assert figures["satisfaction"] == {"ratings": 0, "average": None}
    assert client.get(f"{URL}/{guest.pk}/behavior?days=3").status_code == 400


def test_the_tab_tells_the_rhythm_in_words_at_a_fixed_price(cafe):
    guest = make_customer(1)
    browser, prices = cafe.browser("staff"), []
    address = f"/customers/{guest.pk}/tab/behavior/"
    assert (
        "figure"
        not in browser.get(address, headers={"HX-Request": "true", "HX-Target": "tab"}).content.decode()
    )
    for visits in (5, 40):
        for _number in range(visits):
            make_visit(guest, days_ago=10 * guest.summary.last_visit_number + 25)
        browser.get(address)
        with CaptureQueriesContext(connection) as queries:
            page = browser.get(address, headers={"HX-Request": "true", "HX-Target": "tab"})
        prices.append(len(queries))
    assert page.status_code == 200
    assert prices[0] == prices[1] <= 12
    text = page.content.decode()
    for words in ("اسپرسو", 'class="heat"', "<svg"):
        assert words in text
    assert "style=" not in text


def test_words_of_rhythms(cafe):
    expected = {1: "Comes nearly every day.", 7: "Comes about once a week.", 9: "Usually comes every 9 days.",
                15: "Usually comes every 15 days.", 31: "Comes about once a month."}  # fmt: skip
    for number, (days, words) in enumerate(expected.items(), start=1):
        guest = make_customer(number)
        for visit in range(5):
            make_visit(guest, days_ago=visit * days)
        with use_locale(IN), translation.override("en"):
            said = rhythm_words(get_behavior(get_customer(guest.pk)))
        assert said[0] == words
        assert said[-1].startswith("Expected around"), said
    late = make_customer(9)
    for visit in range(5):
        make_visit(late, days_ago=40 + visit * 10)
    with use_locale(IN), translation.override("en"):
        assert rhythm_words(get_behavior(get_customer(late.pk)))[-1] == "30 days later than usual by now."


def test_customer_summary_has_the_columns_of_the_design(cafe):
    guest = make_customer(1, "سارا کریمی", segment="regular", points=120, tier="silver")
    visit = make_visit(guest, 100_000, days_ago=3)
    make_visit(guest, 150_001, days_ago=2)
    actor = system("test")
    record_feedback(actor=actor, rating=4, source="manual", customer_id=guest.pk, visit_id=visit.pk)
    record_feedback(actor=actor, rating=5, source="manual", customer_id=guest.pk)
    never = make_customer(2, "تازه")
    Customer.objects.filter(pk=make_customer(3, "رفته").pk).update(deleted_at=timezone.now())
    rows = {row.id: row for row in customer_summary()}
    assert set(rows) == {guest.pk, never.pk}
    row = rows[guest.pk]
    assert (row.segment, row.current_points, row.tier_level, row.lifetime_spent, row.total_visits) == (
        "regular", 120, "silver", 250_001, 2,
    )  # fmt: skip
    assert (row.avg_rating, row.days_since_last_visit, row.avg_spend_per_visit) == (
        Decimal("4.50"),
        2,
        125_000,
    )
    assert row.last_visit == row.last_visit_date == guest.summary.last_visit_at
    empty = rows[never.pk]
    assert (empty.avg_rating, empty.days_since_last_visit, empty.avg_spend_per_visit) == (None, 0, 0)
    with CaptureQueriesContext(connection) as queries:
        customer_summary()
    assert len(queries) == 1


@pytest.mark.parametrize("path", ["behavior", "analytics"])
def test_who_may_ask_and_about_whom(cafe, other_cafe, path):
    guest = make_customer(1)
    with tenant_context(other_cafe.cafe):
        neighbour = make_customer("09120000777", "همسایه")
    for role in ("owner", "manager", "staff", "agent", "integrator"):
        assert cafe.api(role).get(f"{URL}/{guest.pk}/{path}").status_code == 200
    assert cafe.api(None).get(f"{URL}/{guest.pk}/{path}").status_code == 401
    refused = cafe.api().get(f"{URL}/{neighbour.pk}/{path}")
    assert (refused.status_code, refused.data["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")
    assert cafe.browser().get(f"/customers/{neighbour.pk}/tab/behavior/").status_code == 404
