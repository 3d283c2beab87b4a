"""The two statistics: shape, months of both calendars, and a plain recount of random data."""

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from analytics import periods
from analytics.selectors import get_customer_statistics, get_loyalty_statistics
from customers.models import Customer
from feedback.tests.helpers import make_customer, without_feature
from loyalty.models import LedgerEntry, LoyaltyAccount
from servaan_crm.l10n import jalali
from servaan_crm.l10n.locale import use_locale

CUSTOMERS = "/api/crm/customers/statistics"
LOYALTY = "/api/crm/loyalty/statistics"
TEHRAN = ZoneInfo("Asia/Tehran")
SEGMENTS = ["new", "occasional", "regular", "vip"]
TIERS = ["bronze", "silver", "gold", "platinum"]


def at(monkeypatch, moment):
    """Let it be ``moment`` for everything that asks what day it is."""
    monkeypatch.setattr(periods.timezone, "now", lambda: moment)


def tehran(year, month, day, hour=12, minute=0):
    return dt.datetime(year, month, day, hour, minute, tzinfo=TEHRAN)


def born(moment, **fields):
    return make_customer(created_at=moment, **fields)


def give(guest, movements):
    """Write ledger rows (type, points, time) of a guest and the account they add up to."""
    balance = earned = redeemed = 0
    for number, (kind, points, moment) in enumerate(movements, 1):
        balance += points
        if kind in LedgerEntry.EARNING_TYPES:
            earned += points
        else:
            redeemed -= points
        LedgerEntry.objects.create(
            customer=guest, sequence=number, type=kind, points=points, balance_after=balance, description="-",
            created_at=moment,
        )  # fmt: skip
    LoyaltyAccount.objects.create(
        customer=guest, balance=balance, last_sequence=len(movements), points_earned_total=earned,
        points_redeemed_total=redeemed,
    )  # fmt: skip


def test_an_empty_cafe_has_all_keys_and_invents_nothing(cafe):
    data = cafe.api("manager").get(CUSTOMERS).json()["data"]
    assert data == {
        "total": 0, "active": 0, "new_this_month": 0, "monthly_growth": None, "average_lifetime_value": 0,
        "average_visits_per_customer": 0, "by_segment": dict.fromkeys(SEGMENTS, 0),
        "by_tier": dict.fromkeys(TIERS, 0),
    }  # fmt: skip
    data = cafe.api("manager").get(LOYALTY).json()["data"]
    assert data == {
        "total_points_issued": 0, "total_points_redeemed": 0, "active_points": 0,
        "average_points_per_customer": 0, "tier_distribution": dict.fromkeys(TIERS, 0),
        "points_issued_this_month": 0, "points_redeemed_this_month": 0,
    }  # fmt: skip


@pytest.mark.parametrize("which", ["cafe", "indian_cafe"])
@pytest.mark.parametrize("seed", [1, 2])
def test_random_guests_against_a_plain_recount(request, cafe, which, seed):
    cast = request.getfixturevalue(which)
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        rng = random.Random(seed)
        guests = [random_guest(rng) for _n in range(40)]
        alive = [guest for guest in guests if guest.deleted_at is None]
        first, following = jalali.month_bounds(jalali.local_date(timezone.now()))
        new = [guest for guest in alive if first <= jalali.local_date(guest.created_at) < following]
        old = [guest for guest in alive if jalali.local_date(guest.created_at) < first]
        spent = sum((guest.summary.lifetime_spent for guest in alive), Decimal(0))
        segments, tiers = Counter(g.summary.segment for g in alive), Counter(g.summary.tier for g in alive)
        assert get_customer_statistics() == {
            "total": len(alive),
            "active": sum(guest.status == "active" for guest in alive),
            "new_this_month": len(new),
            "monthly_growth": round(Decimal(len(new)) * 100 / len(old), 1) if old else None,
            "average_lifetime_value": round(spent / len(alive), 2),
            "average_visits_per_customer": round(
                Decimal(sum(g.summary.total_visits for g in alive)) / len(alive), 2
            ),
            "by_segment": {name: segments[name] for name in SEGMENTS},
            "by_tier": {name: tiers[name] for name in TIERS},
        }
        rows = [row for guest in alive for row in guest.ledger_entries.all()]
        issued = [row for row in rows if row.type in LedgerEntry.EARNING_TYPES]
        used = [row for row in rows if "redeemed" in row.type or row.type == "reversed_redemption"]
        statistics = get_loyalty_statistics()
        assert statistics["total_points_issued"] == sum(row.points for row in issued)
        assert statistics["total_points_redeemed"] == -sum(row.points for row in used)
        assert statistics["active_points"] == sum(row.points for row in rows)
        assert statistics["points_issued_this_month"] == sum(
            row.points for row in issued if first <= jalali.local_date(row.created_at) < following
        )
        assert statistics["points_redeemed_this_month"] == -sum(
            row.points for row in used if first <= jalali.local_date(row.created_at) < following
        )


def random_guest(rng):
    now = timezone.now()
    guest = born(
        now - dt.timedelta(days=rng.random() * 90),
        phone=f"+98912{rng.randrange(10**7):07d}",
        status=rng.choice(["active", "active", "inactive", "blocked"]),
        deleted_at=now if rng.random() < 0.2 else None,
        summary={
            "total_visits": (visits := rng.randrange(30)), "last_visit_number": visits,
            "lifetime_spent": Decimal(rng.randrange(10**9)) / 100,
            "segment": rng.choice(SEGMENTS), "tier": rng.choice(TIERS),
        },
    )  # fmt: skip
    moments = sorted(now - dt.timedelta(days=rng.random() * 60) for _n in range(6))
    earned = rng.randrange(50, 500)
    give(guest, [
        ("earned_purchase", earned, moments[0]), ("redeemed_discount", -(earned // 2), moments[1]),
        ("reversed_earning", -(earned // 4), moments[2]), ("reversed_redemption", 5, moments[3]),
        ("expired", -3, moments[4]), ("adjustment_subtract", -2, moments[5]),
    ])  # fmt: skip
    return Customer.objects.select_related("summary").get(pk=guest.pk)


def test_the_month_turns_at_midnight_in_tehran_and_at_the_end_of_esfand(cafe, monkeypatch):
    # 1403 is a leap year: 30 Esfand 1403 is 2025-03-20, Nowruz 1404 is 2025-03-21.
    born(tehran(2025, 2, 18, 23, 59))  # 30 Bahman
    born(tehran(2025, 2, 19, 0, 0))  # 1 Esfand
    born(tehran(2025, 3, 20, 23, 59))  # 30 Esfand, still 20:29 UTC
    born(tehran(2025, 3, 21, 0, 0))  # Nowruz, in UTC the day before
    at(monkeypatch, tehran(2025, 3, 20, 23, 59))
    esfand = get_customer_statistics()
    assert (esfand["new_this_month"], esfand["monthly_growth"]) == (2, 200)
    at(monkeypatch, tehran(2025, 3, 21, 0, 0))
    farvardin = get_customer_statistics()
    assert (farvardin["new_this_month"], farvardin["monthly_growth"]) == (1, Decimal("33.3"))


def test_an_indian_cafe_counts_in_its_own_months(indian_cafe, cafe, monkeypatch):
    with tenant_context(indian_cafe.cafe), use_locale(indian_cafe.cafe.locale):
        kolkata = ZoneInfo("Asia/Kolkata")
        born(dt.datetime(2025, 2, 28, 23, 59, tzinfo=kolkata), phone="+919876543210")
        born(dt.datetime(2025, 3, 1, 0, 0, tzinfo=kolkata), phone="+919876543211")
        at(monkeypatch, dt.datetime(2025, 3, 20, tzinfo=kolkata))
        assert get_customer_statistics()["new_this_month"] == 1


def test_a_range_restricts_the_figures_of_flow_only(cafe, monkeypatch):
    at(monkeypatch, tehran(2025, 5, 10))
    old = born(tehran(2025, 1, 1))
    born(tehran(2025, 5, 3, 23, 59))
    born(tehran(2025, 5, 4, 0, 0))
    give(old, [("earned_bonus", 100, tehran(2025, 5, 3)), ("earned_bonus", 7, tehran(2025, 5, 9)),
               ("expired", -2, tehran(2025, 5, 10))])  # fmt: skip
    client = cafe.api("manager")
    week = client.get(CUSTOMERS, {"time_range": "7d"}).json()["data"]
    assert (week["total"], week["new_this_month"], week["monthly_growth"]) == (3, 1, 50)
    assert client.get(CUSTOMERS, {"time_range": "1y"}).json()["data"]["new_this_month"] == 3
    jalali_dates = {"from": "1404-02-13", "to": "1404-02-13"}  # 2025-05-03
    assert client.get(CUSTOMERS, jalali_dates).json()["data"]["new_this_month"] == 1
    points = client.get(LOYALTY, {"from": "2025-05-04"}).json()["data"]
    assert (points["points_issued_this_month"], points["points_redeemed_this_month"]) == (7, 0)
    assert (points["total_points_issued"], points["active_points"]) == (107, 105)


@pytest.mark.parametrize(("query", "field"), [
    ({"time_range": "8d"}, "time_range"),
    ({"time_range": "7d", "from": "2025-01-01"}, "time_range"),
    ({"to": "2025-01-01"}, "from"),
    ({"from": "2025-02-01", "to": "2025-01-01"}, "from"),
    ({"from": "soon"}, "from"),
    ({"timeRange": "7d"}, "timeRange"),
])  # fmt: skip
@pytest.mark.parametrize("url", [CUSTOMERS, LOYALTY])
def test_unknown_queries_are_errors(cafe, url, query, field):
    answer = cafe.api("manager").get(url, query)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]


@pytest.mark.parametrize(("role", "status"), [
    ("owner", 200), ("manager", 200), ("staff", 403), ("agent", 403), ("integrator", 403), (None, 401),
])  # fmt: skip
@pytest.mark.parametrize("url", [CUSTOMERS, LOYALTY, f"{CUSTOMERS}/"])
def test_roles(cafe, url, role, status):
    assert cafe.api(role).get(url).status_code == status


@pytest.mark.parametrize(("url", "feature"), [
    (CUSTOMERS, "analytics"), (CUSTOMERS, "crm"), (LOYALTY, "loyalty"), (LOYALTY, "analytics"),
])  # fmt: skip
def test_switched_off(cafe, url, feature):
    with without_feature(cafe, feature):
        answer = cafe.api("owner").get(url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FEATURE_DISABLED")


def test_the_neighbours_guests_do_not_count(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        give(make_customer(), [("earned_bonus", 500, timezone.now())])
    client = cafe.api("owner")
    assert client.get(CUSTOMERS).json()["data"]["total"] == 0
    assert client.get(LOYALTY).json()["data"]["total_points_issued"] == 0
