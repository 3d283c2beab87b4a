"""Feedback in the back office: the inbox, the answer, the follow-up."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from feedback import services
from feedback.models import Feedback, FeedbackLink
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin

_WHAT_WAS_SAID = (
    "customer", "visit", "source", "source_reference", "rating", "category_ratings", "categories", "comment",
    "table_number", "visit_date", "order_amount", "created_at",
)  # fmt: skip
_ANSWER = (
    "status",
    "response_text",
    "response_date",
    "responded_by",
    "follow_up_date",
    "follow_up_completed",
)
_NEW = ("customer", "visit", "source", "rating", "comment", "table_number")


@admin.register(Feedback)
class FeedbackAdmin(ServiceAdmin):
    """What guests said stays as they said it; staff add the answer and the follow-up."""

    list_display = ("created_at", "rating", "customer", "comment", "source", "status", "follow_up_date")
    list_filter = ("status", "rating", "source", "follow_up_required", "follow_up_completed")
    list_select_related = ("customer",)
    search_fields = ("customer__name", "=customer__phone", "comment", "table_number")
    date_hierarchy = None
    ordering = ("-created_at",)
    raw_id_fields = ("customer", "visit")
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*_WHAT_WAS_SAID, *_ANSWER) if obj else _NEW

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        frozen = (*_WHAT_WAS_SAID, "response_date", "responded_by") if obj else ()
        return [self._written(name) for name in frozen]

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Feedback:
        customer, visit = values.pop("customer"), values.pop("visit")
        return services.record_feedback(
            actor=request.user.actor,  # type: ignore[union-attr]
            customer_id=customer.pk if customer else None,
            visit_id=visit.pk if visit else None,
            **values,
        )

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Feedback:
        return services.answer_feedback(actor=request.user.actor, feedback_id=row.pk, **changes)  # type: ignore[union-attr]


@admin.register(FeedbackLink)
class FeedbackLinkAdmin(ReadOnlyAdmin):
    """Who may still say how it was. The secret half of the address is not shown."""

    list_display = ("created_at", "customer", "visit", "expires_at", "used_at")
    list_filter = ("created_at",)
    list_select_related = ("customer", "visit")
    search_fields = ("customer__name", "=customer__phone")
    ordering = ("-created_at",)
    leave_out = ("key",)
