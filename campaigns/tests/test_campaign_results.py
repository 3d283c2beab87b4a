"""What a campaign brought: attribution by hand, and the lift against figures from the literature."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lift import lift, newcombe, size_needed
from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors import get_results
from campaigns.tests.helpers import make_campaign, send_now, set_rules
from feedback.tests.helpers import make_customer, make_visit
from servaan_crm.messaging.models import Message

# Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10.
NEWCOMBE = [
    (56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926), (0, 10, 0, 20, -0.1611, 0.2775), (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0), (10, 10, 0, 10, 0.6075, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("came", "of", "came_2", "of_2", "low", "high"), NEWCOMBE)
def test_the_interval_is_the_published_one(came, of, came_2, of_2, low, high):
    difference, below, above = newcombe(came, of, came_2, of_2)
    assert difference == pytest.approx(came / of - came_2 / of_2)
    assert (round(below, 4), round(above, 4)) == (low, high)


def test_the_size_is_the_textbook_one():
    # Fleiss, Levin, Paik (2003), without correction: 0.60 against 0.70 needs 356 in each group, 0.10 against 0.20 199.
    assert size_needed(0.6, 0.7) in (354, 355, 356)
    assert size_needed(0.1, 0.2) in (197, 198, 199)


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_the_interval_holds_the_difference_and_says_only_what_it_knows(treated, control, data):
    came, held = data.draw(st.integers(0, treated)), data.draw(st.integers(0, control))
    found = lift(treated, came, control, held)
    assert found is not None
    assert -100 <= found.low <= found.difference <= found.high <= 100
    assert found.is_conclusive == (found.low > 0 or found.high < 0 or found.extra_visitors is not None)
    assert not (found.is_conclusive and found.more_needed)
    mirrored = lift(control, held, treated, came)
    assert mirrored is not None
    assert (mirrored.low, mirrored.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_nothing_to_compare_says_nothing():
    assert lift(10, 5, 0, 0) is None
    with pytest.raises(ValueError, match="more guests"):
        lift(3, 4, 1, 0)


@pytest.fixture
def _account(settings):
    settings.KAVENEGAR_API_KEY = "test-key"


def _sent(campaign: Campaign, at) -> None:
    Message.objects.filter(group_id=campaign.pk).update(
        state="delivered", sent_at=at, delivered_at=at, cost=Decimal(100), provider_message_id="1"
    )
    Campaign.objects.filter(pk=campaign.pk).update(started_at=at, sent_at=at)
    campaign.refresh_from_db()


@pytest.mark.usefixtures("_account")
def test_a_visit_belongs_to_the_last_message_before_it(cafe):
    set_rules()
    guests = [make_customer() for _number in range(3)]
    now = timezone.now()
    first, second = send_now(make_campaign()), send_now(make_campaign())
    _sent(first, now - timedelta(days=6))
    _sent(second, now - timedelta(days=3))
    make_visit(guests[0], visit_date=now - timedelta(days=5), total_amount=1_000_000)  # the first one's
    make_visit(guests[0], visit_date=now - timedelta(days=1), total_amount=200_000)  # the second one's
    make_visit(guests[1], visit_date=now - timedelta(days=7), total_amount=900_000)  # before both
    make_visit(guests[1], visit_date=now - timedelta(days=4), total_amount=50_000, voided_at=now)
    make_visit(guests[2], visit_date=now - timedelta(days=2), total_amount=400_000, discount_amount=100_000)
    one, two = get_results(first), get_results(second)
    assert (one.reached, one.visitors, one.visits, one.revenue) == (3, 1, 1, 1_000_000)
    assert (two.reached, two.visitors, two.visits, two.revenue) == (3, 2, 2, 500_000)
    assert (two.cost, two.roi) == (300, round(100 * (500_000 - 300) / 300, 1))
    assert not one.is_final


@pytest.mark.usefixtures("_account")
def test_lift_compares_all_who_were_drawn(cafe):
    set_rules()
    guests = [make_customer() for _number in range(80)]
    campaign = send_now(make_campaign(holdout_percent=50))
    _sent(campaign, timezone.now() - timedelta(days=2))
    held = set(CampaignDelivery.objects.filter(state="holdout").values_list("customer_id", flat=True))
    treated = [one for one in guests if one.pk not in held]
    for one in treated[: len(treated) // 2]:
        make_visit(one, visit_date=timezone.now() - timedelta(days=1))
    found = get_results(campaign).lift
    assert found is not None
    assert (found.treated, found.control, found.control_came) == (len(treated), len(held), 0)
    assert found.is_conclusive
    assert found.extra_visitors == len(treated) // 2
