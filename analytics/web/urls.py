"""Pages and parts of pages under ``/customers/`` that bring several rooms together (namespace ``analytics``)."""

from django.urls import path

from analytics.web import at_risk, figures

app_name = "analytics"
urlpatterns = [
    path("at-risk/", at_risk.AtRiskPage.as_view(), name="at-risk"),
    path("figures/", figures.CustomerFigures.as_view(), name="customer-figures"),
    path("<uuid:customer_id>/contacted/", at_risk.NoteCall.as_view(), name="note-call"),
]
