"""What the pages of campaigns show beside the figures of one campaign: lists, choices, counts of many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse

from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors.attribution import came
from campaigns.selectors.deliveries import REASONS, STATUSES, list_deliveries
from campaigns.selectors.kept import is_large, kept, kept_brought_by, kept_figures_of
from campaigns.selectors.statistics import Figures
from loyalty.models import DiscountCode
from loyalty.selectors.codes import list_codes
from servaan_crm.messaging.models import Message

SORTS: dict[str, Any] = {
    "name": "name",
    "when": Coalesce("started_at", "scheduled_at", "created_at"),
    "recipients": "recipients",
    "created": "created_at",
}


def list_campaigns_for_page(filters: Mapping[str, Any]) -> QuerySet[Campaign]:
    """Return the campaigns that fit ``filters``: search (part of the name), states, type, segment (key).

    ``ordering``: a key of ``SORTS``, with "-" for the other way round.
    """
    rows = Campaign.objects.select_related("discount_code").prefetch_related("segments")
    if filters.get("search"):
        rows = rows.filter(name__icontains=filters["search"])
    if filters.get("states"):
        rows = rows.filter(status__in=filters["states"])
    if filters.get("type"):
        rows = rows.filter(type=filters["type"])
    if filters.get("segment"):
        rows = rows.filter(segments__key=filters["segment"])
    ordering = filters.get("ordering") or "-created"
    expression = SORTS.get(ordering.lstrip("-"), "created_at")
    rows = rows.annotate(shown_order=Coalesce(expression, expression))
    return rows.order_by("-shown_order" if ordering.startswith("-") else "shown_order", "-id")


def count_by_state() -> dict[str, int]:
    """Return status → campaigns."""
    return dict(Campaign.objects.order_by().values_list("status").annotate(Count("pk")))


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign as the list shows it. ``when``: sent, else planned; amounts in the base unit."""

    campaign: Campaign
    url: str
    when: datetime | None
    delivered_percent: float | None
    visits: int
    revenue: Decimal
    redemptions: int


def with_results(campaigns: list[Campaign]) -> list[CampaignLine]:
    """Return a page of campaigns with what they brought; a constant number of queries."""
    figures = kept_figures_of(campaigns)
    brought = kept_brought_by(campaigns)
    lines = []
    for one in campaigns:
        own = figures[one.pk]
        came = brought[one.pk]
        lines.append(
            CampaignLine(
                campaign=one,
                url=reverse("campaigns:detail", args=[one.pk]),
                when=one.started_at or one.scheduled_at,
                delivered_percent=own.delivery_rate if own.sent else None,
                visits=came.visits,
                revenue=came.revenue,
                redemptions=one.discount_code.times_used if one.discount_code else 0,
            )
        )
    return lines


def usable_codes() -> QuerySet[DiscountCode]:
    """Return the codes a message can tell of: switched on, of nobody in particular, and not over."""
    return list_codes({"state": "usable"}).filter(customer=None)


# Chips of the list of guests that stand for several states, or for what happened afterwards.
GROUPS = ("targeted", "pending", "left", "lost", "clicked", "came")
_MESSAGE_STATES = {
    "pending": ("queued", "claimed"),
    "lost": ("failed", "undelivered", "blocked", "expired"),
}


def list_recipients(
    campaign: Campaign, *, status: str = "", reason: str = "", variant: str = "", search: str = ""
) -> QuerySet[CampaignDelivery]:
    """Return the deliveries as ``list_deliveries`` does, also for one of ``GROUPS``."""
    own = status if status in GROUPS else ""
    known = status if status in STATUSES or status == "not_reached" else ""
    rows = list_deliveries(
        campaign,
        status=known,
        reason=reason if reason in REASONS else "",
        variant=variant if variant in "ABCD" else "",
        search=search,
    )
    if not own:
        return rows
    message = Message.objects.filter(pk=OuterRef("message_id"), group_id=campaign.pk)
    if own == "targeted":
        return rows.filter(state__in=["waiting", "queued"])
    if own == "clicked":
        return rows.filter(link__clicks__gt=0)
    if own == "left":
        return rows.filter(Exists(message.filter(sent_at__isnull=False)))
    if own == "came":
        return rows.filter(came())
    in_states = Exists(message.filter(state__in=_MESSAGE_STATES[own]))
    return rows.filter(Q(state="waiting") | in_states) if own == "pending" else rows.filter(in_states)


def count_recipients_of(campaign: Campaign, asked: Mapping[str, str]) -> int | None:
    """Return how many guests :func:`list_recipients` finds with these filters, of a large campaign by its figures.

    None where the figures do not know: then they have to be counted.
    """
    status, reason = asked.get("status", ""), asked.get("reason", "")
    if not is_large(campaign) or asked.get("variant") or asked.get("search") or (status and reason):
        return None
    figures: Figures = kept(campaign, "figures")
    if reason:
        return figures.by_reason.get(reason, 0)
    if status == "came":
        return int(kept(campaign, "brought").visitors)
    known = {
        "": sum(figures.by_status.values()),
        "not_reached": figures.not_reached,
        "targeted": figures.targeted,
        "pending": figures.waiting,
        "left": figures.sent,
        "clicked": figures.clicked,
        "lost": figures.failed,
    }
    return known.get(status, figures.by_status.get(status, 0))
