"""A campaign that is created and let go in one step, as machines do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from campaigns.errors import ApprovalNeeded
from campaigns.models import Campaign
from campaigns.services.campaigns import create_campaign
from campaigns.services.sending import schedule_campaign, send_campaign, submit_campaign
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write


def create_and_release(*, actor: Actor, values: Mapping[str, Any], at_once: bool) -> Campaign:
    """Create a campaign and, ``at_once``, send it; with a ``scheduled_at`` in the future schedule it; else a draft.

    Where the recipients are more than one person may write to, it waits for approval. What is refused leaves nothing.

    Raises what :func:`create_campaign`, :func:`send_campaign` and :func:`schedule_campaign` raise.
    """
    with write(actor):
        campaign = create_campaign(actor=actor, values=values)
        try:
            if at_once:
                return send_campaign(actor=actor, campaign_id=campaign.pk)
            if campaign.scheduled_at is not None and campaign.scheduled_at > timezone.now():
                return schedule_campaign(actor=actor, campaign_id=campaign.pk)
        except ApprovalNeeded:
            return submit_campaign(actor=actor, campaign_id=campaign.pk)
    return campaign
