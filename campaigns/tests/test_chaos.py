"""A campaign comes through a storm: each guest who wants it is reached exactly once, and the books say the same.

The short form is part of the suite; ``make chaos`` has the long one: 5,000 recipients and two workers.
"""

from __future__ import annotations

import os
import random
from decimal import Decimal

import pytest

from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors.statistics import get_figures
from campaigns.services import create_campaign, send_campaign
from campaigns.tests.storm import LINE, Storm, crash_safe_database, enter_guests, press_together
from checkout.tests.stack import running_stack
from servaan_crm.core.errors import DomainError
from servaan_crm.messaging.models import Message, SendingRules
from servaan_crm.messaging.services.rules import update_rules

LONG = int(os.environ.get("SERVAAN_CHAOS_GUESTS", "0"))
SEED = int(os.environ.get("SERVAAN_CHAOS_SEED", "1"))
GUESTS, UNWILLING, SECONDS, WORKERS = (LONG, LONG // 20, 150, 2) if LONG else (900, 60, 25, 1)


@pytest.mark.alone
@pytest.mark.timeout(1500)
def test_everybody_is_reached_once_in_any_weather(fresh_cafe, tmp_path, settings):
    cast = fresh_cafe()
    at = SendingRules.QUIET_FROM
    update_rules(actor=cast.owner.actor, changes={"quiet_from": at, "quiet_to": at, "cap_messages": None})
    enter_guests(GUESTS, unwilling=UNWILLING)
    campaign = create_campaign(
        actor=cast.owner.actor,
        values={
            "name": "طوفان",
            "type": "sms",
            "content": "{{name}} عزیز، قهوهٔ تازه رسید.",
            "valid_hours": 48,
        },
    )
    with crash_safe_database(), running_stack(tmp_path) as stack:
        settings.KAVENEGAR_BASE_URL, settings.KAVENEGAR_API_KEY = stack.gateway.url, "test-key"
        settings.KAVENEGAR_SENDER = stack.env["KAVENEGAR_SENDER"] = LINE
        stack.start_redis()
        stack.start_web()
        storm = Storm(cast, stack, campaign.pk, random.Random(SEED), workers=WORKERS)
        storm.reports_come_back(cast.host, stack.port)
        pressed = press_together(lambda: send_campaign(actor=cast.owner.actor, campaign_id=campaign.pk), 3)
        refusals = [got for got in pressed if isinstance(got, DomainError)]
        assert [refusal.code for refusal in refusals] == ["CAMPAIGN_ALREADY_SENT"] * 2, pressed
        storm.start_workers()
        storm.rage(SECONDS)
        storm.calm(120 if not LONG else 400)
        story = storm.story()
        print(story)
        _nobody_twice_nobody_lost(storm, story)
        _the_books_say_the_same(storm, campaign.pk, story)


def _nobody_twice_nobody_lost(storm: Storm, story: str) -> None:
    received = storm.stack.gateway.received()
    assert storm.stack.gateway.sent_once(), story
    assert all(len(texts) == 1 for texts in received.values()), story
    blocked = set(Message.objects.filter(state="blocked").values_list("recipient", flat=True))
    wanted = {f"0912{number:07d}" for number in range(GUESTS)}
    refused = {f"0{phone[3:]}" for phone in blocked}
    assert set(received) | refused == wanted, story
    assert not set(received) & refused, f"a no was not heard\n{story}"
    assert len(refused) <= len(storm.refusers), story
    for guest, said_no in storm.refusers.items():
        message = Message.objects.get(customer_id=guest)
        if message.state != "blocked":  # it was on the wire already, or arrived before
            assert message.claimed_at is not None
            assert message.sent_at is not None
            assert message.claimed_at.timestamp() <= said_no + 1, story


def _the_books_say_the_same(storm: Storm, campaign_id, story: str) -> None:
    campaign = Campaign.objects.get(pk=campaign_id)
    figures = get_figures(campaign)
    texts = [row for rows in storm.stack.gateway.received().values() for row in rows]
    delivered = sum(row["status"] == 10 for row in texts)
    assert not CampaignDelivery.objects.filter(campaign=campaign, state="waiting").exists(), story
    assert (figures.sent, figures.delivered) == (len(texts), delivered), story
    assert figures.actual_cost == sum(Decimal(row["cost"]) for row in texts), story
    assert Message.objects.filter(group_id=campaign.pk).count() == GUESTS, story
    assert not Message.objects.exclude(state__in=["delivered", "blocked"]).exists(), story
