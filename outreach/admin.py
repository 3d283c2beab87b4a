"""Contacts and calls in the back office: contacts are noted through the service, calls are worked on their page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from outreach import services
from outreach.models import CallTask, Interaction
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin


@admin.register(Interaction)
class InteractionAdmin(ServiceAdmin):
    """Who talked to whom, how, and with what result."""

    list_display = ("interaction_date", "customer", "type", "direction", "outcome", "agent", "follow_up_date")
    list_filter = ("type", "direction", "outcome", "agent")
    list_select_related = ("customer", "agent")
    search_fields = ("customer__name", "=customer__phone", "subject")
    ordering = ("-interaction_date",)
    raw_id_fields = ("customer",)
    fields = ("customer", "type", "direction", "subject", "details", "outcome", "agent", "follow_up_date")
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Interaction:
        customer, agent = values.pop("customer"), values.pop("agent")
        return services.log_interaction(
            actor=request.user.actor,  # type: ignore[union-attr]
            customer_id=customer.pk,
            agent_id=agent.pk if agent else None,
            **values,
        )


@admin.register(CallTask)
class CallTaskAdmin(ReadOnlyAdmin):
    """Whom somebody should call, and what came of it."""

    list_display = ("task_date", "customer", "type", "priority", "status", "agent", "outcome", "completed_at")
    list_filter = ("status", "priority", "type", "outcome", "agent")
    list_select_related = ("customer", "agent")
    search_fields = ("customer__name", "=customer__phone")
    ordering = ("-task_date", "-pk")
