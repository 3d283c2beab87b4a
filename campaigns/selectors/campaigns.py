"""Which campaigns there are."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from campaigns.errors import CampaignNotFound, TemplateNotFound
from campaigns.models import Campaign, CampaignTemplate
from servaan_crm.l10n.jalali import local_day_bounds
from servaan_crm.tenancy.current import get_locale

SORTS = {
    "created_at": "created_at",
    "name": "name",
    "scheduled_date": "scheduled_at",
    "recipients": "recipients",
}


def get_campaign(campaign_id: UUID) -> Campaign:
    """Return a campaign with its code and people. Raises CampaignNotFound."""
    rows = Campaign.objects.select_related("discount_code", "created_by", "approved_by", "sent_by")
    found = rows.prefetch_related("segments", "variants").filter(pk=campaign_id).first()
    if found is None:
        raise CampaignNotFound(details={"campaign_id": str(campaign_id)})
    return found


def list_campaigns(
    *,
    status: str = "",
    type: str = "",
    search: str = "",
    segment: str = "",
    first: date | None = None,
    last: date | None = None,
    sort: str = "created_at",
    order: str = "desc",
) -> QuerySet[Campaign]:
    """Return the campaigns, newest first.

    Args:
        status, type: one of the model's choices. search: part of the name. segment: a segment's key.
        first, last: local days of creation, both included. sort: a key of ``SORTS``; order: asc or desc.
    """
    rows = Campaign.objects.select_related("discount_code", "created_by").prefetch_related("segments")
    exact: dict[str, Any] = {"status": status, "type": type, "segments__key": segment}
    rows = rows.filter(**{name: given for name, given in exact.items() if given})
    if search:
        rows = rows.filter(name__icontains=search)
    zone = get_locale().tz
    if first:
        rows = rows.filter(created_at__gte=local_day_bounds(first, zone)[0])
    if last:
        rows = rows.filter(created_at__lt=local_day_bounds(last, zone)[1])
    sign = "-" if order == "desc" else ""
    return rows.order_by(f"{sign}{SORTS[sort]}", f"{sign}id")


def list_templates(*, channel: str = "", category: str = "") -> QuerySet[CampaignTemplate]:
    """Return the message templates by category and name."""
    exact = {"channel": channel, "category": category}
    return CampaignTemplate.objects.filter(**{name: given for name, given in exact.items() if given})


def get_template(template_id: UUID) -> CampaignTemplate:
    """Return one message template. Raises TemplateNotFound."""
    found = CampaignTemplate.objects.filter(pk=template_id).first()
    if found is None:
        raise TemplateNotFound(details={"template_id": str(template_id)})
    return found
