"""What a campaign brought: visits, revenue, redemptions, clicks, cost - and how much of it would have come anyway."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from campaigns.lift import Lift
from campaigns.models import Campaign


@dataclass(frozen=True, slots=True)
class Results:
    """Amounts in the base unit.

    Args:
        reached: guests a message was sent to. visitors: of those, who came within ``days``.
        visits, revenue: each visit counted for the last message before it, over all campaigns.
        roi: (revenue - cost - discount) / (cost + discount) in percent; None where nothing was spent.
        redemptions, discount: uses of the campaign's code, also by guests who were not written to.
        lift: against the guests left out; None for a campaign without a holdout.
        is_final: the days are over.
    """

    days: int
    reached: int
    visitors: int
    visits: int
    revenue: Decimal
    cost: Decimal
    redemptions: int
    discount: Decimal
    clicks: int
    clicked: int
    roi: float | None
    lift: Lift | None
    is_final: bool


def get_results(campaign: Campaign) -> Results:
    """Return what the campaign brought so far; a constant number of queries."""
    raise NotImplementedError
