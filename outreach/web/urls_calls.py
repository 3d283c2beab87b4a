"""``/calls/``: the call list."""

from django.urls import path

from outreach.web.calls import CallList, EndCall, ReopenCall

app_name = "calls"
urlpatterns = [
    path("", CallList.as_view(), name="list"),
    path("<uuid:task_id>/", EndCall.as_view(), name="end"),
    path("<uuid:task_id>/reopen/", ReopenCall.as_view(), name="reopen"),
]
