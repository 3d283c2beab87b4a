"""Figures over all guests of a café."""

from analytics.selectors.statistics import get_customer_statistics, get_loyalty_statistics
from analytics.selectors.visits import get_visit_analytics

__all__ = ["get_customer_statistics", "get_loyalty_statistics", "get_visit_analytics"]
