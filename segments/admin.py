"""Segments in the back office. The built-in ones are shown, the café's own can be edited; what follows is read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from segments.errors import InvalidCriteria
from segments.language import check_criteria
from segments.models import RfmScore, Segment, SegmentChange, SegmentDay, SegmentRun
from segments.services import save_segment
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin


class SegmentForm(forms.ModelForm):  # type: ignore[type-arg]  # Django subscripts it for checkers only
    """Criteria are read as the language reads them, so that a fault is shown beside the field."""

    class Meta:
        model = Segment
        fields = "__all__"  # noqa: DJ007  (the admin names them)

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        criteria, key = values.get("criteria"), values.get("key") or self.instance.key
        if values.get("kind", self.instance.kind) == Segment.Kind.STATIC or "criteria" not in values:
            return values | {"criteria": criteria or {}}
        others = {one.key: one for one in Segment.objects.exclude(pk=self.instance.pk)}
        others[key] = Segment(pk=self.instance.pk, key=key, criteria=criteria)
        try:
            check_criteria(criteria, segments=others, key=key)
        except InvalidCriteria as error:
            allowed = ", ".join(error.details["allowed"][:40])
            self.add_error("criteria", f"{error} ({allowed})" if allowed else str(error))
        return values


@admin.register(Segment)
class SegmentAdmin(ServiceAdmin):
    """Named groups of guests, described by criteria."""

    form = SegmentForm
    list_display = (
        "name", "key", "kind", "customer_count", "last_calculated_at", "is_system", "is_active", "display_order"
    )  # fmt: skip
    list_filter = ("is_system", "is_active", "kind")
    search_fields = ("name", "key")
    fields = (
        "name", "key", "description", "kind", "criteria", "is_active", "color", "icon_name", "display_order",
        "customer_count", "last_calculated_at", "problem",
    )  # fmt: skip
    readonly_fields = ("customer_count", "last_calculated_at", "problem")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        found = super().get_readonly_fields(request, obj)
        return [*found, "key", "kind"] if obj else found

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.is_system)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Segment:
        segment = Segment(**values, created_by_id=request.user.pk)
        return save_segment(actor=request.user.actor, segment=segment)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Segment:
        return save_segment(actor=request.user.actor, segment=row)  # type: ignore[union-attr]


@admin.register(SegmentRun)
class SegmentRunAdmin(ReadOnlyAdmin):
    """Calculations: when, how long, how many guests moved."""

    list_display = ("created_at", "status", "reason", "total", "processed", "entered", "left", "finished_at")
    list_filter = ("status",)


@admin.register(SegmentChange)
class SegmentChangeAdmin(ReadOnlyAdmin):
    """Who came into a segment and who left it."""

    list_display = ("at", "segment", "customer", "entered")
    list_filter = ("entered", "segment")
    list_select_related = ("segment", "customer")
    show_full_result_count = False


@admin.register(SegmentDay)
class SegmentDayAdmin(ReadOnlyAdmin):
    """The size of each segment by day."""

    list_display = ("day", "segment", "customer_count")
    list_filter = ("segment",)
    list_select_related = ("segment",)


@admin.register(RfmScore)
class RfmScoreAdmin(ReadOnlyAdmin):
    """Scores of the last calculation."""

    list_display = ("customer", "recency", "frequency", "monetary", "group", "previous_group", "group_since")
    list_filter = ("group",)
    list_select_related = ("customer",)
    show_full_result_count = False
