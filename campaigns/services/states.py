"""The one table of what a campaign may become, and the lock every change goes through."""

from __future__ import annotations

from uuid import UUID

from campaigns.errors import CampaignAlreadySent, CampaignNotEditable, CampaignNotFound, WrongCampaignState
from campaigns.models import Campaign
from servaan_crm.core.errors import EditConflict

S = Campaign.Status

# Action → states it is possible in. What it leads to is said where it is done.
TRANSITIONS: dict[str, frozenset[str]] = {
    "edit": frozenset({S.DRAFT}),
    "delete": frozenset({S.DRAFT}),
    "submit": frozenset({S.DRAFT}),
    "approve": frozenset({S.PENDING}),
    "reject": frozenset({S.PENDING}),
    "withdraw": frozenset({S.PENDING, S.SCHEDULED}),
    "schedule": frozenset({S.DRAFT, S.SCHEDULED}),
    "send": frozenset({S.DRAFT, S.SCHEDULED}),
    "pause": frozenset({S.SENDING}),
    "resume": frozenset({S.PAUSED}),
    "cancel": frozenset({S.DRAFT, S.PENDING, S.SCHEDULED, S.SENDING, S.PAUSED}),
    "retry": frozenset({S.SENT, S.COMPLETED}),
    "test": frozenset({S.DRAFT, S.PENDING, S.SCHEDULED}),
}
_SENT = frozenset({S.SENDING, S.PAUSED, S.SENT, S.COMPLETED})


def possible_actions(campaign: Campaign) -> list[str]:
    """Return the actions the campaign's state allows, in the order of the table; rights are a separate question."""
    return [
        action
        for action, states in TRANSITIONS.items()
        if (campaign.status in states and (campaign.has_messages or action not in _MESSAGES_ONLY))
        or (action == "cancel" and _is_running_offer(campaign))
    ]


def _is_running_offer(campaign: Campaign) -> bool:
    """An offer has nothing on the way that could not be taken back, so it can end before its last day."""
    return campaign.status == S.SENT and not campaign.has_messages


_MESSAGES_ONLY = frozenset({"pause", "resume", "retry", "test"})


def require(campaign: Campaign, action: str) -> None:
    """Raise unless ``action`` is possible now.

    Raises:
        CampaignAlreadySent: sending what was sent, or is being sent.
        CampaignNotEditable: changing or deleting what is no draft.
        WrongCampaignState: anything else; the details list what is possible.
    """
    possible = possible_actions(campaign)
    if action in possible:
        return
    details = {
        "campaign_id": str(campaign.pk),
        "status": campaign.status,
        "action": action,
        "possible": possible,
    }
    if action == "send" and campaign.status in _SENT:
        raise CampaignAlreadySent(details={"campaign_id": str(campaign.pk), "status": campaign.status})
    raise (CampaignNotEditable if action in {"edit", "delete"} else WrongCampaignState)(details=details)


def lock_campaign(campaign_id: UUID, action: str = "", version: int | None = None) -> Campaign:
    """Return the campaign, locked until the transaction ends, with ``action`` found possible.

    The state is looked at before the version: of two people who press "send" at once, the second is told that it was
    sent, not that the page is old.

    Raises:
        CampaignNotFound, and what :func:`require` raises.
        EditConflict: somebody changed it since ``version``; None skips the check.
    """
    campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
    if campaign is None:
        raise CampaignNotFound(details={"campaign_id": str(campaign_id)})
    if action:
        require(campaign, action)
    if version is not None and campaign.version != version:
        raise EditConflict(details={"version": campaign.version, "expected_version": version})
    return campaign


def save(campaign: Campaign, *fields: str) -> None:
    """Write ``fields`` of a locked campaign and count its version."""
    campaign.version += 1
    campaign.save(update_fields=[*fields, "version", "updated_at"])
