"""The reports of the club: figures equal what is behind them, months are the café's own, nothing is invented."""

import csv
import datetime as dt
import io

import pytest
from django_tenants.utils import tenant_context

from checkout.tests.invariants import assert_books_agree
from customers.merging.services import merge_customers, undo_merge
from customers.models import Customer, MenuItem
from loyalty.models import Reward
from loyalty.services import adjust_points
from loyalty.services.expiry import expire_points
from loyalty.tests.time import clock, member, move, rules
from servaan_crm.l10n.jalali import from_jalali as J
from servaan_crm.l10n.locale import use_locale

FLOW, OWED, ENTRIES = (f"/api/crm/loyalty/{part}" for part in ("flow", "liability", "entries"))
ZERO = {"issued": 0, "redeemed": 0, "expired": 0, "corrected": 0}


def data(cast, url, **query):
    answer = cast.api("manager").get(url, query)
    assert answer.status_code == 200, answer.json()
    return answer.json()["data"]


@pytest.fixture
def year(cafe, monkeypatch):
    """Two guests over Nowruz 1405, points valid for two months."""
    rules(expiry_months=2)
    clock(monkeypatch, J(1404, 11, 30))
    one, other = member(500, name="سارا"), member(300, name="رضا")
    clock(monkeypatch, J(1404, 12, 29))
    move(one, -120)
    clock(monkeypatch, J(1405, 1, 1))
    move(other, 50)
    adjust_points(actor=cafe.manager.actor, customer_id=other.pk, points=-10, reason="اشتباه")
    clock(monkeypatch, J(1405, 2, 1))
    expire_points()
    return one, other


def test_flow_by_the_month_with_the_rows_behind_it(cafe, year):
    found = data(cafe, FLOW, **{"from": "1404-11-01", "to": "1405-02-31"})
    assert [(m["month"], m["issued"], m["redeemed"], m["expired"], m["corrected"]) for m in found["months"]] == [
        ("1404-11", 800, 0, 0, 0), ("1404-12", 0, 120, 0, 0), ("1405-01", 50, 0, 0, 10), ("1405-02", 0, 0, 670, 0),
    ]  # fmt: skip
    assert found["total"] == {"issued": 850, "redeemed": 120, "expired": 670, "corrected": 10}
    for kind, points in found["total"].items():
        rows = data(cafe, ENTRIES, kind=kind, **{"from": "1404-11-01"})["entries"]
        assert abs(sum(row["points_change"] for row in rows)) == points
    statistics = data(cafe, "/api/crm/loyalty/statistics", **{"from": "1405-01-01"})
    assert (statistics["total_points_issued"], statistics["total_points_redeemed"]) == (850, 120)
    assert statistics["active_points"] == 50
    assert (statistics["points_issued_this_month"], statistics["points_redeemed_this_month"]) == (50, 0)


def test_a_merge_moves_no_figure_and_a_deleted_guest_counts_nowhere(cafe, year):
    names = ("total_points_issued", "total_points_redeemed", "active_points", "points_issued_this_month")

    def figures():
        month = data(cafe, FLOW, time_range="90d")["total"]
        statistics = data(cafe, "/api/crm/loyalty/statistics", time_range="90d")
        return month, {name: statistics[name] for name in names}

    one, other = year
    before = figures()
    move(one, 90)  # so that both have lots
    before[0]["issued"] += 90
    before[1].update({name: before[1][name] + 90 for name in
                      ("total_points_issued", "active_points", "points_issued_this_month")})  # fmt: skip
    merge = merge_customers(actor=cafe.manager.actor, kept_id=one.pk, merged_id=other.pk)
    assert figures() == before
    undo_merge(actor=cafe.manager.actor, merge_id=merge.pk)
    assert figures() == before
    assert_books_agree()
    Customer.objects.filter(pk__in=[one.pk, other.pk]).update(deleted_at=dt.datetime.now(dt.UTC))
    assert figures()[0] == ZERO
    assert data(cafe, OWED)["outstanding_points"] == 0


def test_what_the_cafe_owes(cafe, year, monkeypatch):
    one, other = year
    clock(monkeypatch, J(1405, 2, 20))
    move(one, 1000)
    rules(expiry_months=None, point_value=100)
    move(other, 400)
    MenuItem.objects.create(name="لاته", price=900_000)
    for name, cost, value in (("لاته", 300, 1), ("کیک", 50, 200_000)):
        Reward.objects.create(name=name, item_name=name, kind="item", points_cost=cost, value=value)
    Reward.objects.create(
        name="off", kind="item", item_name="چای", value=1, points_cost=1000, is_active=False
    )
    found = data(cafe, OWED)
    assert [(m["month"], m["points"], m["value"]) for m in found["by_expiry_month"]] == [
        ("1405-03", 50, 5_000), ("1405-04", 1000, 100_000),
    ]  # fmt: skip
    assert (found["outstanding_points"], found["never_expiring_points"], found["value"]) == (
        1450,
        400,
        145_000,
    )
    # The latte costs 3,000 a point at today's price, not the 1 that was entered; the cake 4,000.
    assert found["cheapest_reward"] == {"reward": "لاته", "price": 900_000, "points_cost": 300}
    assert found["value_in_rewards"] == 1450 * 3000
    assert found["by_tier"] == {"bronze": 450, "silver": 1000, "gold": 0, "platinum": 0}
    assert found["expected_breakage"]["points"] is None
    assert found["expected_breakage"]["reason"]
    guests = f"{OWED}/guests"
    for query, points in (({}, 1450), ({"month": "1405-04"}, 1000), ({"never_expires": "true"}, 400),
                          ({"tier": "bronze"}, 450), ({"month": "1405-03", "tier": "bronze"}, 50)):  # fmt: skip
        rows = data(cafe, guests, **query)["guests"]
        assert sum(row["points"] for row in rows) == points
    # What is over today counts no more, though the night has not been there.
    clock(monkeypatch, J(1405, 4, 1))
    assert data(cafe, OWED)["outstanding_points"] == 1400


def test_breakage_is_the_cafes_own(cafe, monkeypatch):
    rules(expiry_months=1)
    for month in (2, 3, 4):
        clock(monkeypatch, J(1405, month, 5))
        guest = member(1000)
        move(guest, -400, 100)
    clock(monkeypatch, J(1405, 6, 1))
    expire_points()
    rules(expiry_months=12)
    member(2000)
    found = data(cafe, OWED)["expected_breakage"]
    # The lots of Khordad, Tir and Mordad: 3 × 1,100 points of which 3 × 700 were not used.
    assert found == {
        "points": 1272,
        "share": 0.6364,
        "ended_points": 3300,
        "unused_points": 2100,
        "reason": None,
    }


def test_months_of_an_indian_cafe(indian_cafe, cafe, monkeypatch):
    with tenant_context(indian_cafe.cafe), use_locale(indian_cafe.cafe.locale):
        rules(expiry_months=12)
        clock(monkeypatch, dt.date(2027, 2, 10))
        guest = member(100)
        assert [m["month"] for m in data(indian_cafe, OWED)["by_expiry_month"]] == ["2028-02"]
        lots = data(indian_cafe, f"/api/crm/customers/{guest.pk}/loyalty/lots")
        assert lots == {
            "usable_points": 100, "lots": [{"expires_on": "2028-02-29", "points": 100, "days_left": 384}],
        }  # fmt: skip


@pytest.mark.parametrize(("part", "query", "field"), [
    ("liability/guests", {"month": "1405-13"}, "month"),
    ("liability/guests", {"month": "1405-01", "never_expires": "true"}, "never_expires"),
    ("liability/guests", {"tier": "wood"}, "tier"),
    ("liability", {"month": "1405-01"}, "month"),
    ("entries", {}, "kind"),
    ("flow", {"from": "1300-01-01"}, "from"),
])  # fmt: skip
def test_unknown_questions_are_named(cafe, part, query, field):
    answer = cafe.api("manager").get(f"/api/crm/loyalty/{part}", query)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"]


def test_the_ledger_of_one_guest(cafe, year):
    one, _other = year
    url = f"/api/crm/customers/{one.pk}/loyalty/transactions"
    assert [row["transaction_type"] for row in data(cafe, url)["transactions"]] == [
        "expired", "redeemed_discount", "earned_bonus",
    ]  # fmt: skip
    assert [row["points_change"] for row in data(cafe, url, type="expired")["transactions"]] == [-380]
    in_esfand = data(cafe, url, **{"from": "1404-12-01", "to": "1404-12-29"})["transactions"]
    assert [row["points_change"] for row in in_esfand] == [-120]
    assert cafe.api("manager").get(url, {"kind": "expired"}).status_code == 400


def test_pages_and_files(cafe, year, monkeypatch):
    one, other = year
    clock(monkeypatch, J(1405, 2, 20))
    manager, staff = cafe.browser("manager"), cafe.browser("staff")
    tab = staff.get(f"/loyalty/ledger/{other.pk}/").content.decode()
    assert "۳۱ خرداد ۱۴۰۵" in tab  # what runs out next
    assert "۵۰" in tab
    narrowed = staff.get(f"/loyalty/ledger/{other.pk}/", {"type": "expired"}).content.decode()
    assert "۲۹۰" in narrowed
    assert "۲۹۰" in tab
    assert "+۳۰۰" in tab
    assert "+۳۰۰" not in narrowed
    assert staff.get(f"/loyalty/ledger/{other.pk}/export/").status_code == 403
    lines = rows_of(manager.get(f"/loyalty/ledger/{other.pk}/export/"))
    assert [row[3] for row in lines[1:]] == ["-290", "-10", "50", "300"]
    for path in ("", "?time_range=90d", "?from_date=1404/11/01&to_date=1405/02/20", "?from_date=nonsense"):
        assert manager.get(f"/loyalty/reports/{path}").status_code == 200
    assert staff.get("/loyalty/reports/").status_code == 403
    page = manager.get("/loyalty/reports/entries/?kind=expired&from_date=2026-01-01").content.decode()
    assert "سارا" in page
    assert "رضا" in page
    assert manager.get("/loyalty/reports/entries/?kind=x").status_code == 404
    assert "رضا" in manager.get("/loyalty/reports/guests/?month=1405-03").content.decode()
    assert manager.get("/loyalty/reports/guests/?month=1405-33").status_code == 404
    rows = rows_of(manager.get("/loyalty/reports/export/?from_date=1404/11/01"))
    assert ["1404-12", "0", "120", "0", "0"] in rows
    assert one.name in rows_of(manager.get("/loyalty/reports/entries/export/?kind=redeemed"))[1][0]


def rows_of(answer):
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.getvalue().decode().lstrip("\ufeff"))))
