"""Decisions about a campaign: who lets it go, when, and what stops it. One table (``states``) says what is possible."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns.models import Campaign
from servaan_crm.core.actors import Actor
from servaan_crm.messaging.models import Message


def submit_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Ask for approval: draft → pending_approval. Raises WrongCampaignState, EditConflict, ValidationError."""
    raise NotImplementedError


def approve_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Approve: with a time in the future it is scheduled, else it is an approved draft that anybody may send.

    Raises OwnApproval (the author approves, and is not the owner), WrongCampaignState, EditConflict.
    """
    raise NotImplementedError


def reject_campaign(*, actor: Actor, campaign_id: UUID, reason: str, version: int | None = None) -> Campaign:
    """Send it back to its author: pending_approval → draft; ``reason`` is kept in ``review_note``."""
    raise NotImplementedError


def withdraw_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Take a campaign that waits (for approval or its time) back to draft, to change it."""
    raise NotImplementedError


def schedule_campaign(
    *, actor: Actor, campaign_id: UUID, at: datetime | None = None, version: int | None = None
) -> Campaign:
    """Let it go at ``at`` (aware; default: its own ``scheduled_at``). Again: at another time.

    Raises ValidationError (no time, or past), ApprovalNeeded, NoAccount, WrongCampaignState, EditConflict.
    """
    raise NotImplementedError


def send_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Let it go now: → sending. The audience is fixed by a worker within moments.

    Raises CampaignAlreadySent, ApprovalNeeded, NobodyToSendTo, NoAccount, ValidationError, EditConflict.
    """
    raise NotImplementedError


def pause_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Stop it before the next batch: sending → paused."""
    raise NotImplementedError


def resume_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """Go on: paused → sending. A problem it stopped for (credit, key) counts as repaired, and is found again if not."""
    raise NotImplementedError


def cancel_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> Campaign:
    """End it: nothing that still waits is sent. What is on the wire, or was sent, stays sent."""
    raise NotImplementedError


def retry_failed(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> int:
    """Send to those again whose message surely never left and another try can repair; returns how many.

    Raises NothingToRetry, WrongCampaignState, EditConflict.
    """
    raise NotImplementedError


def send_test(
    *, actor: Actor, campaign_id: UUID, to: str = "", customer_id: UUID | None = None, variant: str = ""
) -> Message:
    """Send the text once, filled in for ``customer_id`` or an example guest, to ``to`` (as typed) or that guest.

    It counts for nothing: no delivery, no cap, no link. Raises ValidationError, CustomerNotFound, NoAccount.
    """
    raise NotImplementedError
