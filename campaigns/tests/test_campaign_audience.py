"""Who gets a campaign: the query against a plain reading of the rules, and what must never change."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience import STEPS, bucket_of
from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors import preview_campaign
from campaigns.services.audience import build_audience
from campaigns.tests.helpers import make_campaign, set_rules
from customers.models import ConsentChange, Customer
from feedback.tests.helpers import make_customer
from servaan_crm.core.ids import snowflake, uuid7
from servaan_crm.messaging.models import BlockedNumber, InboundMessage, Message, PushSubscription

CHANNELS = ["sms", "email", "push", "instagram"]
GUEST = st.fixed_dictionaries({
    "status": st.sampled_from(["active", "inactive", "blocked"]),
    "allow_marketing": st.booleans(),
    "deleted": st.booleans(),
    "email": st.booleans(),
    "answers": st.lists(st.tuples(st.sampled_from([*CHANNELS, "all"]), st.booleans()), max_size=3),
    "on_blocked_list": st.booleans(),
    "had": st.integers(0, 3),
    "push": st.sampled_from(["", "good", "gone"]),
    "wrote_hours_ago": st.sampled_from([None, 1, 30]),
})  # fmt: skip


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.KAVENEGAR_API_KEY = "test-key"


def _enter(number: int, facts: dict[str, Any]) -> Customer:
    guest = make_customer(
        phone=f"+98913{number:07}", status=facts["status"], allow_marketing=facts["allow_marketing"],
        email=f"g{number}@example.com" if facts["email"] else "",
        deleted_at=timezone.now() if facts["deleted"] else None,
    )  # fmt: skip
    for channel, granted in facts["answers"]:
        ConsentChange.objects.create(customer=guest, channel=channel, granted=granted, source="staff")
    if facts["on_blocked_list"]:
        BlockedNumber.objects.create(account="default", recipient=guest.phone)
    for _number in range(facts["had"]):
        _message(guest)
    if facts["push"]:
        PushSubscription.objects.create(
            customer_id=guest.pk, endpoint=f"https://push/{uuid7()}", p256dh="k", auth="a",
            failed_at=timezone.now() if facts["push"] == "gone" else None,
        )  # fmt: skip
    if facts["wrote_hours_ago"]:
        InboundMessage.objects.create(
            provider="instagram", provider_message_id=str(uuid7()), channel="instagram", sender=f"ig{number}",
            customer_id=guest.pk, received_at=timezone.now() - dt.timedelta(hours=facts["wrote_hours_ago"]),
        )  # fmt: skip
    return guest


def _message(guest: Customer) -> None:
    now = timezone.now()
    Message.objects.create(
        id=uuid7(), local_id=snowflake(), purpose="marketing", kind="old", recipient=guest.phone, body="x", parts=1,
        customer_id=guest.pk, state="delivered", sent_at=now, delivered_at=now, expires_at=now,
        provider_message_id=str(snowflake()),
    )  # fmt: skip


def _verdict(channel: str, facts: dict[str, Any], guest: Customer, campaign: Campaign) -> str:
    """The rules as a person would say them."""
    if facts["deleted"]:
        return "absent"
    if facts["status"] == "blocked":
        return "blocked"
    if not facts["allow_marketing"]:
        return "no_consent"
    told = [granted for where, granted in facts["answers"] if where in (channel, "all")]
    if (told and not told[-1]) or (channel == "sms" and facts["on_blocked_list"]):
        return "opted_out"
    has = {"sms": True, "email": facts["email"], "push": facts["push"] == "good",
           "instagram": facts["wrote_hours_ago"] is not None}  # fmt: skip
    if not has[channel]:
        return "invalid"
    if facts["had"] >= 2:
        return "capped"
    if channel == "instagram" and facts["wrote_hours_ago"] > 24:
        return "no_window"
    return (
        "holdout"
        if bucket_of("holdout", campaign.pk, guest.pk) < campaign.holdout_percent * 100
        else "waiting"
    )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    book=st.lists(GUEST, min_size=1, max_size=8),
    channel=st.sampled_from(CHANNELS),
    holdout=st.sampled_from([0, 50]),
)
def test_everybody_is_judged_as_the_rules_say_and_the_funnel_adds_up(cafe, book, channel, holdout):
    from django.db import transaction

    with transaction.atomic():
        set_rules(cap_messages=2, cap_days=7)
        guests = [(_enter(number, facts), facts) for number, facts in enumerate(book)]
        campaign = make_campaign(type=channel, subject="سلام", holdout_percent=holdout)
        previewed = preview_campaign(campaign).funnel
        Campaign.objects.filter(pk=campaign.pk).update(status="sending", started_at=timezone.now())
        build_audience(campaign.pk)
        campaign.refresh_from_db()

        wanted = {guest.pk: _verdict(channel, facts, guest, campaign) for guest, facts in guests}
        rows = CampaignDelivery.objects.filter(campaign=campaign)
        found = {row.customer_id: row.reason or row.state for row in rows}
        assert found == {pk: verdict for pk, verdict in wanted.items() if verdict != "absent"}

        counts = Counter(found.values())
        funnel = campaign.funnel
        assert (
            funnel["audience"]
            == len(found)
            == sum(funnel[name] for name in (*STEPS, "holdout", "recipients"))
        )
        assert {name: funnel[name] for name in STEPS} == {name: counts[name] for name in STEPS}
        assert (funnel["recipients"], funnel["holdout"]) == (counts["waiting"], counts["holdout"])
        assert previewed.as_json() == funnel
        transaction.set_rollback(True)


def test_segments_are_alternatives_and_criteria_narrow_them(cafe):
    set_rules()
    gold = make_customer(summary={"tier": "gold", "total_visits": 9, "last_visit_number": 9})
    silver = make_customer(summary={"tier": "silver", "total_visits": 9, "last_visit_number": 9})
    make_customer(summary={"tier": "bronze", "total_visits": 9, "last_visit_number": 9})
    make_customer(summary={"tier": "gold", "total_visits": 1, "last_visit_number": 1})
    from segments.models import Segment

    for tier in ("gold", "silver"):
        Segment.objects.create(key=f"tier-{tier}", name=tier, criteria={"tier_level": [tier]})
    campaign = make_campaign(segments=["tier-gold", "tier-silver"], criteria={"visit_count": {"min": 5}})
    assert preview_campaign(campaign).recipients == 2
    Campaign.objects.filter(pk=campaign.pk).update(status="sending")
    build_audience(campaign.pk)
    assert set(campaign.deliveries.values_list("customer_id", flat=True)) == {gold.pk, silver.pk}


def test_holdout_and_texts_hang_on_campaign_and_guest_alone(cafe):
    set_rules()
    guests = [make_customer() for _number in range(120)]
    texts = [{"content": "اول"}, {"content": "دوم"}]
    campaign = make_campaign(holdout_percent=20, variants=texts, test_percent=50)
    other = make_campaign(holdout_percent=20)
    for one in (campaign, other):
        Campaign.objects.filter(pk=one.pk).update(status="sending")
        build_audience(one.pk)
    held = set(campaign.deliveries.filter(state="holdout").values_list("customer_id", flat=True))
    assert held == {one.pk for one in guests if bucket_of("holdout", campaign.pk, one.pk) < 2000}
    assert held != set(other.deliveries.filter(state="holdout").values_list("customer_id", flat=True))
    first = dict(campaign.deliveries.values_list("customer_id", "variant"))
    # The same draw again, in another order of the book and after a new guest.
    campaign.deliveries.all().delete()
    make_customer()
    Campaign.objects.filter(pk=campaign.pk).update(built_at=None)
    build_audience(campaign.pk)
    second = dict(campaign.deliveries.values_list("customer_id", "variant"))
    assert {pk: second[pk] for pk in first} == first
    assert set(first.values()) == {"", "A", "B"}


def test_a_number_no_account_reaches_is_invalid(cafe, settings):
    from servaan_crm.messaging.models import ProviderAccount

    set_rules()
    make_customer(phone="+919812345678")
    make_customer()
    ProviderAccount.objects.create(name="x", adapter="melipayamak", api_key="k", sender="5000")
    assert preview_campaign(make_campaign()).funnel.skipped["invalid"] == 1


def test_a_guess_is_marked_and_of_a_small_book_it_is_right(cafe, monkeypatch):
    from campaigns.selectors import preview as module

    set_rules()
    guests = [make_customer(status="blocked" if number < 4 else "active") for number in range(30)]
    campaign = make_campaign(holdout_percent=20)
    exact = preview_campaign(campaign).funnel
    monkeypatch.setattr(module, "MOST_COST", 0)
    monkeypatch.setattr(module, "FEW_GUESTS", -1)
    guess = preview_campaign(campaign)
    assert guess.is_estimate
    assert guess.funnel.is_estimate
    # All pages of a small table are drawn.
    scale = guess.funnel.audience / exact.audience
    assert guess.funnel.audience >= len(guests)
    assert guess.funnel.recipients == pytest.approx(exact.recipients * scale, abs=1)
    assert (
        sum([*guess.funnel.skipped.values(), guess.funnel.holdout, guess.funnel.recipients])
        == guess.funnel.audience
    )
