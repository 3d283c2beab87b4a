"""Changing many customers, saved views."""

from customers.api import bulk
from servaan_crm.core.urls import both

urlpatterns = [
    *both("customers/bulk", bulk.BulkView.as_view(), name="customers-bulk"),
    *both("customers/bulk/<uuid:bulk_id>", bulk.BulkOperationView.as_view(), name="customers-bulk-operation"),
    *both("customers/bulk/<uuid:bulk_id>/undo", bulk.UndoBulkView.as_view(), name="customers-bulk-undo"),
    *both("bulk/<uuid:bulk_id>", bulk.BulkJobView.as_view(), name="bulk-job"),
    *both("bulk/<uuid:bulk_id>/cancel", bulk.CancelBulkView.as_view(), name="bulk-job-cancel"),
]
