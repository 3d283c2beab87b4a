"""Figures of a campaign while it is sent and afterwards; a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from campaigns.models import Campaign
from campaigns.selectors.deliveries import DeliveryRow
from servaan_crm.l10n import phone as phones
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.models import Message

# Ended without arriving. (What was cancelled was not tried.)
FAILED = ("failed", "undelivered", "blocked", "expired")


@dataclass(slots=True)
class Figures:
    """Counts of one campaign, or of one text of a trial.

    ``by_status``: keys of ``deliveries.STATUSES`` → guests. ``by_reason``: reason → guests left out.
    ``targeted``: guests the message was meant for. ``sent``: messages a provider took, whatever became of them;
    ``failed``: taken or not, they did not arrive and will not.
    """

    targeted: int = 0
    waiting: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    retryable: int = 0
    clicks: int = 0
    clicked: int = 0
    parts: int = 0
    actual_cost: Decimal = Decimal(0)
    by_status: dict[str, int] = field(default_factory=dict)
    by_reason: dict[str, int] = field(default_factory=dict)

    @property
    def delivery_rate(self) -> float:
        """Delivered of those sent, in percent with one decimal; 0.0 while nothing was sent."""
        return round(100 * self.delivered / self.sent, 1) if self.sent else 0.0

    @property
    def not_reached(self) -> int:
        """Guests who were meant, or left out, and have not got the message and will not."""
        return self.failed + self.by_status.get("skipped", 0) + self.by_status.get("cancelled", 0)


# Surely never left us, and another try can help. What was unknown once ("pinned") may have left after all.
_RETRYABLE = (
    "m.sent_at IS NULL AND NOT m.pinned AND m.provider_message_id = '' AND (m.state = 'expired'"
    " OR (m.state = 'failed' AND m.error_class IN ('retryable', 'credit', 'auth')))"
)
# By group and by id: a small campaign must not cost a walk through the messages of a large one.
_COUNTS = f"""
SELECT d.campaign_id, {{letter}}, CASE WHEN d.state = 'queued' THEN COALESCE(m.state, 'queued') ELSE d.state END,
       d.reason, count(*), count(m.sent_at), count(*) FILTER (WHERE {_RETRYABLE} AND d.state = 'queued'),
       COALESCE(sum(m.parts) FILTER (WHERE m.sent_at IS NOT NULL), 0),
       count(l.code) FILTER (WHERE l.clicks > 0), COALESCE(sum(l.clicks), 0)
  FROM campaigns_campaigndelivery d
  LEFT JOIN messaging_message m ON m.id = d.message_id AND m.group_id = ANY(%s)
  LEFT JOIN campaigns_shortlink l ON l.delivery_id = d.id
 WHERE d.campaign_id = ANY(%s)
 GROUP BY 1, 2, 3, 4
"""
# Every message counts, also one that was followed by another try.
_COSTS = """
SELECT m.group_id, {letter}, COALESCE(sum(m.cost), 0) FROM messaging_message m {join}
 WHERE m.group_id = ANY(%s) GROUP BY 1, 2
"""
_OF_DELIVERY = "JOIN campaigns_campaigndelivery d ON d.message_id = m.id"


def retryable_messages(campaign_id: UUID) -> QuerySet[Message, Any]:
    """Return the ids of the campaign's messages that surely never left and that another try can help."""
    never_left = Message.objects.filter(
        group_id=campaign_id, sent_at=None, pinned=False, provider_message_id=""
    )
    worth_it = Q(state="expired") | Q(state="failed", error_class__in=["retryable", "credit", "auth"])
    return never_left.filter(worth_it).values("pk")


def get_figures(campaign: Campaign) -> Figures:
    """Return the campaign's figures; two queries."""
    return figures_of([campaign])[campaign.pk]


def figures_of(campaigns: Iterable[Campaign]) -> dict[UUID, Figures]:
    """Return campaign id → figures for a page of the list; two queries however long the page is."""
    keys = [campaign.pk for campaign in campaigns]
    found = _read(keys, "''")
    return {key: found.get((key, ""), Figures()) for key in keys}


def figures_by_variant(campaign: Campaign) -> dict[str, Figures]:
    """Return the figures of each text of a trial by its letter; empty without a trial. Two queries."""
    found = _read([campaign.pk], "d.variant")
    return {letter: figures for (_key, letter), figures in sorted(found.items()) if letter}


def _read(keys: Sequence[UUID], letter: str) -> dict[tuple[UUID, str], Figures]:
    found: dict[tuple[UUID, str], Figures] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(letter=letter), [list(keys), list(keys)])
        for key, text, status, reason, *numbers in cursor.fetchall():
            _add(found.setdefault((key, text), Figures()), status, reason, numbers)
        join = _OF_DELIVERY if letter != "''" else ""
        cursor.execute(_COSTS.format(letter=letter, join=join), [list(keys)])
        for key, text, cost in cursor.fetchall():
            found.setdefault((key, text), Figures()).actual_cost = cost
    return found


def _add(figures: Figures, status: str, reason: str, numbers: Sequence[Any]) -> None:
    count, sent, retryable, parts, clicked, clicks = numbers
    figures.by_status[status] = figures.by_status.get(status, 0) + count
    if status == "skipped":
        figures.by_reason[reason] = figures.by_reason.get(reason, 0) + count
    elif status != "holdout":
        figures.targeted += count
    if status in ("waiting", "queued", "claimed"):
        figures.waiting += count
    figures.delivered += count if status == "delivered" else 0
    figures.failed += count if status in FAILED else 0
    figures.sent += sent
    figures.retryable += retryable
    figures.parts += parts
    figures.clicked += clicked
    figures.clicks += clicks


def statistics_payload(
    campaign: Campaign, figures: Figures, details: Sequence[DeliveryRow]
) -> dict[str, Any]:
    """Return ``data`` of ``GET campaigns/{id}/stats`` exactly as seed 000 prints it."""
    region = get_locale().phone_region
    return {
        "campaign_id": str(campaign.pk),
        "name": campaign.name,
        "status": campaign.status,
        "sent_at": campaign.started_at,
        "statistics": {
            "total_targeted": figures.targeted,
            "messages_sent": figures.sent,
            "messages_delivered": figures.delivered,
            "messages_failed": figures.failed,
            "delivery_rate": figures.delivery_rate,
            "estimated_cost": campaign.estimated_cost,
            "actual_cost": figures.actual_cost,
        },
        "delivery_details": [
            {
                "customer_id": str(row.customer_id),
                "phone": phones.national(row.recipient, region)
                if row.recipient.startswith("+")
                else row.recipient,
                "status": row.status,
                "delivered_at": row.delivered_at,
                "cost": row.cost,
            }
            for row in details
        ],
    }
