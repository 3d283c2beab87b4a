"""Imports in the back office: to be read; they are started in the wizard."""

from django.contrib import admin

from customers.models import ImportJob
from servaan_crm.core.admin_display import ReadOnlyAdmin


@admin.register(ImportJob)
class ImportJobAdmin(ReadOnlyAdmin):
    """Which files came in, from whom, and what became of their rows."""

    list_display = (
        "file_name", "kind", "status", "total_rows", "created", "updated", "unchanged", "rejected", "created_by",
        "created_at",
    )  # fmt: skip
    list_filter = ("kind", "status")
    list_select_related = ("created_by",)
    search_fields = ("file_name",)
    ordering = ("-created_at",)
    exclude = (
        "file",
        "digest",
        "options",
        "claim",
        "staged",
        "is_staged",
        "cancel_requested",
        "heartbeat_at",
    )
