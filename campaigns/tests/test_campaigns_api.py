"""Campaigns over HTTP: the first specification word for word, and what every answer promises."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign, LinkClick, ShortLink
from campaigns.tests.helpers import ACTOR, make_campaign, send_now, set_rules
from customers.merging.services import merge_customers, undo_merge
from customers.models import Customer
from feedback.tests.helpers import make_customer
from segments.errors import SegmentInUse
from segments.models import Segment
from segments.services import delete_segment
from servaan_crm.l10n.jalali import from_jalali
from servaan_crm.messaging.models import Message

SEED = {
    "name": "کمپین تولد بهمن ماه",
    "description": "پیام تبریک تولد برای مشتریان متولد بهمن",
    "type": "sms",
    "target_segment": {"birthday_month": 11, "tier_levels": ["silver", "gold"], "last_visit_days": 30},
    "template_content": (
        "سلام {{name}} عزیز!  تولدت مبارک! با کد BIRTHDAY20 از 20% تخفیف ویژه استفاده کن. {{cafe_name}}"
    ),
    "scheduled_date": "2024-02-01T09:00:00Z",
    "send_immediately": False,
}


@pytest.fixture(autouse=True)
def account(settings: Any) -> None:
    settings.KAVENEGAR_API_KEY = "test-key"
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"campaigns": 1_000}


def _born_in_bahman(**summary: Any) -> Customer:
    figures = {"tier": "gold", "last_visit_at": timezone.now() - timedelta(days=3), "total_visits": 2,
               "last_visit_number": 2}  # fmt: skip
    return make_customer(birthday=from_jalali(1370, 11, 5), summary=figures | summary)


def test_the_first_specification_word_for_word(cafe):
    set_rules()
    guests = [_born_in_bahman() for _number in range(3)]
    _born_in_bahman(tier="bronze")
    api = cafe.api("manager")
    answer = api.post("/api/crm/campaigns", SEED, format="json")
    assert answer.status_code == 201, answer.content
    campaign = answer.json()["data"]["campaign"]
    assert {name: campaign[name] for name in SEED if name != "send_immediately"} == {
        name: given for name, given in SEED.items() if name != "send_immediately"
    }
    assert campaign["status"] == "draft"
    listed = api.get("/api/crm/campaigns").json()["data"]
    assert [row["id"] for row in listed["campaigns"]] == [campaign["id"]]

    sent = api.post(f"/api/crm/campaigns/{campaign['id']}/send")
    assert sent.status_code == 202, sent.content
    again = api.post(f"/api/crm/campaigns/{campaign['id']}/send")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CAMPAIGN_ALREADY_SENT")
    from campaigns.services.feed import work_on

    work_on(Campaign.objects.get().pk)
    first = guests[0]
    Message.objects.filter(customer_id=first.pk).update(
        state="delivered",
        sent_at=timezone.now(),
        delivered_at=timezone.now(),
        cost=50,
        provider_message_id="7",
    )
    Message.objects.exclude(customer_id=first.pk).update(
        state="undelivered", sent_at=timezone.now(), cost=50, provider_message_id="8"
    )
    data = api.get(f"/api/crm/campaigns/{campaign['id']}/stats").json()["data"]
    assert set(data) == {"campaign_id", "name", "status", "sent_at", "statistics", "delivery_details"}
    assert data["statistics"] == {
        "total_targeted": 3, "messages_sent": 3, "messages_delivered": 1, "messages_failed": 2,
        "delivery_rate": 33.3, "estimated_cost": data["statistics"]["estimated_cost"], "actual_cost": 150,
    }  # fmt: skip
    assert len(data["delivery_details"]) == 3
    detail = next(row for row in data["delivery_details"] if row["customer_id"] == str(first.pk))
    assert set(detail) == {"customer_id", "phone", "status", "delivered_at", "cost"}
    assert (detail["status"], detail["cost"], detail["phone"][:2]) == ("delivered", 50, "09")


def test_sent_at_once_scheduled_or_waiting_for_approval(cafe):
    set_rules()
    _born_in_bahman()
    api = cafe.api("manager")
    body = {"name": "x", "type": "sms", "template_content": "سلام"}
    at_once = api.post("/api/crm/campaigns", body | {"send_immediately": True}, format="json").json()
    assert at_once["data"]["campaign"]["status"] == "sending"
    later = (timezone.now() + timedelta(days=1)).isoformat()
    timed = api.post("/api/crm/campaigns", body | {"scheduled_date": later}, format="json").json()
    assert timed["data"]["campaign"]["status"] == "scheduled"
    set_rules(approval_above=1)
    _born_in_bahman()
    many = api.post("/api/crm/campaigns", body | {"send_immediately": True}, format="json").json()
    assert many["data"]["campaign"]["status"] == "pending_approval"


def test_the_same_key_creates_and_sends_once(cafe):
    set_rules()
    _born_in_bahman()
    api = cafe.api("manager")
    body = {"name": "x", "template_content": "سلام", "send_immediately": True}
    answers = [
        api.post("/api/crm/campaigns", body, format="json", HTTP_IDEMPOTENCY_KEY="once")
        for _number in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert (Campaign.objects.count(), answers[1]["Idempotent-Replay"]) == (1, "true")


def test_what_is_refused_says_why_and_changes_nothing(cafe):
    set_rules()
    api = cafe.api("manager")
    body = {"name": "x", "template_content": "سلام {{balance}}"}
    unknown = api.post("/api/crm/campaigns", body, format="json")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "INVALID_TEMPLATE")
    assert "{{cafe_name}}" in unknown.json()["error"]["details"]["template_content"][0]
    wrong = api.post(
        "/api/crm/campaigns", {"name": "x", "target_segment": {"no_such_field": 3}}, format="json"
    ).json()["error"]
    assert wrong["code"] == "INVALID_SEGMENT_CRITERIA"
    nobody = api.post("/api/crm/campaigns", {"name": "x", "template_content": "سلام", "send_immediately": True},
                      format="json")  # fmt: skip
    assert nobody.status_code == 409
    assert not Campaign.objects.exists()
    campaign = make_campaign()
    old = api.patch(f"/api/crm/campaigns/{campaign.pk}", {"name": "y"}, format="json", HTTP_IF_MATCH='"v9"')
    assert old.status_code == 409
    assert cafe.api("staff").get("/api/crm/campaigns").status_code == 403


def test_a_preview_writes_nothing_and_tells_parts_cost_and_texts(cafe):
    from servaan_crm.messaging.models import ProviderAccount

    set_rules()
    ProviderAccount.objects.create(
        name="x", adapter="kavenegar", api_key="k", tariff_persian=1_000, tariff_latin=2_500
    )
    guests = [_born_in_bahman() for _number in range(7)]
    make_customer(status="blocked")
    body = {"template_content": "س" * 60, "holdout_percent": 0}
    found = cafe.api("manager").post("/api/crm/campaigns/preview", body, format="json").json()["data"]
    assert found["funnel"]["audience"] == 8
    assert (found["funnel"]["blocked"], found["recipients"]) == (1, 7)
    # 60 letters and the seven of the line that says how to refuse: one part; ten letters more: two.
    assert (found["parts"], found["estimated_cost"], found["encoding"]) == (7, 7_000, "ucs2")
    assert len(found["samples"]) == 5
    assert found["samples"][0]["text"].endswith("\nلغو۱۱")
    assert {one["customer_id"] for one in found["samples"]} <= {str(one.pk) for one in guests}
    longer = (
        cafe.api("manager")
        .post("/api/crm/campaigns/preview", body | {"template_content": "س" * 70}, format="json")
        .json()["data"]
    )
    assert longer["parts"] == 14
    assert not Campaign.objects.exists()
    assert not Message.objects.exists()


def test_list_costs_the_same_whatever_it_holds(cafe, django_assert_max_num_queries):
    set_rules()
    _born_in_bahman()
    api = cafe.api("manager")
    for _number in range(2):
        send_now(make_campaign(variants=[{"content": "a"}, {"content": "b"}]))
    with django_assert_max_num_queries(16) as few:
        api.get("/api/crm/campaigns")
    for _number in range(4):
        send_now(make_campaign())
    with django_assert_max_num_queries(len(few)):
        assert len(api.get("/api/crm/campaigns").json()["data"]["campaigns"]) == 6


def test_links_lead_to_their_own_page_and_count_people(cafe):
    set_rules()
    guest = make_customer()
    campaign = send_now(make_campaign(content="{{link}}", link_url="https://example.com/menu?a=1"))
    link = ShortLink.objects.get(customer=guest)
    browser = cafe.browser(None)
    person = {"HTTP_USER_AGENT": "Mozilla/5.0 (Linux; Android 14) Chrome/120 Mobile Safari/537.36"}
    cache.clear()
    for agent in (
        person,
        person,
        {"HTTP_USER_AGENT": "WhatsApp/2.23"},
        {},
        person | {"HTTP_SEC_PURPOSE": "prefetch"},
    ):
        answer = browser.get(f"/l/{link.pk}?next=https://evil.example/", **agent)
        assert (answer.status_code, answer["Location"]) == (302, "https://example.com/menu?a=1")
    browser.head(f"/l/{link.pk}", **person)
    link.refresh_from_db()
    assert (link.clicks, LinkClick.objects.filter(is_machine=True).count()) == (2, 4)
    assert browser.get("/l/nothing1", **person).status_code == 404
    found = cafe.api("manager").get(f"/api/crm/campaigns/{campaign.pk}/results").json()["data"]["results"]
    assert (found["clicks"], found["clicked"]) == (2, 1)


def test_a_segment_in_use_stays_and_says_where(cafe):
    segment = Segment.objects.create(key="regulars", name="r", criteria={"visit_count": {"min": 2}})
    campaign = make_campaign(segments=["regulars"])
    with pytest.raises(SegmentInUse) as refused:
        delete_segment(actor=ACTOR, segment_id=segment.pk)
    assert refused.value.details["used_by"][0]["url"] == f"/campaigns/{campaign.pk}/"


def test_two_records_of_one_guest_get_one_message(cafe):
    set_rules()
    kept, merged, alone = make_customer(), make_customer(), make_customer()
    campaign = make_campaign()
    services.send_campaign(actor=ACTOR, campaign_id=campaign.pk)
    from campaigns.services.feed import build_audience, feed_chunk

    build_audience(campaign.pk)
    before = list(campaign.deliveries.order_by("pk").values_list("customer_id", "state", "reason"))
    record = merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
    undo_merge(actor=ACTOR, merge_id=record.pk)
    assert list(campaign.deliveries.order_by("pk").values_list("customer_id", "state", "reason")) == before
    merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=merged.pk)
    feed_chunk(campaign.pk)
    assert set(Message.objects.values_list("customer_id", flat=True)) == {kept.pk, alone.pk}
    assert campaign.deliveries.get(customer=merged).reason == "merged"


def test_an_erased_guest_is_in_no_delivery_and_no_link_by_number(cafe):
    from customers.privacy import everything_of
    from customers.services.privacy import erase_customer
    from servaan_crm.core.events import dispatch_pending

    set_rules()
    guest = make_customer()
    waits = make_campaign(content="{{link}}", link_url="https://example.com/")
    sent = send_now(make_campaign(content="{{link}}", link_url="https://example.com/"))
    services.send_campaign(actor=ACTOR, campaign_id=waits.pk)
    from campaigns.services.feed import build_audience

    build_audience(waits.pk)
    services.follow_link(ShortLink.objects.get().pk, is_machine=False)
    parts = {section.name: section.rows for section in everything_of(guest)}
    assert {row["campaign__name"] for row in parts["campaigns"]} == {sent.name}
    assert parts["links"][0]["clicks"] == 1
    erase_customer(actor=ACTOR, customer_id=guest.pk)
    dispatch_pending()
    assert set(sent.deliveries.values_list("recipient", "state")) == {("", "queued")}
    assert set(waits.deliveries.values_list("recipient", "reason")) == {("", "deleted")}
    assert ShortLink.objects.get().customer is None
