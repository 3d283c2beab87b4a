"""What ends while its campaign is paused goes out when somebody resumes it: once, and nothing else with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors.deliveries import delivery_rows, list_deliveries
from campaigns.services import feed, progress
from campaigns.tests.helpers import ACTOR, gateway, make_campaign, send_now, set_rules
from feedback.tests.helpers import make_customer
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import dispatch_until_idle, hold_group, resume_group
from servaan_crm.messaging.tests.helpers import run_in_threads


@pytest.fixture
def wire(settings: Any):
    """A gateway that answers, and no quiet time in the café of the test."""
    with gateway(settings) as running:
        yield running


def _texts(wire: Any) -> int:
    return sum(len(rows) for rows in wire.received().values())


def _time_is_over(campaign: Campaign, **which: Any) -> None:
    passed = timezone.now() - timedelta(seconds=1)
    Message.objects.filter(group_id=campaign.pk, state="queued", **which).update(expires_at=passed)
    dispatch_until_idle()


def _paused(guests: int) -> Campaign:
    set_rules()
    for number in range(guests):
        make_customer(name=f"مهمان {number}")
    campaign = send_now(make_campaign())
    services.pause_campaign(actor=ACTOR, campaign_id=campaign.pk)
    return campaign


def _resume(campaign: Campaign) -> None:
    services.resume_campaign(actor=ACTOR, campaign_id=campaign.pk)


def test_it_goes_out_once_with_two_workers(fresh_cafe, wire):
    fresh_cafe()
    campaign = _paused(30)
    _time_is_over(campaign)
    assert Message.objects.filter(state="expired", error_code="paused").count() == 30
    why = {row.why for row in delivery_rows(list(list_deliveries(campaign)))}
    assert why == {Message.objects.first().reason} != {""}
    assert _texts(wire) == 0
    _resume(campaign)
    run_in_threads(dispatch_until_idle, 2)
    assert _texts(wire) == 30 == len(wire.received())
    assert not Message.objects.exclude(state__in=["sent", "delivered"]).exists()
    feed.work_on(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status in {"sent", "completed"}


def test_two_rounds_of_pausing(fresh_cafe, wire):
    fresh_cafe()
    campaign = _paused(4)
    _time_is_over(campaign)
    _resume(campaign)
    services.pause_campaign(actor=ACTOR, campaign_id=campaign.pk)
    _time_is_over(campaign)
    _resume(campaign)
    dispatch_until_idle()
    assert _texts(wire) == 4


def test_what_may_have_been_out_stays_ended(fresh_cafe, wire):
    fresh_cafe()
    campaign = _paused(3)
    pinned = Message.objects.filter(group_id=campaign.pk).order_by("pk").first()
    Message.objects.filter(pk=pinned.pk).update(pinned=True, provider_account="default")
    _time_is_over(campaign)
    _resume(campaign)
    dispatch_until_idle()
    assert _texts(wire) == 2
    pinned.refresh_from_db()
    assert pinned.state == "expired"


def test_what_ended_for_another_reason_stays_ended(fresh_cafe, wire):
    fresh_cafe()
    set_rules()
    for number in range(2):
        make_customer(name=f"مهمان {number}")
    campaign = send_now(make_campaign())
    late = Message.objects.filter(group_id=campaign.pk).order_by("pk").first()
    passed = timezone.now() - timedelta(seconds=1)
    Message.objects.filter(pk=late.pk).update(expires_at=passed, not_before=passed + timedelta(hours=1))
    Message.objects.exclude(pk=late.pk).update(not_before=timezone.now() + timedelta(hours=1))
    dispatch_until_idle()
    services.pause_campaign(actor=ACTOR, campaign_id=campaign.pk)
    _resume(campaign)
    late.refresh_from_db()
    assert (late.state, late.error_code) == ("expired", "late")


def test_a_message_that_was_tried_again_does_not_come_back_beside_its_successor(fresh_cafe, wire):
    """Ended while the feature was off, tried again by hand, paused and resumed: one message for each guest."""
    fresh_cafe()
    set_rules()
    for number in range(5):
        make_customer(name=f"مهمان {number}")
    campaign = send_now(make_campaign())
    hold_group(campaign.pk)
    _time_is_over(campaign)
    resume_group(campaign.pk)
    progress.settle(campaign.pk)
    assert services.retry_failed(actor=ACTOR, campaign_id=campaign.pk) == 5
    feed.work_on(campaign.pk)
    assert Message.objects.filter(group_id=campaign.pk).count() == 10
    services.pause_campaign(actor=ACTOR, campaign_id=campaign.pk)
    _time_is_over(campaign)
    _resume(campaign)
    dispatch_until_idle()
    assert _texts(wire) == 5
    assert CampaignDelivery.objects.filter(campaign=campaign, attempt=1).count() == 5
