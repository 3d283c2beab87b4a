"""How fast a campaign goes, and when its trial ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone

from campaigns.models import Campaign
from servaan_crm.messaging.models import Message

RATE_WINDOW = timedelta(minutes=1)


def rate_of(campaign: Campaign) -> float:
    """Return how many messages a minute a campaign sends, as of the last minute that had any; 0.0 before that."""
    since = timezone.now() - RATE_WINDOW
    began = campaign.started_at or since
    seconds = min(RATE_WINDOW.total_seconds(), max(1.0, (timezone.now() - began).total_seconds()))
    sent = Message.objects.filter(group_id=campaign.pk, sent_at__gte=since).count()
    return sent / seconds * 60


def trial_ends(campaign: Campaign) -> datetime | None:
    """Return when the better text is chosen; None without a trial that is waited for, or while it is being sent."""
    if campaign.winner or campaign.test_percent >= 100 or not campaign.variants.all():
        return None
    messages = Message.objects.filter(group_id=campaign.pk)
    if messages.filter(state__in=["queued", "claimed"]).exists():
        return None
    last = messages.aggregate(last=Max("sent_at"))["last"]
    return last + timedelta(hours=campaign.test_hours) if last else None
