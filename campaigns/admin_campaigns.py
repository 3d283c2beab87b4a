"""Campaigns, texts and deliveries in the back office: texts are written here, the rest is read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from campaigns import services
from campaigns.models import Campaign, CampaignDelivery, CampaignTemplate, LinkClick, ShortLink
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    """What was said to whom, and where it stands. Decisions are taken on the pages, which ask what they need to."""

    list_display = ("name", "type", "status", "recipients", "scheduled_at", "started_at", "completed_at")
    list_filter = ("status", "type")
    search_fields = ("name",)


@admin.register(CampaignTemplate)
class CampaignTemplateAdmin(ServiceAdmin):
    """Texts to begin with."""

    list_display = ("name", "channel", "category", "is_system", "updated_at")
    list_filter = ("channel", "category")
    search_fields = ("name", "content")
    fields = ("name", "channel", "category", "subject", "content", "provider_template")

    def create(self, request: HttpRequest, values: dict[str, Any]) -> CampaignTemplate:
        return services.create_template(actor=request.user.actor, values=values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> CampaignTemplate:
        return services.update_template(
            actor=request.user.actor,  # type: ignore[union-attr]
            template_id=row.pk,
            changes=changes,
        )


@admin.register(CampaignDelivery)
class CampaignDeliveryAdmin(ReadOnlyAdmin):
    """Who was meant."""

    list_display = ("campaign", "customer", "state", "reason", "variant", "queued_at")
    list_filter = ("state", "reason")
    list_select_related = ("campaign", "customer")


@admin.register(ShortLink)
class ShortLinkAdmin(ReadOnlyAdmin):
    """Who followed what."""

    list_display = ("code", "url", "customer", "clicks", "last_clicked_at")
    list_select_related = ("customer",)


@admin.register(LinkClick)
class LinkClickAdmin(ReadOnlyAdmin):
    """Every call of a link."""

    list_display = ("link", "at", "is_machine")
