"""How much more often guests came who got the message than those left out by chance; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lift:
    """Difference of two visit rates, in percentage points, with its 95 % interval.

    Args:
        treated, treated_came, control, control_came: guests.
        difference, low, high: treated rate minus control rate, in points (-100 … 100).
        is_conclusive: the interval leaves zero out.
        more_needed: about so many more guests in each group would show a difference of the size seen; None when the
            data is enough, or says nothing about a size (no difference at all).
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
    raise NotImplementedError
