"""Who got a campaign, who did not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, CampaignDelivery, ShortLink
from customers.models import Customer
from customers.selectors.search import search_customers
from servaan_crm.messaging.models import Message

State = CampaignDelivery.State

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
    "too_long": _("the text became too long"),
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


# Those who were meant, or left out, and have not got it and will not.
NOT_REACHED = "not_reached"
_OVER = ("failed", "undelivered", "blocked", "expired", "cancelled")


def list_deliveries(
    campaign: Campaign, *, status: str = "", reason: str = "", variant: str = "", search: str = ""
) -> QuerySet[CampaignDelivery]:
    """Return the campaign's deliveries in the order they were written; slice it, then :func:`delivery_rows`.

    Args:
        status: one of ``STATUSES``, or "not_reached": everybody who was meant and has not got it.
        reason: one of ``REASONS``. search: part of a name or number.
    """
    rows = CampaignDelivery.objects.filter(campaign=campaign).order_by("pk")
    if status in State.values and status != State.QUEUED:
        rows = rows.filter(state=status)
    elif status == NOT_REACHED:
        over = Exists(_messages(campaign, _OVER))
        rows = rows.filter(Q(state=State.SKIPPED) | (Q(state=State.QUEUED) & over))
    elif status:
        rows = rows.filter(Exists(_messages(campaign, [status])), state=State.QUEUED)
    if reason:
        rows = rows.filter(state=State.SKIPPED, reason=reason)
    if variant:
        rows = rows.filter(variant=variant)
    if search.strip():
        rows = rows.filter(customer__in=search_customers(Customer.objects.all(), search))
    return rows


def _messages(campaign: Campaign, states: Sequence[str]) -> QuerySet[Message]:
    # With its group, so that the few that failed are found by the index of groups and not among all messages.
    rows = Message.objects.filter(group_id=campaign.pk, state__in=states)
    return rows.filter(pk=OuterRef("message_id"))


def delivery_rows(page: Sequence[CampaignDelivery]) -> list[DeliveryRow]:
    """Return a page of deliveries with their guests, messages and clicks; three queries however long."""
    messages = Message.objects.in_bulk([row.message_id for row in page if row.message_id])
    names = dict(Customer.objects.filter(pk__in=[row.customer_id for row in page]).values_list("pk", "name"))
    links = ShortLink.objects.filter(delivery_id__in=[row.pk for row in page])
    clicks = dict(links.values_list("delivery_id", "clicks"))
    return [
        _row(row, messages.get(row.message_id), names.get(row.customer_id, ""), clicks.get(row.pk, 0))
        for row in page
    ]


def _row(row: CampaignDelivery, message: Message | None, name: str, clicks: int) -> DeliveryRow:
    shown = message if row.state == State.QUEUED else None
    why = str(REASONS.get(row.reason, row.reason)) if row.state == State.SKIPPED else ""
    return DeliveryRow(
        id=row.pk,
        customer_id=row.customer_id,
        name=name,
        recipient=shown.recipient if shown else row.recipient,
        variant=row.variant,
        status=shown.state if shown else row.state,
        reason=row.reason,
        why=shown.reason if shown and shown.state in _OVER else why,
        queued_at=row.queued_at,
        sent_at=shown.sent_at if shown else None,
        delivered_at=shown.delivered_at if shown else None,
        parts=shown.parts if shown else None,
        cost=shown.cost if shown else None,
        clicks=clicks,
    )
