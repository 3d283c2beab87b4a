"""Behaviour of one guest, and the occasions ahead."""

from customers.api import behavior, events
from servaan_crm.core.urls import both

urlpatterns = [
    *both("customers/upcoming-events", events.UpcomingEventsView.as_view(), name="customer-events"),
    *both("customers/birthdays", events.BirthdaysView.as_view(), name="customer-birthdays"),
    *both(
        "customers/<uuid:customer_id>/behavior",
        behavior.CustomerBehaviorView.as_view(),
        name="customer-behavior",
    ),
    *both(
        "customers/<uuid:customer_id>/analytics",
        behavior.CustomerAnalyticsView.as_view(),
        name="customer-analytics",
    ),
]
