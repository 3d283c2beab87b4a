"""Campaigns of the demonstration: one that was sent and measured, an offer, and a draft to go on with.

The sent one goes the product's own way up to the outbox, within one transaction; there its messages get the fate they
had three weeks ago, so that nothing of it is ever sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.services import create_campaign
from campaigns.services.feed import work_on
from loyalty.models import DiscountCode
from servaan_crm.accounts.models import User
from servaan_crm.core.actors import system
from servaan_crm.tenancy.current import get_cafe

WEEKS_AGO = timedelta(days=21)
TEXTS: dict[str, dict[str, Any]] = {
    "fa": {
        "sent": "منوی پاییزی", "draft": "دورهمی آخر هفته", "offer": "یلدا در کافه",
        "a": "{{name|مهمان}} عزیز، منوی پاییزی {{cafe_name}} رسید: {{link}}",
        "b": "{{name|مهمان}} عزیز، {{points}} امتیاز در {{cafe_name}} دارید: {{link}}",
        "note": "هنگام صندوق یادآوری کنید: با این کد ۱۵٪ تخفیف شب یلدا.",
    },
    "en": {
        "sent": "The autumn menu", "draft": "Weekend together", "offer": "Festival week",
        "a": "Dear {{name|guest}}, the autumn menu of {{cafe_name}} is here: {{link}}",
        "b": "Dear {{name|guest}}, you have {{points}} points at {{cafe_name}}: {{link}}",
        "note": "Tell guests at the till.",
    },
}  # fmt: skip
# Of a hundred messages: delivered, not delivered, failed; the same guests every time.
_FATES = """
UPDATE messaging_message SET
    state = CASE WHEN fate < 93 THEN 'delivered' WHEN fate < 98 THEN 'undelivered' ELSE 'failed' END,
    sent_at = CASE WHEN fate < 98 THEN told.at END, delivered_at = CASE WHEN fate < 93 THEN told.at + '9 s' END,
    failed_at = CASE WHEN fate >= 93 THEN told.at END, attempts = 1, not_before = told.at,
    expires_at = told.at + '1 day',
    provider = 'kavenegar', provider_message_id = CASE WHEN fate < 98 THEN local_id::text ELSE '' END,
    cost = CASE WHEN fate < 98 THEN parts * %(tariff)s END,
    error_class = CASE WHEN fate >= 98 THEN 'retryable' ELSE '' END,
    error_text = CASE WHEN fate >= 98 THEN %(words)s WHEN fate >= 93 THEN %(off)s ELSE '' END
  FROM (SELECT id AS told_id, local_id %% 100 AS fate,
               %(at)s::timestamptz + (row_number() OVER (ORDER BY id)) * interval '120 ms' AS at
          FROM messaging_message WHERE group_id = %(group)s) told
 WHERE id = told.told_id
"""
_CLICKS = """
UPDATE campaigns_shortlink link
   SET clicks = 1, first_clicked_at = m.sent_at + '40 min', last_clicked_at = m.sent_at + '40 min'
  FROM campaigns_campaigndelivery d JOIN messaging_message m ON m.id = d.message_id
 WHERE link.delivery_id = d.id AND d.campaign_id = %(group)s AND m.state = 'delivered'
   AND m.local_id / 100 %% 100 < CASE WHEN d.variant = 'B' THEN 27 ELSE 16 END
"""
_WORDS = {
    "fa": ("سرویس‌دهنده پاسخ نداد", "گوشی خاموش بود"),
    "en": ("The provider gave no answer", "The phone was off"),
}


def tell_campaigns() -> list[UUID]:
    """Add them to a café that has guests; returns the ids of the sent one and of the draft."""
    cafe = get_cafe()
    words = TEXTS[cafe.language if cafe.language in TEXTS else "en"]
    author = User.objects.filter(role="manager").first()
    actor = author.actor if author else system("demo")
    letters = [{"content": words["a"]}, {"content": words["b"]}]
    both = {"link_url": "https://example.com/menu", "variants": letters}
    sent = create_campaign(
        actor=actor,
        values={
            "name": words["sent"],
            "holdout_percent": 10,
            "test_percent": 100,
            **both,
        },
    )
    with transaction.atomic():
        _let_it_be_history(sent, timezone.now() - WEEKS_AGO)
    code = DiscountCode.objects.filter(code="YALDA15").first()
    offer = create_campaign(
        actor=actor,
        values={
            "name": words["offer"], "type": "offer", "content": words["note"],
            "discount_code": code.code if code else None,
        },
    )  # fmt: skip
    Campaign.objects.filter(pk=offer.pk).update(status=Campaign.Status.SENT, started_at=timezone.now())
    draft = create_campaign(
        actor=actor, values={"name": words["draft"], "content": words["a"], "link_url": both["link_url"]}
    )
    return [sent.pk, draft.pk]


def _let_it_be_history(campaign: Campaign, at: datetime) -> None:
    rows = Campaign.objects.filter(pk=campaign.pk)
    rows.update(status=Campaign.Status.SENDING, started_at=at, created_at=at - timedelta(hours=1))
    work_on(campaign.pk)
    language = get_cafe().language
    failed, off = _WORDS.get(language, _WORDS["en"])
    values: dict[str, Any] = {"group": campaign.pk, "at": at, "tariff": 1500 if get_cafe().country == "IR" else 0.2,
              "words": failed, "off": off}  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FATES, values)
        cursor.execute(_CLICKS, values)
    rows.update(
        status=Campaign.Status.COMPLETED, built_at=at, sent_at=at + timedelta(minutes=3),
        completed_at=at + timedelta(hours=72), sent_by=campaign.created_by_id,
    )  # fmt: skip
    campaign.deliveries.filter(queued_at__isnull=False).update(queued_at=at)
