"""Tiers rise at once, fall at the end of their period and its grace only, and never in between."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django_tenants.utils import tenant_context

from checkout.tests.invariants import assert_books_agree
from customers.models import Customer, CustomerSummary
from loyalty.models import LedgerEntry, LoyaltyAccount, Tier, TierChange
from loyalty.services import rounds
from loyalty.services.tier_review import review_tiers
from loyalty.tests.time import account, clock, member, move, rules, told
from servaan_crm.l10n.jalali import from_jalali
from servaan_crm.l10n.locale import use_locale

J, D = from_jalali, dt.date
ORDER = ["bronze", "silver", "gold", "platinum"]


def standing(guest):
    left = account(guest)
    assert CustomerSummary.objects.get(pk=guest.pk).tier == left.tier
    return left.tier, left.tier_expires_date


def test_twelve_months_a_period_and_its_grace(cafe, monkeypatch):
    """Silver from 1,000 points in 12 months, for 12 months, with 10 days of grace; 30 Esfand included."""
    rules(tier_basis="points_12_months", tier_period_months=12, tier_grace_days=10)
    clock(monkeypatch, J(1403, 12, 30))
    falls, stays = member(1200), member(1200)
    end = J(1404, 12, 29)
    assert standing(falls) == standing(stays) == ("silver", end)
    clock(monkeypatch, J(1404, 6, 1))
    move(stays, 1100)
    move(falls, 100)
    clock(monkeypatch, J(1405, 1, 10))  # ten days after the end: the last one of grace
    assert review_tiers() == 0
    assert standing(falls) == ("silver", end)
    clock(monkeypatch, J(1405, 1, 11))
    assert (review_tiers(), review_tiers()) == (1, 0)
    assert standing(falls) == ("bronze", None)
    assert standing(stays) == ("silver", J(1405, 12, 29))  # without a gap, and no later for the days of grace
    change = TierChange.objects.get(customer=falls, reason="period_end")
    assert (change.from_tier, change.to_tier, change.visit) == ("silver", "bronze", None)
    assert told("loyalty.tier_changed")[-1] == {
        "customer_id": str(falls.pk), "from_tier": "silver", "to_tier": "bronze",
    }  # fmt: skip
    assert account(falls).tier_start_date == J(1405, 1, 11)
    assert account(stays).tier_start_date == J(1403, 12, 30)
    assert_books_agree()


def test_a_lowered_threshold_raises_and_a_raised_one_waits(cafe, monkeypatch):
    rules(tier_period_months=1)
    clock(monkeypatch, J(1404, 1, 31))
    small, large = member(600), member(1500)
    Tier.objects.filter(level="silver").update(threshold=500)
    Tier.objects.filter(level="gold").update(threshold=2000)
    assert review_tiers() == 1
    assert standing(small) == standing(large) == ("silver", J(1404, 2, 31))
    assert TierChange.objects.get(customer=small).reason == "threshold"
    Tier.objects.filter(level="silver").update(threshold=1000)
    clock(monkeypatch, J(1404, 2, 31))
    assert review_tiers() == 0
    clock(monkeypatch, J(1404, 3, 1))
    assert review_tiers() == 1
    assert (standing(small), standing(large)) == (("bronze", None), ("silver", J(1404, 3, 31)))
    # A job that did not run for months leaves no gap of periods behind, and no period that is over.
    clock(monkeypatch, J(1404, 7, 2))
    assert review_tiers() == 0
    assert standing(large) == ("silver", J(1404, 7, 30))


def test_lifetime_spend_and_deleted_guests(cafe, monkeypatch):
    rules(tier_basis="lifetime_spend")
    Tier.objects.filter(level="gold").update(threshold=Decimal("2500000"))
    clock(monkeypatch, D(2025, 5, 5))
    spent = {"summary": {"lifetime_spent": Decimal("2500000")}}
    guest, gone, poor = member(5, **spent), member(5, **spent), member(5)
    for who in (guest, gone):
        LoyaltyAccount.objects.filter(pk=who.pk).update(tier="bronze")
        CustomerSummary.objects.filter(pk=who.pk).update(tier="bronze")
    Customer.objects.filter(pk=gone.pk).update(deleted_at=dt.datetime(2025, 5, 5, tzinfo=dt.UTC))
    assert review_tiers() == 1
    assert [account(who).tier for who in (guest, gone, poor)] == ["gold", "bronze", "bronze"]


def test_turning_a_period_on_and_off(cafe, monkeypatch):
    clock(monkeypatch, J(1404, 6, 31))
    silver, bronze = member(1200), member(10)
    assert review_tiers() == 0
    assert standing(silver) == ("silver", None)
    rules(tier_period_months=6)
    assert review_tiers() == 0
    assert (standing(silver), standing(bronze)) == (("silver", J(1404, 12, 29)), ("bronze", None))
    rules(tier_period_months=None)
    clock(monkeypatch, J(1405, 6, 1))
    review_tiers()
    assert standing(silver) == ("silver", None)


@pytest.mark.parametrize("which", ["cafe", "indian_cafe"])
@pytest.mark.parametrize("basis", ["lifetime_points", "points_12_months", "lifetime_spend"])
def test_random_guests_against_a_plain_reading(request, cafe, monkeypatch, which, basis):
    cast = request.getfixturevalue(which)
    rng = random.Random(f"{which} {basis}")
    monkeypatch.setattr(rounds, "BATCH", 4)
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        today = D(2026, 3, 21)
        guests = []
        for _ in range(15):
            clock(monkeypatch, today - dt.timedelta(days=rng.randint(200, 700)))
            guest = member(rng.choice([100, 900, 3000]))
            clock(monkeypatch, today - dt.timedelta(days=rng.randint(1, 390)))
            move(guest, rng.choice([50, 1500, 6000]), -40)
            spent = rng.choice([0, 1000, 4999, 5000, 20000])
            CustomerSummary.objects.filter(pk=guest.pk).update(lifetime_spent=spent)
            tier = rng.choice(ORDER)
            end = rng.choice([None, today, today - dt.timedelta(days=5), today - dt.timedelta(days=6)])
            LoyaltyAccount.objects.filter(pk=guest.pk).update(tier=tier, tier_expires_date=end)
            CustomerSummary.objects.filter(pk=guest.pk).update(tier=tier)
            guests.append(guest)
        rules(tier_basis=basis, tier_period_months=3, tier_grace_days=5)
        clock(monkeypatch, today)
        expected = {guest.pk: plain(guest, basis, today) for guest in guests}
        changed = sum(expected[guest.pk] != account(guest).tier for guest in guests)
        assert review_tiers() == changed > 2
        assert {guest.pk: standing(guest)[0] for guest in guests} == expected
        for guest in guests:
            tier, end = standing(guest)
            assert (end is None) == (tier == "bronze")
            # Periods that end today or are in their days of grace are left alone.
            assert end is None or end >= today - dt.timedelta(days=5)


def plain(guest, basis, today):
    """Read the rules for one guest: up at once, down when the end and five days are over."""
    left = account(guest)
    if basis == "lifetime_spend":
        measure = CustomerSummary.objects.get(pk=guest.pk).lifetime_spent
    else:
        rows = LedgerEntry.objects.filter(customer=guest, type="earned_bonus")
        since = D(2025, 3, 21)
        measure = sum(
            row.points for row in rows if basis == "lifetime_points" or row.created_at.date() >= since
        )
    thresholds = {tier.level: tier.threshold for tier in Tier.objects.all()}
    earned = max(level for level in range(4) if thresholds[ORDER[level]] <= measure)
    now = ORDER.index(left.tier)
    over = left.tier_expires_date is not None and left.tier_expires_date + dt.timedelta(days=5) < today
    return ORDER[earned if earned > now or over else now]
