"""The loyalty club."""

from loyalty.models.ledger import LedgerEntry, LoyaltyAccount, TierChange
from loyalty.models.program import LoyaltyProgram, Tier

__all__ = ["LedgerEntry", "LoyaltyAccount", "LoyaltyProgram", "Tier", "TierChange"]
