"""Figures of a campaign while it is sent and afterwards; a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of one campaign, or of one text of a trial.

    ``by_status``: keys of ``deliveries.STATUSES`` → guests. ``by_reason``: reason → guests left out.
    ``sent``: messages a provider took; ``failed``: taken or not, they did not arrive and will not.
    """

    targeted: int = 0
    waiting: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    retryable: int = 0
    clicks: int = 0
    clicked: int = 0
    parts: int = 0
    actual_cost: Decimal = Decimal(0)
    by_status: dict[str, int] = field(default_factory=dict)
    by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def delivery_rate(self) -> float:
        """Delivered of those sent, in percent with one decimal; 0.0 while nothing was sent."""
        return round(100 * self.delivered / self.sent, 1) if self.sent else 0.0


def get_figures(campaign: Campaign) -> Figures:
    """Return the campaign's figures; three queries."""
    raise NotImplementedError


def figures_by_variant(campaign: Campaign) -> dict[str, Figures]:
    """Return the figures of each text of a trial by its letter; empty without a trial."""
    raise NotImplementedError


def figures_of(campaigns: list[Campaign]) -> dict[Any, Figures]:
    """Return campaign id → figures for a page of the list; three queries however long the page is."""
    raise NotImplementedError


def statistics_payload(campaign: Campaign, details: list[dict[str, Any]]) -> dict[str, Any]:
    """Return ``data`` of ``GET campaigns/{id}/stats`` exactly as seed 000 prints it."""
    raise NotImplementedError
