"""Merging and duplicates under ``/api/crm/``."""

from customers.api import merging
from servaan_crm.core.urls import both

urlpatterns = [
    *both("customers/duplicates", merging.DuplicatesView.as_view(), name="customer-duplicates"),
    *both("customers/<uuid:customer_id>/merge", merging.MergeView.as_view(), name="customer-merge"),
    *both(
        "customers/<uuid:customer_id>/not-duplicate",
        merging.NotDuplicateView.as_view(),
        name="customer-not-duplicate",
    ),
    *both("merges/<uuid:merge_id>/undo", merging.UndoMergeView.as_view(), name="merge-undo"),
]
