"""Import and export under ``/customers/``."""

from django.urls import path

from customers.web import import_undo, imports

urlpatterns = [
    path("export/", imports.ExportCustomers.as_view(), name="export"),
    path("imports/", imports.ImportsPage.as_view(), name="imports"),
    path("imports/<uuid:import_id>/", imports.ImportPage.as_view(), name="import"),
    path("imports/<uuid:import_id>/status/", imports.ImportStatus.as_view(), name="import-status"),
    path("imports/<uuid:import_id>/commit/", imports.CommitImport.as_view(), name="import-commit"),
    path("imports/<uuid:import_id>/cancel/", imports.CancelImport.as_view(), name="import-cancel"),
    path("imports/<uuid:import_id>/again/", imports.TryImportAgain.as_view(), name="import-again"),
    path("imports/<uuid:import_id>/report/", imports.ImportReport.as_view(), name="import-report"),
    path("imports/<uuid:import_id>/undo/", import_undo.UndoImport.as_view(), name="import-undo"),
    path(
        "imports/<uuid:import_id>/undo/status/", import_undo.UndoStatus.as_view(), name="import-undo-status"
    ),
    path("imports/<uuid:import_id>/undo/kept/", import_undo.KeptReport.as_view(), name="import-kept"),
]
