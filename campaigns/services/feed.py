"""Handing a campaign over to the outbox, chunk by chunk, by any number of workers.

A chunk is one transaction: its deliveries are locked (rows another worker has are passed over), their messages are
written, and they are marked. A worker that is killed leaves whole chunks; the messages' dedupe keys stand behind that,
so that nobody is written to twice whatever happens. The rest waits as ``waiting`` rows for whoever comes next.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from campaigns.estimates import Letter, read_letters
from campaigns.models import Campaign, CampaignType
from campaigns.services.audience import build_audience
from campaigns.services.links import LinkWanted, make_links
from campaigns.services.progress import settle
from campaigns.services.states import S
from campaigns.texts import MissingValue
from campaigns.values import Guest, guest_values
from servaan_crm.l10n.jalali import local_date
from servaan_crm.messaging.services import MessageDraft, queue_messages
from servaan_crm.messaging.services.rules import get_rules, quiet_until
from servaan_crm.messaging.sms import count_parts
from servaan_crm.tenancy.current import get_locale

CHUNK = 2_000
MAX_PARTS = 12
# Shorter texts surely fit, so they need not be measured here.
_SURELY_FITS = 600

# The guest is held too (a merge moves deliveries): both are passed over while somebody else has one of them, so no
# feeder ever waits for a lock it could meet from the other side. The rows are picked first, in the order of
# ``campaign_delivery_state``: a chunk must cost the same whether 2,000 or 200,000 wait.
_TAKE = """
WITH picked AS MATERIALIZED (
    SELECT id, customer_id, variant, recipient, attempt FROM campaigns_campaigndelivery
     WHERE campaign_id = %s AND state = 'waiting' AND variant {letters} ''
     ORDER BY variant, id LIMIT %s FOR UPDATE SKIP LOCKED)
SELECT d.id, d.variant, d.recipient, d.attempt, c.deleted_at IS NOT NULL, c.email,
       c.id, c.name, c.phone, s.points, s.tier, s.last_visit_at, s.total_visits
  FROM picked d
  JOIN customers_customer c ON c.id = d.customer_id
  JOIN customers_customersummary s ON s.customer_id = d.customer_id
   FOR KEY SHARE OF c SKIP LOCKED
"""
_QUEUED = """
UPDATE campaigns_campaigndelivery AS d
   SET state = 'queued', message_id = m.id, queued_at = now(), variant = t.variant, recipient = t.recipient
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[]) AS t (id, dedupe_key, variant, recipient)
  JOIN messaging_message m ON m.dedupe_key = t.dedupe_key
 WHERE d.id = t.id
"""
_SKIPPED = """
UPDATE campaigns_campaigndelivery AS d SET state = 'skipped', reason = t.reason
  FROM unnest(%s::bigint[], %s::text[]) AS t (id, reason) WHERE d.id = t.id
"""


class Row(NamedTuple):
    """A waiting delivery and its guest."""

    id: int
    variant: str
    recipient: str
    attempt: int
    is_deleted: bool
    email: str
    guest: Guest

    def key(self) -> str:
        """Return what names this message: another try of a delivery is another message."""
        return f"campaign:{self.id}" + (f":{self.attempt}" if self.attempt else "")


@dataclass(slots=True)
class _Chunk:
    """Messages to be written, and deliveries that get none."""

    drafts: list[tuple[Row, str, MessageDraft]] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)


def work_on(campaign_id: UUID, *, seconds: float = 50.0) -> bool:
    """Bring a campaign forward: fix the audience, hand over, see whether it is done. False: there is more to do.

    Safe to call at any time, by any number of workers at once.
    """
    until = time.monotonic() + seconds
    build_audience(campaign_id)
    while feed_chunk(campaign_id):
        if time.monotonic() >= until:
            return False
    settle(campaign_id)
    return True


def feed_chunk(campaign_id: UUID, *, size: int = CHUNK) -> int:
    """Hand over up to ``size`` deliveries in one transaction; returns how many were dealt with.

    0: nothing waits that nobody else has in hand, or the campaign is not being sent.
    """
    with transaction.atomic():
        rows = Campaign.objects.select_related("discount_code")
        campaign = rows.filter(pk=campaign_id, status=S.SENDING, built_at__isnull=False).first()
        if campaign is None:
            return 0
        taken = _take(campaign, size)
        if taken:
            _hand_over(campaign, taken)
    return len(taken)


def waits_for_trial(campaign: Campaign, letters: int) -> bool:
    """Say whether the guests without a letter wait for the trial's result."""
    return letters > 0 and campaign.test_percent < 100 and not campaign.winner


def _take(campaign: Campaign, size: int) -> list[Row]:
    waits = waits_for_trial(campaign, campaign.variants.count())
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(letters=">" if waits else ">="), [campaign.pk, size])
        return [Row._make((*found[:6], Guest._make(found[6:]))) for found in cursor.fetchall()]


def _hand_over(campaign: Campaign, taken: Sequence[Row]) -> None:
    chunk = _write(campaign, taken)
    _queue(chunk)
    with connection.cursor() as cursor:
        if chunk.drafts:
            columns: list[Any] = [
                [row.id for row, _letter, _draft in chunk.drafts],
                [row.key() for row, _letter, _draft in chunk.drafts],
                [letter for _row, letter, _draft in chunk.drafts],
                [draft.recipient for _row, _letter, draft in chunk.drafts],
            ]
            cursor.execute(_QUEUED, columns)
        if chunk.skipped:
            ids, reasons = zip(*chunk.skipped, strict=True)
            cursor.execute(_SKIPPED, [list(ids), list(reasons)])


def _queue(chunk: _Chunk) -> None:
    """Write the messages; one that cannot be written must not keep the others from being sent."""
    try:
        queue_messages([draft for _row, _letter, draft in chunk.drafts])
    except ValidationError:
        entries, chunk.drafts = chunk.drafts, []
        for row, letter, draft in entries:
            try:
                queue_messages([draft])
                chunk.drafts.append((row, letter, draft))
            except ValidationError:
                chunk.skipped.append((row.id, "invalid"))


def _write(campaign: Campaign, taken: Sequence[Row]) -> _Chunk:
    """Fill in the texts of a chunk."""
    rules = get_rules()
    letters = read_letters(campaign, rules)
    links = _links(campaign, letters, taken)
    now = timezone.now()
    today = local_date(now, get_locale())
    expires_at = (quiet_until(now, rules) or now) + timedelta(hours=campaign.valid_hours)
    code = campaign.discount_code.code if campaign.discount_code else ""
    used = set().union(*(letter.used for letter in letters.values()))
    chunk = _Chunk()
    for row in taken:
        recipient = _recipient(campaign.type, row)
        letter = letters.get(row.variant or campaign.winner) or letters[""]
        if row.is_deleted or not recipient:
            chunk.skipped.append((row.id, "deleted" if row.is_deleted else "invalid"))
            continue
        link = links.get(row.id, "")
        values = {**guest_values(row.guest, today=today, only=used), "link": link, "code": code}
        try:
            draft = _draft(campaign, row, recipient, letter, values, link, expires_at)
        except MissingValue:
            chunk.skipped.append((row.id, "no_value"))
            continue
        if _is_too_long(campaign, draft.body):
            chunk.skipped.append((row.id, "too_long"))
            continue
        chunk.drafts.append((row, letter.key, draft))
    return chunk


def _draft(
    campaign: Campaign,
    row: Row,
    recipient: str,
    letter: Letter,
    values: dict[str, str],
    link: str,
    expires_at: datetime,
) -> MessageDraft:
    subject, body = letter.render(values)
    return MessageDraft(
        recipient=recipient,
        body=body,
        subject=subject[:200],
        kind="campaign",
        purpose="marketing",
        channel=campaign.type,
        customer_id=row.guest.id,
        group_id=campaign.pk,
        dedupe_key=row.key(),
        expires_at=expires_at,
        template=campaign.provider_template,
        values=letter.body.filled(values) if campaign.provider_template else {},
        url=link,
    )


def _is_too_long(campaign: Campaign, body: str) -> bool:
    is_sms = campaign.type == CampaignType.SMS
    return is_sms and len(body) > _SURELY_FITS and count_parts(body).parts > MAX_PARTS


def _recipient(channel: str, row: Row) -> str:
    """Return where it goes now: a number that was corrected since the audience was fixed counts."""
    if channel in (CampaignType.SMS, CampaignType.WHATSAPP):
        return row.guest.phone
    return row.email if channel == CampaignType.EMAIL else row.recipient


def _links(campaign: Campaign, letters: dict[str, Letter], taken: Sequence[Row]) -> dict[int, str]:
    """Return delivery → short link, made when the texts or the channel have a place for it."""
    is_shown = campaign.type in (CampaignType.PUSH, CampaignType.EMAIL)
    if not campaign.link_url or not (is_shown or any("link" in one.used for one in letters.values())):
        return {}
    wanted = [
        LinkWanted(url=campaign.link_url, customer_id=row.guest.id, delivery_id=row.id)
        for row in taken
        if not row.is_deleted
    ]
    made = make_links(wanted)
    return {one.delivery_id: link for one, link in zip(wanted, made, strict=True) if one.delivery_id}
