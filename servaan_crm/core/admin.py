"""Events and the audit trail: to be read only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.admin_display import ReadOnlyAdmin
from servaan_crm.core.models import AuditEntry, Event


class EventStateFilter(admin.SimpleListFilter):
    """Waiting, done or given up."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("pending", _("waiting")), ("done", _("done")), ("failed", _("failed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        states: dict[str | None, dict[str, Any]] = {
            "pending": {"dispatched_at": None, "failed_at": None},
            "done": {"dispatched_at__isnull": False},
            "failed": {"failed_at__isnull": False},
        }
        return queryset.filter(**states[self.value()]) if self.value() in states else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What happened, and whether all rooms have heard of it."""

    list_display = ("id", "name", "created_at", "dispatched_at", "attempts", "last_error")
    list_filter = (EventStateFilter, "name")
    ordering = ("-id",)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed which row, and how."""

    list_display = ("at", "table_name", "action", "actor_name", "row_id")
    list_filter = ("action", "table_name")
    search_fields = ("=row_id", "actor_name", "=request_id")
    ordering = ("-id",)
