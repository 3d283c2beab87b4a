"""One guest's ledger and lots."""

from loyalty.api.ledger import LotsView, TransactionsView
from servaan_crm.core.urls import both

_CLUB = "customers/<uuid:customer_id>/loyalty"

urlpatterns = [
    *both(f"{_CLUB}/transactions", TransactionsView.as_view(), name="loyalty-transactions"),
    *both(f"{_CLUB}/lots", LotsView.as_view(), name="loyalty-lots"),
]
