"""Segments in the back office. The built-in ones are shown, the café's own can be edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from segments.models import Segment
from segments.services import save_segment
from servaan_crm.core.admin_display import ServiceAdmin


@admin.register(Segment)
class SegmentAdmin(ServiceAdmin):
    """Named groups of guests, described by criteria."""

    list_display = ("name", "key", "is_system", "is_active", "display_order")
    list_filter = ("is_system", "is_active")
    search_fields = ("name", "key")
    fields = ("name", "key", "description", "criteria", "is_active", "color", "icon_name", "display_order")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.is_system)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Segment:
        segment = Segment(**values, created_by_id=request.user.pk)
        return save_segment(actor=request.user.actor, segment=segment)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Segment:
        return save_segment(actor=request.user.actor, segment=row)  # type: ignore[union-attr]
