"""What the counter gets back."""

from dataclasses import dataclass
from decimal import Decimal

from checkout.services.discounts import Discounts
from customers.models import Customer, Visit
from loyalty.models import TierChange, Voucher
from loyalty.rules import Earning
from loyalty.selectors.status import LoyaltyStatus
from loyalty.services.stamps import StampGain, StampLoss


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
    discounts: Discounts | None = None
    stamps: tuple[StampGain, ...] = ()

    @property
    def to_pay(self) -> Decimal:
        """What the guest pays with money, base unit."""
        return Decimal(self.visit.total_amount - self.visit.discount_amount - self.visit.points_value)


@dataclass(frozen=True, slots=True)
class VoidReceipt:
    """A voided visit. ``shortfall``: points already spent that could not be taken back.

    ``vouchers``: those the bill used, as they are now (ready to use again, or cancelled with their points given
    back). ``stamps``: what was taken off the guest's cards.
    """

    visit: Visit
    customer: Customer | None = None
    status: LoyaltyStatus | None = None
    shortfall: int = 0
    vouchers: tuple[Voucher, ...] = ()
    stamps: tuple[StampLoss, ...] = ()


@dataclass(frozen=True, slots=True)
class CorrectionReceipt:
    """A corrected visit, and where its guest stands now."""

    visit: Visit
    customer: Customer | None = None
    status: LoyaltyStatus | None = None
    shortfall: int = 0
    changed: tuple[str, ...] = ()
