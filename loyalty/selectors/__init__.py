"""Reads of the club."""

from loyalty.selectors.program import get_rule_book
from loyalty.selectors.status import LoyaltyStatus, get_loyalty_status

__all__ = ["LoyaltyStatus", "get_loyalty_status", "get_rule_book"]
