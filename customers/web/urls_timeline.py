"""Addresses of the visit timeline."""

from django.urls import path

from customers.web import timeline

urlpatterns = [
    path("<uuid:customer_id>/tab/visits/", timeline.VisitsTab.as_view(), name="tab-visits"),
    path("<uuid:customer_id>/visits/export/", timeline.VisitsExport.as_view(), name="visits-export"),
    path("<uuid:customer_id>/visits/print/", timeline.VisitsPrint.as_view(), name="visits-print"),
]
