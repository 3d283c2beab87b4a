"""Working with the list in the back office: what was done to many guests, and the saved views."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers.models import BulkOperation, SavedView
from customers.services.bulk import effects
from servaan_crm.core.admin_display import ReadOnlyAdmin


@admin.register(BulkOperation)
class BulkOperationAdmin(ReadOnlyAdmin):
    """Who did what to how many; taking it back is done in the list."""

    list_display = ("created_at", "what", "status", "matched", "changed", "actor_name", "undone_at")
    list_filter = ("action", "status", "created_at")
    fields = (
        "created_at", "what", "params", "query", "status", "error", "matched", "changed", "skipped", "actor_name",
        "finished_at", "undone_at", "undone",
    )  # fmt: skip
    search_fields = ("actor_name", "query")
    ordering = ("-created_at",)

    @admin.display(description=_("action"), ordering="action")
    def what(self, operation: BulkOperation) -> Any:
        """Return the action in words."""
        effect = effects().get(operation.action)
        return effect.label if effect else operation.action

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkOperation]:
        # The lists of guests can be long, and are not shown.
        rows: QuerySet[BulkOperation] = super().get_queryset(request)
        return rows.defer("changed_ids", "before_status", "before_reason")


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    """Saved states of the customer list; people keep them in the list itself."""

    list_display = ("name", "user", "is_shared", "query")
    list_filter = ("is_shared",)
    search_fields = ("name",)
    list_select_related = ("user",)
