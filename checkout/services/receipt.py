"""What the counter gets back."""

from dataclasses import dataclass

from customers.models import Customer, Visit
from loyalty.models import TierChange
from loyalty.rules import Earning
from loyalty.selectors.status import LoyaltyStatus


@dataclass(frozen=True, slots=True)
class CheckoutReceipt:
    """A recorded visit with its effects. ``customer`` and ``status`` are None for a walk-in."""

    visit: Visit
    customer: Customer | None = None
    is_new_customer: bool = False
    earning: Earning | None = None
    status: LoyaltyStatus | None = None
    tier_change: TierChange | None = None
    points_withheld: str = ""


@dataclass(frozen=True, slots=True)
class VoidReceipt:
    """A voided visit. ``shortfall``: points already spent that could not be taken back."""

    visit: Visit
    customer: Customer | None = None
    status: LoyaltyStatus | None = None
    shortfall: int = 0


@dataclass(frozen=True, slots=True)
class CorrectionReceipt:
    """A corrected visit, and where its guest stands now."""

    visit: Visit
    customer: Customer | None = None
    status: LoyaltyStatus | None = None
    shortfall: int = 0
    changed: tuple[str, ...] = ()
