"""Automations in the back office: switch them on and off, and write their texts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from campaigns import admin_automations  # noqa: F401
from campaigns.automations import services
from campaigns.models import Automation
from campaigns.texts import AUTOMATION, variables
from servaan_crm.core.admin_display import ServiceAdmin


@admin.register(Automation)
class AutomationAdmin(ServiceAdmin):
    """What the café says by itself."""

    list_display = ("name", "trigger", "channel", "is_active", "updated_at")
    list_filter = ("is_active",)
    fields = ("name", "trigger", "channel", "template", "is_active", "updated_at")
    readonly_fields = ("trigger", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        known = "، ".join(f"{{{{{one.name}}}}}" for one in variables(AUTOMATION))
        kwargs["help_texts"] = {
            "template": _("Variables: %(known)s. With a substitute for a missing value: %(example)s")
            % {"known": known, "example": "{{name|…}}"}
        }
        return super().get_form(request, obj, change, **kwargs)

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Automation:
        return services.update_automation(
            actor=request.user.actor,  # type: ignore[union-attr]
            automation_id=row.pk,
            changes=changes,
        )
