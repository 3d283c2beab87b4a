"""Deliveries and links of a guest: when two guests become one, when one is erased, and in the export of own data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from campaigns.models import CampaignDelivery, ShortLink
from customers.merging.registry import Merge, Mover, Part, register_mover
from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from servaan_crm.core.events import subscribe

State = CampaignDelivery.State

# A campaign that both were in stays once with each record: the kept guest's row counts.
_MOVE = """
UPDATE campaigns_campaigndelivery AS d SET customer_id = %(kept)s
 WHERE d.customer_id = %(merged)s AND NOT EXISTS (
       SELECT 1 FROM campaigns_campaigndelivery AS o WHERE o.campaign_id = d.campaign_id AND o.customer_id = %(kept)s)
RETURNING d.id
"""
# One person gets one message: of two rows that are not both done with, one that waits is given up. The kept guest's
# own is given up only when the other record was written to already.
_GIVE_UP = """
WITH pairs AS (
    SELECT mine.id AS mine, theirs.id AS theirs, mine.state AS my_state, theirs.state AS their_state
      FROM campaigns_campaigndelivery mine
      JOIN campaigns_campaigndelivery theirs ON theirs.campaign_id = mine.campaign_id
     WHERE mine.customer_id = %(kept)s AND theirs.customer_id = %(merged)s)
UPDATE campaigns_campaigndelivery AS d SET state = 'skipped', reason = 'merged'
 WHERE d.state = 'waiting' AND (d.id IN (SELECT theirs FROM pairs)
       OR d.id IN (SELECT mine FROM pairs WHERE their_state = 'queued'))
RETURNING d.id
"""


class DeliveryMover(Mover):
    """Deliveries and links follow the guest. Campaigns go on by themselves, so they never forbid the undoing."""

    name = "campaign_deliveries"
    label = _("Campaigns")
    handles = ("campaigns.CampaignDelivery.customer", "campaigns.ShortLink.customer")

    def parts(self, merged_id: UUID) -> tuple[Part, ...]:
        count = CampaignDelivery.objects.filter(customer_id=merged_id).count()
        return (Part(self.name, self.label, "message", count),)

    def move(self, merge: Merge) -> dict[str, list[Any]]:
        guests = {"kept": merge.kept.pk, "merged": merge.merged.pk}
        links = ShortLink.objects.filter(customer=merge.merged)
        codes = list(links.values_list("pk", flat=True))
        links.update(customer=merge.kept)
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_UP, guests)
            given_up = sorted(row[0] for row in cursor.fetchall())
            cursor.execute(_MOVE, guests)
            return {
                "moved": sorted(row[0] for row in cursor.fetchall()),
                "given_up": given_up,
                "links": codes,
            }

    def put_back(self, merge: Merge, moved: dict[str, list[Any]]) -> None:
        rows = CampaignDelivery.objects.filter(pk__in=moved["moved"], customer=merge.kept)
        rows.update(customer=merge.merged)
        CampaignDelivery.objects.filter(
            pk__in=moved["given_up"], state=State.SKIPPED, reason="merged"
        ).update(state=State.WAITING, reason="")
        ShortLink.objects.filter(pk__in=moved["links"], customer=merge.kept).update(customer=merge.merged)


register_mover(DeliveryMover())


@subscribe("customer.erased")
def forget_guest(payload: dict[str, Any]) -> None:
    """An erased guest's address is gone and nothing more is sent; that there was somebody stays in the figures."""
    rows = CampaignDelivery.objects.filter(customer_id=payload["customer_id"])
    rows.filter(state=State.WAITING).update(state=State.SKIPPED, reason="deleted")
    rows.exclude(recipient="").update(recipient="")
    ShortLink.objects.filter(customer_id=payload["customer_id"]).update(customer=None)


def _deliveries(customer: Customer) -> list[dict[str, Any]]:
    rows = CampaignDelivery.objects.filter(customer=customer).order_by("pk")
    return rows_as_dicts(rows, "campaign__name", "state", "reason", "recipient", "queued_at")


def _clicks(customer: Customer) -> list[dict[str, Any]]:
    rows = ShortLink.objects.filter(customer=customer, clicks__gt=0).order_by("created_at")
    return rows_as_dicts(rows, "url", "clicks", "first_clicked_at", "last_clicked_at")


register_export("campaigns", _deliveries, label=_("Campaigns"))
register_export("links", _clicks, label=_("Links that were followed"))
