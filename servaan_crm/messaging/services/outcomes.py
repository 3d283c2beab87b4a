"""Writing down what became of messages: always one statement for a whole batch.

Providers repeat and reorder their reports, and a slow dispatcher may come back after its claim was given up.
So every statement names the states it may leave, and a final state is left for nothing but "delivered".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from servaan_crm.messaging.gateways.base import DeliveryReport, DeliveryState, SendResult
from servaan_crm.messaging.gateways.reading import storable
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services.accounts import Account
from servaan_crm.messaging.services.conflicts import once_more
from servaan_crm.messaging.services.early import keep_early, reports_by_call_alone, take_early
from servaan_crm.messaging.services.refusals import record_refusals
from servaan_crm.messaging.services.telling import change_and_tell

State = Message.State

STATE_OF = {
    DeliveryState.ACCEPTED: State.SENT,
    DeliveryState.DELIVERED: State.DELIVERED,
    DeliveryState.UNDELIVERED: State.UNDELIVERED,
    DeliveryState.FAILED: State.FAILED,
    DeliveryState.BLOCKED: State.BLOCKED,
    DeliveryState.CANCELLED: State.CANCELLED,
    DeliveryState.UNKNOWN: State.SENT,
}
_RANK = {State.SENT: 1, State.DELIVERED: 3}  # everything else that is final: 2


# The ids go through an array, so that the planner never reads the whole table. Where a callback was here first, the
# message has its number and state already, and the cost alone is news.
_ACCEPT = """
WITH r AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json)
        AS (id uuid, provider_id text, state text, status text, cost numeric))
UPDATE messaging_message AS m SET
    state = CASE WHEN {is_news} THEN r.state ELSE m.state END,
    provider = %s, provider_account = %s,
    provider_message_id = r.provider_id,
    provider_status = CASE WHEN {is_news} THEN r.status ELSE m.provider_status END,
    cost = COALESCE(r.cost, m.cost),
    sent_at = COALESCE(m.sent_at, now()),
    delivered_at = CASE WHEN NOT {is_news} THEN m.delivered_at WHEN r.state = 'delivered' THEN now() END,
    failed_at = CASE WHEN NOT {is_news} THEN m.failed_at WHEN r.state NOT IN ('sent', 'delivered') THEN now() END,
    next_check_at = CASE WHEN {is_news} AND r.state = 'sent' THEN now() + interval '5 seconds' END,
    error_class = '', error_code = '', error_text = '', updated_at = now()
FROM r
WHERE m.id = r.id AND m.id = ANY(ARRAY(SELECT id FROM r))
  AND ({is_news} OR (m.provider_message_id = r.provider_id AND m.cost IS NULL))
""".format(
    # Also what was given up as lost meanwhile: it was not, and it is sent to nobody again.
    is_news="(m.state IN ('claimed', 'unknown', 'queued') OR (m.state = 'failed' AND m.error_class = 'unknown'))"
)

_REFUSE = """
UPDATE messaging_message AS m SET
    state = r.state,
    attempts = m.attempts - CASE WHEN r.tried THEN 0 ELSE 1 END,
    not_before = CASE WHEN r.state = 'queued' THEN r.at ELSE m.not_before END,
    next_check_at = CASE WHEN r.state = 'unknown' THEN r.at END,
    pinned = m.pinned OR r.pinned,
    failed_at = CASE WHEN r.state IN ('failed', 'blocked') THEN now() END,
    error_class = r.error_class, error_code = r.error_code, error_text = r.error_text,
    updated_at = now()
FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
            %s::bool[], %s::bool[])
    AS r(id, state, at, error_class, error_code, error_text, pinned, tried)
WHERE m.id = r.id AND m.claimed_by = %s AND m.state IN ('claimed', 'unknown')
"""
# Rows are locked in the order of their ids: two calls of a provider with the same messages in another order would wait
# for each other.
_REPORT = """
WITH r AS MATERIALIZED (
    SELECT m.id, t.state, t.status
      FROM unnest(%s::text[], %s::text[], %s::text[]) AS t(provider_id, state, status)
      JOIN messaging_message AS m ON m.provider_message_id = t.provider_id AND m.provider_message_id <> ''
     WHERE m.provider = %s AND (%s::text IS NULL OR m.provider_account = %s)
     ORDER BY m.id FOR UPDATE OF m)
UPDATE messaging_message AS m SET
    state = r.state, provider_status = r.status, next_check_at = NULL,
    delivered_at = CASE WHEN r.state = 'delivered' THEN now() END,
    failed_at = CASE WHEN r.state <> 'delivered' THEN now() END,
    updated_at = now()
FROM r
WHERE m.id = r.id AND m.id = ANY(ARRAY(SELECT id FROM r))
  AND (m.state = 'sent' OR (r.state = 'delivered'
       AND m.state IN ('undelivered', 'failed', 'blocked', 'cancelled')))
"""
# A provider that names our own number has the message, whatever became of its answer to us.
_KNOWN = """
UPDATE messaging_message AS m SET
    state = 'sent', provider_message_id = r.provider_id, sent_at = COALESCE(m.claimed_at, now()),
    failed_at = NULL, next_check_at = NULL, error_class = '', error_code = '', error_text = '', updated_at = now()
FROM unnest(%s::bigint[], %s::text[]) AS r(local_id, provider_id)
WHERE m.local_id = r.local_id AND m.provider = %s AND m.provider_account = %s AND m.provider_message_id = ''
  AND (m.state IN ('claimed', 'unknown', 'queued') OR (m.state = 'failed' AND m.error_class = 'unknown'))
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message the provider has: its fate so far."""

    id: UUID
    provider_message_id: str
    state: str
    status: str = ""
    cost: Decimal | None = None

    @classmethod
    def of(cls, message_id: UUID, result: SendResult, cost: Decimal | None) -> Accepted:
        """From an adapter's answer. ``cost``: in the café's money."""
        return cls(message_id, result.provider_id, STATE_OF[result.state], result.status, cost)


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that did not go out, or may not have. ``state`` queued, unknown, failed or blocked; ``at`` when
    to try or ask again; ``pinned``: only the same account may try again; ``tried`` False: the provider was
    not asked at all, so this does not count as an attempt."""

    id: UUID
    state: str
    at: datetime
    error_class: str = ""
    error_code: str = ""
    error_text: str = ""
    pinned: bool = False
    tried: bool = True


def record_accepted(rows: Sequence[Accepted], *, account: str, provider: str) -> int:
    """Record messages the provider has under its own number; returns how many changed.

    This is the truth even if our claim was given up meanwhile, hence also from "queued" and "unknown".
    """
    if not rows:
        return 0
    # One JSON text is several times cheaper to hand over than five arrays.
    listed = [
        {
            "id": str(row.id),
            "provider_id": row.provider_message_id,
            "state": row.state,
            "status": row.status[:20],
            "cost": None if row.cost is None else str(row.cost),
        }
        for row in rows
    ]
    changed = change_and_tell(_ACCEPT, [json.dumps(listed), provider, account])
    if reports_by_call_alone(provider):
        _apply_early([row.provider_message_id for row in rows], provider, account)
    return changed


def record_refused(rows: Sequence[Refused], *, claimed_by: str) -> int:
    """Record messages that did not go out; only the holder of the claim may say so. Returns how many changed."""
    if not rows:
        return 0
    return change_and_tell(
        _REFUSE,
        [
            [row.id for row in rows],
            [str(row.state) for row in rows],
            [row.at for row in rows],
            [row.error_class for row in rows],
            [row.error_code[:20] for row in rows],
            [row.error_text[:200] for row in rows],
            [row.pinned for row in rows],
            [row.tried for row in rows],
            claimed_by,
        ],
    )


def record_reports(reports: Sequence[DeliveryReport], *, account: Account) -> int:
    """Record what a provider reported of messages that ``account`` sent; returns how many changed.

    A report may come before we wrote down the provider's number. Where nobody can be asked later, it is kept until
    then.
    """
    reports = [_storable(report) for report in reports]
    changed = _apply(reports, account.adapter, account.key)
    if account.gateway.has_polling:
        return changed
    early = keep_early(reports, account)
    # Written down in this very moment? Then nobody else looks for what was just kept.
    return changed + (_apply_early(early, account.adapter, account.key) if early else 0)


def _storable(report: DeliveryReport) -> DeliveryReport:
    """A report without what the database cannot hold: strangers write anything."""
    return replace(report, provider_id=storable(report.provider_id), status=storable(report.status))


def _apply(reports: Sequence[DeliveryReport], provider: str, account: str) -> int:
    changed = _know_again(reports, provider, account)
    told = [(report.provider_id, report.state, report.status) for report in reports]
    changed += record_delivery_reports(provider=provider, reports=told, account=account)
    read = [report.provider_id for report in reports if report.is_read]
    if read:
        theirs = Message.objects.filter(
            provider_message_id__in=read, provider=provider, provider_account=account, read_at=None
        )
        changed += once_more(lambda: theirs.update(read_at=timezone.now()))
    return changed + record_refusals(reports, provider=provider, account=account)


def _know_again(reports: Sequence[DeliveryReport], provider: str, account: str) -> int:
    """Write down the provider's number of messages whose answer was lost; returns how many.

    A worker that still waits for the answer finds its message sent.
    """
    ours = {row.local_id: row.provider_id for row in reports if row.local_id is not None and row.provider_id}
    if not ours:
        return 0
    return change_and_tell(_KNOWN, [list(ours), list(ours.values()), provider, account])


def _apply_early(provider_ids: Sequence[str], provider: str, account: str) -> int:
    known = Message.objects.filter(
        provider_message_id__in=provider_ids, provider=provider, provider_account=account
    )
    ids = list(known.values_list("provider_message_id", flat=True))

    def take() -> int:
        with transaction.atomic():  # what is taken and cannot be acted upon is kept
            found = take_early(account, ids)
            return _apply(found, provider, account) if found else 0

    return once_more(take) if ids else 0


def record_delivery_report(
    *,
    provider: str,
    provider_message_id: str,
    state: DeliveryState,
    status: str = "",
    account: str | None = None,
) -> bool:
    """Record one delivery report; returns whether it changed anything. See ``record_delivery_reports``."""
    report = (provider_message_id, state, status)
    return bool(record_delivery_reports(provider=provider, reports=[report], account=account))


def record_delivery_reports(
    *, provider: str, reports: Iterable[tuple[str, DeliveryState, str]], account: str | None = None
) -> int:
    """Record reports of (provider's number, state, provider's status); returns how many messages changed.

    Repeated, reordered and unknown reports are harmless: a final state is replaced only by "delivered", and
    "unknown" replaces nothing. ``account`` limits the effect to one provider account.
    """
    best: dict[str, tuple[int, str, str]] = {}
    for provider_id, state, status in reports:
        if state is DeliveryState.UNKNOWN or not provider_id:
            continue
        ranked = (_RANK.get(STATE_OF[state], 2), str(STATE_OF[state]), status[:20])
        if provider_id not in best or best[provider_id][0] < ranked[0]:
            best[provider_id] = ranked
    final = {key: row for key, row in best.items() if row[0] > 1}
    if not final:
        return 0
    return change_and_tell(
        _REPORT,
        [
            list(final),
            [row[1] for row in final.values()],
            [row[2] for row in final.values()],
            provider,
            account,
            account,
        ],
    )
