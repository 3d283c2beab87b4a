"""Addresses of this room."""

from analytics.api.customer_360 import AtRiskView, Customer360View, Customers360View
from analytics.api.loyalty_reports import EntriesView, FlowView, LiabilityGuestsView, LiabilityView
from analytics.api.views import CustomerStatisticsView, LoyaltyStatisticsView, VisitAnalyticsView
from servaan_crm.core.urls import both

urlpatterns = [
    *both("customers/360", Customers360View.as_view(), name="customers-360"),
    *both("customers/<uuid:customer_id>/360", Customer360View.as_view(), name="customer-360"),
    *both("customers/at-risk", AtRiskView.as_view(), name="customers-at-risk"),
    *both("customers/statistics", CustomerStatisticsView.as_view(), name="customer-statistics"),
    *both("loyalty/statistics", LoyaltyStatisticsView.as_view(), name="loyalty-statistics"),
    *both("loyalty/liability", LiabilityView.as_view(), name="loyalty-liability"),
    *both("loyalty/liability/guests", LiabilityGuestsView.as_view(), name="loyalty-liability-guests"),
    *both("loyalty/flow", FlowView.as_view(), name="loyalty-flow"),
    *both("loyalty/entries", EntriesView.as_view(), name="loyalty-entries"),
    *both("visits/analytics", VisitAnalyticsView.as_view(), name="visit-analytics"),
]
