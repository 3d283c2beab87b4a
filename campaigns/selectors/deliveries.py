"""Who got a campaign, who did not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, CampaignDelivery

# Reasons of deliveries that were left out, in the order in which they are asked.
REASONS: dict[str, str | Promise] = {
    "blocked": _("the guest is blocked"),
    "no_consent": _("the guest wants no messages"),
    "opted_out": _("the guest said no on this channel"),
    "invalid": _("no address this channel can reach"),
    "capped": _("had enough messages lately"),
    "no_window": _("has not written within 24 hours"),
    "no_value": _("a value of the text is missing"),
    "cancelled": _("the campaign was cancelled"),
    "deleted": _("the guest was deleted meanwhile"),
    "merged": _("is one guest with another recipient"),
}
# What a delivery has come to: its own state, or that of its message once there is one.
STATUSES: dict[str, str | Promise] = {
    "waiting": _("waiting"),
    "queued": _("handed over for sending"),
    "claimed": _("being sent"),
    "sent": _("sent"),
    "unknown": _("being checked"),
    "delivered": _("delivered"),
    "failed": _("failed"),
    "undelivered": _("not delivered"),
    "blocked": _("blocked"),
    "expired": _("expired"),
    "cancelled": _("cancelled"),
    "holdout": _("left out for comparison"),
    "skipped": _("left out"),
}


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One guest of a campaign. ``why``: in words, why there was no message or it did not arrive; "" otherwise."""

    id: int
    customer_id: UUID
    name: str
    recipient: str
    variant: str
    status: str
    reason: str
    why: str
    queued_at: datetime | None
    sent_at: datetime | None
    delivered_at: datetime | None
    parts: int | None
    cost: Decimal | None
    clicks: int


def list_deliveries(
    campaign: Campaign, *, status: str = "", reason: str = "", variant: str = "", search: str = ""
) -> QuerySet[CampaignDelivery]:
    """Return the campaign's deliveries in the order they were written; slice it, then :func:`delivery_rows`.

    Args:
        status: one of ``STATUSES``, or "not_reached": everybody who was meant and has not got it.
        reason: one of ``REASONS``. search: part of a name or number.
    """
    raise NotImplementedError


def delivery_rows(page: list[CampaignDelivery]) -> list[DeliveryRow]:
    """Return a page of deliveries with their guests, messages and clicks; three queries however long."""
    raise NotImplementedError
