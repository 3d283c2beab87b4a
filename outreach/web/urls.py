"""``/outreach/``."""

from django.urls import path

from outreach.web.views import CommunicationsTab

app_name = "outreach"
urlpatterns = [
    path("customers/<uuid:customer_id>/", CommunicationsTab.as_view(), name="tab-communications"),
]
