"""Figures over all guests of a café."""

from analytics.selectors.statistics import get_customer_statistics, get_loyalty_statistics

__all__ = ["get_customer_statistics", "get_loyalty_statistics"]
