"""Addresses of this room."""

from outreach.api.communications import CommunicationsView
from outreach.api.views import InteractionsView
from servaan_crm.core.urls import both

urlpatterns = [
    *both("customers/<uuid:customer_id>/interactions", InteractionsView.as_view(), name="interactions"),
    *both(
        "customers/<uuid:customer_id>/communications",
        CommunicationsView.as_view(),
        name="customer-communications",
    ),
]
