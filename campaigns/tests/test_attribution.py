"""Whose message brought a visit: each visit counts once, for the last message whose days it lies in."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors import get_results
from campaigns.selectors.attribution import brought_by
from campaigns.selectors.pages import list_recipients
from campaigns.tests.helpers import make_campaign, send_now, set_rules
from customers.merging.services import merge_customers
from feedback.tests.helpers import make_customer, make_visit
from servaan_crm.core.actors import system
from servaan_crm.messaging.models import Message


@pytest.fixture(autouse=True)
def _account(settings: Any) -> None:
    settings.KAVENEGAR_API_KEY = "test-key"


def sent(at: datetime, **values: Any) -> Campaign:
    """A campaign to everybody whose messages all left at ``at``."""
    set_rules()
    campaign = send_now(make_campaign(**values))
    Message.objects.filter(group_id=campaign.pk).update(
        state="delivered", sent_at=at, delivered_at=at, cost=Decimal(100), provider_message_id="1"
    )
    Campaign.objects.filter(pk=campaign.pk).update(started_at=at, sent_at=at)
    campaign.refresh_from_db()
    return campaign


def counted(*campaigns: Campaign) -> list[int]:
    """The visits of each, after the results, the list and the page of guests were found to agree."""
    many = brought_by(one.pk for one in campaigns)
    for one in campaigns:
        found = get_results(one)
        assert (found.visits, found.revenue) == (many[one.pk].visits, many[one.pk].revenue)
        assert found.visitors == list_recipients(one, status="came").count()
    return [get_results(one).visits for one in campaigns]


def test_two_messages_of_one_moment_share_no_visit(cafe):
    guest = make_customer()
    now = timezone.now()
    one, two = sent(now - timedelta(days=2)), sent(now - timedelta(days=2))
    make_visit(guest, visit_date=now - timedelta(days=1))
    assert sorted(counted(one, two)) == [0, 1]


def test_a_message_whose_days_are_over_takes_no_visit_from_an_earlier_one(cafe):
    guest = make_customer()
    now = timezone.now()
    long, short = (
        sent(now - timedelta(days=20), attribution_days=30),
        sent(now - timedelta(days=10), attribution_days=2),
    )
    make_visit(guest, visit_date=now - timedelta(days=5))  # in the days of the first alone
    make_visit(guest, visit_date=now - timedelta(days=9))  # in the days of both: the later message's
    assert counted(long, short) == [1, 1]


def test_a_voided_visit_and_two_records_of_one_guest(cafe):
    now = timezone.now()
    kept, other = make_customer("سارا"), make_customer("سارا دوم")
    campaign = sent(now - timedelta(days=3))
    make_visit(kept, visit_date=now - timedelta(days=2), total_amount=100_000)
    make_visit(other, visit_date=now - timedelta(days=1), total_amount=300_000)
    make_visit(other, visit_date=now - timedelta(days=1), total_amount=900_000, voided_at=now)
    merge_customers(actor=system("test"), kept_id=kept.pk, merged_id=other.pk)
    assert counted(campaign) == [2]
    assert get_results(campaign).revenue == 400_000


def test_a_person_with_two_records_is_compared_once(cafe):
    kept, other, alone = (make_customer(f"سارا {number}") for number in range(3))
    campaign = sent(timezone.now() - timedelta(days=3), holdout_percent=10)
    left_out = [other.pk, alone.pk]
    CampaignDelivery.objects.filter(customer__in=left_out).update(state="holdout")
    CampaignDelivery.objects.filter(customer=kept).update(state="queued", message_id=campaign.pk)
    merge_customers(actor=system("test"), kept_id=kept.pk, merged_id=other.pk)
    found = get_results(campaign).lift
    assert found is not None
    assert (found.treated, found.control) == (1, 1)
