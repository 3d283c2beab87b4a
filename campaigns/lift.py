"""How much more often guests came who got the message than those left out by chance; pure arithmetic.

Interval: the hybrid score interval for a difference of two independent proportions, built from the two Wilson score
intervals (R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of
eleven methods", Statistics in Medicine 17 (1998) 873-890, method 10). It keeps its promise with few guests and with
rates near 0 % or 100 %, where the usual p ± 1.96 s fails.

Guests still needed: the usual size of each of two equal groups for a two-sided test of proportions at 5 % with a
power of 80 %, n = (z₀.₉₇₅ + z₀.₈)² (p₁q₁ + p₂q₂) / (p₁ - p₂)² (J. L. Fleiss, "Statistical Methods for Rates and
Proportions", without continuity correction), with the rates seen so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054  # 97.5 % of the standard normal distribution
Z_POWER = 0.8416212335729143  # 80 %


@dataclass(frozen=True, slots=True)
class Lift:
    """Difference of two visit rates, in percentage points, with its 95 % interval.

    Args:
        treated, treated_came, control, control_came: guests.
        difference, low, high: treated rate minus control rate, in points (-100 … 100).
        is_conclusive: the interval leaves zero out.
        more_needed: about so many more guests are needed in the smaller group, were the groups equal, to show a
            difference of the size seen; None when the data is enough, or says nothing about a size (no difference).
        extra_visitors: guests who came because of it, by the difference; None while not conclusive.
    """

    treated: int
    treated_came: int
    control: int
    control_came: int
    difference: float
    low: float
    high: float
    is_conclusive: bool
    more_needed: int | None
    extra_visitors: int | None


def lift(treated: int, treated_came: int, control: int, control_came: int) -> Lift | None:
    """Compare two groups of guests; None when one of them is empty. Raises ValueError for impossible counts."""
    if not (0 <= treated_came <= treated and 0 <= control_came <= control):
        raise ValueError("more guests came than there are")
    if not treated or not control:
        return None
    difference, low, high = newcombe(treated_came, treated, control_came, control)
    is_conclusive = low > 0 or high < 0
    needed = None
    if not is_conclusive and difference:
        needed = max(size_needed(treated_came / treated, control_came / control) - min(treated, control), 1)
    return Lift(
        treated=treated,
        treated_came=treated_came,
        control=control,
        control_came=control_came,
        difference=round(100 * difference, 2),
        low=round(100 * low, 2),
        high=round(100 * high, 2),
        is_conclusive=is_conclusive,
        more_needed=needed,
        extra_visitors=round(difference * treated) if is_conclusive else None,
    )


def wilson(came: int, guests: int, z: float = Z) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion (0 … 1)."""
    rate = came / guests
    middle = 2 * came + z * z
    width = z * math.sqrt(z * z + 4 * came * (1 - rate))
    scale = 2 * (guests + z * z)
    return max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale)


def newcombe(came_1: int, guests_1: int, came_2: int, guests_2: int) -> tuple[float, float, float]:
    """Return the difference of two proportions and its 95 % interval (method 10), each -1 … 1."""
    rate_1, rate_2 = came_1 / guests_1, came_2 / guests_2
    low_1, high_1 = wilson(came_1, guests_1)
    low_2, high_2 = wilson(came_2, guests_2)
    difference = rate_1 - rate_2
    below = math.sqrt((rate_1 - low_1) ** 2 + (high_2 - rate_2) ** 2)
    above = math.sqrt((high_1 - rate_1) ** 2 + (rate_2 - low_2) ** 2)
    return difference, difference - below, difference + above


def size_needed(rate_1: float, rate_2: float) -> int:
    """Return the size of each of two equal groups that shows this difference. Raises ValueError for equal rates."""
    if rate_1 == rate_2:
        raise ValueError("no difference has no size")
    spread = rate_1 * (1 - rate_1) + rate_2 * (1 - rate_2)
    return math.ceil((Z + Z_POWER) ** 2 * spread / (rate_1 - rate_2) ** 2)
