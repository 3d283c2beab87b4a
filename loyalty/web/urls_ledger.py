"""One guest's ledger."""

from django.urls import path

from loyalty.web import ledger_tab

urlpatterns = [
    path("ledger/<uuid:customer_id>/", ledger_tab.LedgerTab.as_view(), name="ledger-tab"),
    path("ledger/<uuid:customer_id>/export/", ledger_tab.LedgerExport.as_view(), name="ledger-export"),
]
