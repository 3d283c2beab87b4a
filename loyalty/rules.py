"""The earning rules, as pure functions of a rule book. No database here."""

from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class TierRule:
    """One tier: its level, from which threshold, and what it multiplies points with."""

    level: str
    threshold: Decimal
    multiplier: Decimal
    discount_percent: Decimal = Decimal(0)
    benefits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The program in force. Amounts are in the currency's base unit; tiers ascend by threshold."""

    is_active: bool
    amount_per_point: Decimal
    point_value: Decimal
    minimum_amount: Decimal
    max_points_per_visit: int | None
    tier_basis: str
    version: int
    tiers: tuple[TierRule, ...]

    def tier(self, level: str) -> TierRule:
        """Return the rule of ``level``; an unknown one counts as the lowest."""
        return next((tier for tier in self.tiers if tier.level == level), self.tiers[0])

    def tier_for(self, measure: Decimal) -> TierRule:
        """Return the highest tier whose threshold ``measure`` reaches."""
        reached = [tier for tier in self.tiers if tier.threshold <= measure]
        return reached[-1] if reached else self.tiers[0]

    def next_tier(self, level: str) -> TierRule | None:
        """Return the tier above ``level``, or None at the top."""
        above = self.tiers[self.tiers.index(self.tier(level)) + 1 :]
        return above[0] if above else None


@dataclass(frozen=True, slots=True)
class Earning:
    """What one bill earns, with the steps of the computation for "why"."""

    points: int
    base: int = 0
    explanation: dict[str, Any] = field(default_factory=dict)


def compute_earning(book: RuleBook, *, tier: str, final_amount: Decimal, points_value: Decimal) -> Earning:
    """Return the points of a bill.

    ``floor(floor((final_amount - points_value) / amount_per_point) × multiplier)``, nothing below the
    minimum amount, never above the cap per visit. What was paid with points earns nothing.

    Args:
        tier: the guest's tier before this visit.
        final_amount: the bill after the discount, base unit.
        points_value: the part of it that is paid with points, base unit.
    """
    paid = final_amount - points_value
    if not book.is_active or paid <= 0 or paid < book.minimum_amount:
        return Earning(0, explanation={"paid": str(paid), "minimum_amount": str(book.minimum_amount)})
    base = int((paid / book.amount_per_point).to_integral_value(ROUND_FLOOR))
    multiplier = book.tier(tier).multiplier
    points = int((base * multiplier).to_integral_value(ROUND_FLOOR))
    explanation: dict[str, Any] = {
        "paid": str(paid),
        "amount_per_point": str(book.amount_per_point),
        "base": base,
        "tier": tier,
        "multiplier": str(multiplier),
    }
    if book.max_points_per_visit is not None and points > book.max_points_per_visit:
        explanation["capped_at"] = book.max_points_per_visit
        points = book.max_points_per_visit
    return Earning(points, base, explanation)
