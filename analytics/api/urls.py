"""Addresses of this room."""

from analytics.api.views import CustomerStatisticsView, LoyaltyStatisticsView
from servaan_crm.core.urls import both

urlpatterns = [
    *both("customers/statistics", CustomerStatisticsView.as_view(), name="customer-statistics"),
    *both("loyalty/statistics", LoyaltyStatisticsView.as_view(), name="loyalty-statistics"),
]
