"""Pages under ``/customers/`` that bring several rooms together."""

from django.urls import path

from analytics.web import at_risk

app_name = "analytics"
urlpatterns = [
    path("at-risk/", at_risk.AtRiskPage.as_view(), name="at-risk"),
    path("<uuid:customer_id>/contacted/", at_risk.NoteCall.as_view(), name="note-call"),
]
