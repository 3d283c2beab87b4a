"""Writing campaigns: as long as they are drafts, everything about them can change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from campaigns.models import Campaign
from servaan_crm.core.actors import Actor

# What a draft is made of. Besides: ``segments`` (list of ids or keys), ``variants`` (list of {"key"?, "content",
# "subject"?}, two to four; the first is A, and its text is the campaign's own), ``discount_code`` (a code as typed,
# or its id; None for none) or ``new_code`` (values of loyalty.services.codes.create_code, made with the campaign).
FIELDS = (
    "name", "description", "type", "criteria", "subject", "content", "provider_template", "link_url", "scheduled_at",
    "valid_hours", "starts_on", "ends_on", "test_percent", "test_hours", "test_metric", "holdout_percent",
    "attribution_days",
)  # fmt: skip


def create_campaign(*, actor: Actor, values: Mapping[str, Any]) -> Campaign:
    """Create a draft.

    Args:
        values: any of ``FIELDS`` and, besides: ``segments``, ``variants``, ``discount_code`` or ``new_code``.

    Raises:
        ValidationError: names each bad field; code INVALID_TEMPLATE for a text with an unknown variable.
        InvalidCriteria: the criteria cannot be read; names the place.
    """
    raise NotImplementedError


def update_campaign(
    *, actor: Actor, campaign_id: UUID, changes: Mapping[str, Any], version: int | None = None
) -> Campaign:
    """Change a draft; an approval it had is void. ``changes`` as ``values`` of :func:`create_campaign`.

    Raises:
        CampaignNotFound, CampaignNotEditable, ValidationError, InvalidCriteria.
        EditConflict: somebody changed it since ``version``.
    """
    raise NotImplementedError


def delete_campaign(*, actor: Actor, campaign_id: UUID, version: int | None = None) -> None:
    """Delete a draft. Raises CampaignNotFound, CampaignNotEditable, EditConflict."""
    raise NotImplementedError


def duplicate_campaign(*, actor: Actor, campaign_id: UUID, name: str = "") -> Campaign:
    """Make a new draft of any campaign: text, guests, shares; without its time and its discount code.

    Raises CampaignNotFound.
    """
    raise NotImplementedError
