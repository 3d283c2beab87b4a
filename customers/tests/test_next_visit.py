"""The probability of the next visit against a plain recount, and what it says of too little."""

from __future__ import annotations

import datetime as dt
import random
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from customers.models import Visit
from customers.selectors.next_visit import Curve, backtest, curve_of, get_next_visit, probability
from customers.tests.factories import make_customer
from servaan_crm.accounts.models import Outlet

TODAY = dt.date(2026, 3, 1)


def plain_share(gaps: list[int], still_open: list[int], days: int) -> float:
    """The product-limit estimate as its definition says, day by day."""
    share = 1.0
    for day in range(days + 1):
        at_risk = sum(gap >= day for gap in gaps) + sum(wait >= day for wait in still_open)
        if at_risk:
            share *= 1 - gaps.count(day) / at_risk
    return share


@pytest.mark.parametrize("seed", range(8))
def test_curve_and_probability_against_a_plain_recount(seed):
    rng = random.Random(seed)
    gaps = [rng.randrange(1, 60) for _ in range(80)]
    still_open = [rng.randrange(0, 90) for _ in range(40)]
    curve = curve_of(gaps, still_open)
    for days in range(0, 100, 3):
        assert curve.at(days) == pytest.approx(plain_share(gaps, still_open, days))
    own = [5, 9, rng.randrange(1, 40), rng.randrange(1, 40)]
    waited = rng.randrange(0, 30)
    day = TODAY - timedelta(days=waited + sum(own))
    days = [day]
    for gap in own:
        days.append(days[-1] + timedelta(days=gap))
    left = plain_share(gaps, still_open, waited)
    cafes = 1 - plain_share(gaps, still_open, waited + 14) / left if left else 0
    tries = [gap for gap in own if gap > waited]
    hits = [gap for gap in tries if gap <= waited + 14]
    wanted = (len(hits) + 4 * cafes) / (len(tries) + 4)
    assert probability(days, TODAY, curve, 14) == pytest.approx(wanted)


def test_below_three_visit_days_nothing_is_said():
    curve = curve_of([7] * 50, [])
    days = [TODAY - timedelta(days=14), TODAY - timedelta(days=7)]
    assert probability(days, TODAY, curve) is None
    assert probability([*days, TODAY], TODAY, curve) == pytest.approx(1.0)
    assert probability([*days, TODAY], TODAY, Curve()) == pytest.approx(2 / 6)


def test_the_error_is_that_of_the_answers_of_then():
    """Guests who come every ten days are foreseen nearly without error, in spite of those who never came again."""
    regular = [[TODAY - timedelta(days=10 * n + 1) for n in range(20, -1, -1)] for _ in range(60)]
    gone = [[TODAY - timedelta(days=400 + 10 * n) for n in range(5, -1, -1)] for _ in range(60)]
    found = backtest(regular + gone, TODAY)
    assert found is not None
    assert found.guests == 120
    assert found.plain == pytest.approx(0.25)
    assert found.brier < 0.02
    assert backtest(regular[:10], TODAY) is None


def test_of_a_guest_in_the_database(cafe):
    cache.clear()
    outlet = Outlet.objects.get(is_default=True)
    guests = [make_customer(n, total_visits=4) for n in range(3)]
    for guest, count in zip(guests, (4, 2, 0), strict=True):
        for number in range(count):
            Visit.objects.create(
                customer=guest, visit_number=number + 1, outlet=outlet, total_amount=1,
                visit_date=timezone.now() - timedelta(days=7 * number + 3),
            )  # fmt: skip
    said, error = get_next_visit(guests[0].pk)
    assert said is not None
    assert 0.5 < said <= 1
    assert error is None  # three guests prove nothing
    assert get_next_visit(guests[1].pk) == (None, None)
    assert get_next_visit(guests[2].pk) == (None, None)
    tab = cafe.browser("manager").get(
        f"/customers/{guests[0].pk}/tab/behavior/", headers={"HX-Request": "true"}
    )
    assert re.search("۳۰ (days|روز)", tab.content.decode())
