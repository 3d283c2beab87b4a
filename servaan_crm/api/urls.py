"""``/api/crm/``: the rooms' addresses under one roof."""

from django.urls import include, path

urlpatterns = [
    path("", include("servaan_crm.messaging.api.urls_providers")),
    path("", include("customers.api.urls")),
    path("", include("loyalty.api.urls")),
    path("", include("feedback.api.urls")),
    path("", include("segments.api.urls")),
    path("", include("campaigns.api.urls_campaigns")),
    path("", include("campaigns.api.urls_automations")),
    path("", include("outreach.api.urls")),
    path("", include("checkout.api.urls")),
    path("", include("analytics.api.urls")),
]
