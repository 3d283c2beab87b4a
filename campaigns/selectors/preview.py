"""What a campaign would come to, before anything is sent: who, how many parts, what it costs, what it looks like."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many guests are left after each step. ``skipped``: reason → guests, in the order of the steps."""

    audience: int
    skipped: dict[str, int]
    holdout: int
    recipients: int
    is_estimate: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as the API prints it and ``Campaign.funnel`` holds it."""
        return {
            "audience": self.audience,
            **self.skipped,
            "holdout": self.holdout,
            "recipients": self.recipients,
            "is_estimate": self.is_estimate,
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """A real guest and the text this guest would get. ``missing``: the variable that has no value, "" normally."""

    customer_id: UUID
    name: str
    recipient: str
    variant: str
    text: str
    parts: int
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Warn:
    """Something to know before sending. ``code``: quiet_hours, low_credit, no_opt_out, iran_whatsapp, no_account,
    approval, instagram_window, no_price, no_value, link_unused; ``text`` in the reader's language."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class CampaignPreview:
    """Everything the composer shows. ``parts``: of all messages together; ``least``/``most``: of one message.

    ``is_estimate``: parts and cost were worked out from a sample. ``estimated_cost`` None: no tariff is set.
    """

    funnel: Funnel
    recipients: int
    parts: int
    least: int
    most: int
    encoding: str
    estimated_cost: Decimal | None
    is_estimate: bool
    needs_approval: bool
    continues_at: datetime | None
    samples: list[Sample] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)


def preview_campaign(campaign: Campaign, *, variants: list[tuple[str, str]] | None = None) -> CampaignPreview:
    """Work out what ``campaign`` (saved or not) would come to; writes nothing.

    Args:
        campaign: an unsaved one carries its segments in ``campaign._segments`` (see ``services.build_draft``).
        variants: (letter, text) of a trial; default: those saved.

    Raises InvalidCriteria, ValidationError (INVALID_TEMPLATE).
    """
    raise NotImplementedError
