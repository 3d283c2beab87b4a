"""``/api/crm/customers/import``, ``/api/crm/imports`` and ``/api/crm/customers/export``."""

from customers.api import imports as views
from servaan_crm.core.urls import both

urlpatterns = [
    *both("customers/import", views.ImportsView.as_view(), name="customer-import"),
    *both("customers/export", views.ExportView.as_view(), name="customer-export"),
    *both("imports/<uuid:import_id>", views.ImportView.as_view(), name="import"),
    *both("imports/<uuid:import_id>/commit", views.CommitImportView.as_view(), name="import-commit"),
    *both("imports/<uuid:import_id>/cancel", views.CancelImportView.as_view(), name="import-cancel"),
    *both("imports/<uuid:import_id>/retry", views.RetryImportView.as_view(), name="import-retry"),
    *both("imports/<uuid:import_id>/undo", views.UndoImportView.as_view(), name="import-undo"),
    *both("imports/<uuid:import_id>/undo/kept", views.KeptView.as_view(), name="import-kept"),
    *both("imports/<uuid:import_id>/errors", views.ImportErrorsView.as_view(), name="import-errors"),
]
