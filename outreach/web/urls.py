"""``/customers/<id>/tab/communications/``: this room's part of the profile."""

from django.urls import path

from outreach.web.views import CommunicationsTab

app_name = "outreach"
urlpatterns = [
    path("<uuid:customer_id>/tab/communications/", CommunicationsTab.as_view(), name="tab-communications"),
]
