"""Fixing the audience of a campaign: one row for every guest, in one statement, before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from campaigns.addresses import example_link
from campaigns.audience import STEPS, Wanted, compile_audience, judged
from campaigns.estimates import EXACT_TEXTS, read_letters, weigh, write_out
from campaigns.models import Campaign, CampaignDelivery
from campaigns.selectors.preview import Funnel
from campaigns.services.states import S, save
from segments.errors import InvalidCriteria
from segments.language.sql import sql, value
from servaan_crm.core.actors import system
from servaan_crm.core.db import write
from servaan_crm.messaging.models import SendingRules
from servaan_crm.messaging.services.rules import get_rules

State = CampaignDelivery.State
MANY = 5_000
_INSERT = """
INSERT INTO campaigns_campaigndelivery
       (campaign_id, customer_id, state, reason, variant, recipient, attempt)
SELECT {}, found.id,
       CASE found.reason WHEN '' THEN 'waiting' WHEN 'holdout' THEN 'holdout' ELSE 'skipped' END,
       CASE found.reason WHEN 'holdout' THEN '' ELSE found.reason END, found.variant, found.recipient, 0
  FROM ({}) found
"""


class _TooMany(Exception):
    """More recipients than may be written to without a second person's approval."""


def build_audience(campaign_id: UUID) -> Campaign | None:
    """Write the deliveries of a campaign that is to be sent; None when there is nothing to do.

    One transaction: a worker that dies leaves nothing, and the next one starts over. Criteria that cannot be read any
    more end the campaign (``failed``, problem "criteria"); more recipients than may be written to without approval
    send it back to its approver (problem "approval").
    """
    with write(system("campaigns")):
        rows = Campaign.objects.select_for_update()
        campaign = rows.filter(pk=campaign_id, status=S.SENDING, built_at=None).first()
        if campaign is None:
            return None
        rules = get_rules()
        try:
            with transaction.atomic():
                insert_deliveries(campaign)
                _note_funnel(campaign, rules)
        except InvalidCriteria:
            campaign.status, campaign.problem = S.FAILED, "criteria"
            save(campaign, "status", "problem")
        except _TooMany:
            campaign.status, campaign.problem, campaign.started_at = S.PENDING, "approval", None
            campaign.submitted_at = timezone.now()
            save(campaign, "status", "problem", "started_at", "submitted_at")
    return campaign


def insert_deliveries(campaign: Campaign) -> int:
    """Write the rows, in the caller's transaction; returns how many. Raises InvalidCriteria."""
    wanted = Wanted.of(campaign)
    query = sql(_INSERT, value(campaign.pk), judged(wanted, compile_audience(wanted)))
    with connection.cursor() as cursor:
        cursor.execute(query.text, query.params)
        count = int(cursor.rowcount)
        if count >= MANY:
            # Without figures of what has just been written, each chunk would read all of it.
            cursor.execute("ANALYZE campaigns_campaigndelivery (campaign_id, state, variant)")
    return count


def count_funnel(campaign: Campaign) -> Funnel:
    """Return the funnel as it was written; one query."""
    rows = campaign.deliveries.order_by().values_list("state", "reason").annotate(Count("pk"))
    counts = {(state, reason): number for state, reason, number in rows}
    return Funnel(
        audience=sum(counts.values()),
        skipped={name: counts.get((State.SKIPPED, name), 0) for name in STEPS},
        holdout=counts.get((State.HOLDOUT, ""), 0),
        recipients=counts.get((State.WAITING, ""), 0),
    )


def _note_funnel(campaign: Campaign, rules: SendingRules) -> None:
    funnel = count_funnel(campaign)
    limit = rules.approval_above
    if limit is not None and funnel.recipients > limit and campaign.approved_at is None:
        raise _TooMany
    campaign.funnel, campaign.recipients = funnel.as_json(), funnel.recipients
    campaign.built_at = timezone.now()
    if campaign.has_messages:
        chosen = campaign.deliveries.filter(state=State.WAITING).order_by("pk")[:EXACT_TEXTS]
        code = campaign.discount_code.code if campaign.discount_code else ""
        rows = list(chosen.values_list("customer_id", "recipient", "variant"))
        texts = write_out(read_letters(campaign, rules), rows, {"link": example_link(), "code": code})
        weight = weigh(campaign.type, texts, funnel.recipients)
        campaign.estimated_parts, campaign.estimated_cost = weight.parts, weight.cost or Decimal(0)
    save(campaign, "funnel", "recipients", "built_at", "estimated_parts", "estimated_cost")
