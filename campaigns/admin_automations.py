"""What automations did, in the back office: to look at."""

from __future__ import annotations

from django.contrib import admin

from campaigns.models import AutomationRun, HookCall
from servaan_crm.core.admin_display import ReadOnlyAdmin


@admin.register(AutomationRun)
class AutomationRunAdmin(ReadOnlyAdmin):
    """Whom an automation met, and what came of it."""

    list_display = ("automation", "customer", "state", "reason", "due_at", "finished_at")
    list_filter = ("state", "automation")
    list_select_related = ("automation", "customer")
    search_fields = ("customer__name", "customer__phone", "occurrence")
    ordering = ("-created_at",)


@admin.register(HookCall)
class HookCallAdmin(ReadOnlyAdmin):
    """Calls of other systems; the secret is left out."""

    list_display = ("url", "state", "attempts", "last_status", "next_at")
    list_filter = ("state",)
    leave_out = ("secret",)
    ordering = ("-created_at",)
