"""Shortcuts of the campaign tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from campaigns import services
from campaigns.models import Campaign
from campaigns.services.feed import work_on
from servaan_crm.core.actors import Actor, system
from servaan_crm.messaging.models import SendingRules
from servaan_crm.messaging.tests.loopback import Loopback, start_loopback

ACTOR = system("test")


def actor_of(user: Any) -> Actor:
    """The author a person is."""
    return user.actor


def set_rules(**values: Any) -> None:
    """Rules of sending without a quiet time, and with ``values``."""
    fields = {"quiet_from": dt.time(0), "quiet_to": dt.time(0), "cap_messages": None} | values
    SendingRules.objects.update_or_create(singleton=True, defaults=fields)


def make_campaign(actor: Actor = ACTOR, **values: Any) -> Campaign:
    """A draft to everybody."""
    fields = {"name": "نوروز", "type": "sms", "content": "{{name|مهمان}} عزیز، منتظر شما هستیم"}
    return services.create_campaign(actor=actor, values=fields | values)


def send_now(campaign: Campaign) -> Campaign:
    """Press send, and hand everything over."""
    services.send_campaign(actor=ACTOR, campaign_id=campaign.pk)
    work_on(campaign.pk)
    campaign.refresh_from_db()
    return campaign


@contextmanager
def gateway(settings: Any, **options: Any) -> Iterator[Loopback]:
    """A loopback gateway the settings point to."""
    with start_loopback(pace=options.pop("pace", 0.0), **options) as running:
        settings.KAVENEGAR_BASE_URL = running.url
        settings.KAVENEGAR_API_KEY = "test-key"
        settings.KAVENEGAR_SENDER = "10004346"
        yield running
