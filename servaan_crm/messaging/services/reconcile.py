"""Asking providers: what became of messages whose outcome we do not know, and whether sent ones arrived."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

from servaan_crm.messaging.gateways.base import Doubtful, GatewayError
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.provider_templates import name_at
from servaan_crm.messaging.services.accounts import Account, account_by_key, note_problem
from servaan_crm.messaging.services.outcomes import (
    STATE_OF,
    Accepted,
    record_accepted,
    record_delivery_reports,
)
from servaan_crm.messaging.services.tariffs import cost_of

log = logging.getLogger(__name__)

CLAIM_TIMEOUT = timedelta(seconds=120)  # longer than the slowest call with all its splits
POLL_FOR = timedelta(hours=48)  # providers forget messages after two days
BATCH = 500

_TAKE_DUE = """
UPDATE messaging_message AS m
   SET next_check_at = now() + LEAST(GREATEST((now() - {since}) / 2, interval '{least} seconds'), interval '1 hour')
  FROM (SELECT id FROM messaging_message
         WHERE state = %s AND next_check_at <= now()
         ORDER BY next_check_at LIMIT %s FOR UPDATE SKIP LOCKED) AS due
 WHERE m.id = due.id
RETURNING m.id, m.provider_account, {columns}
"""
_TAKE_UNKNOWN = _TAKE_DUE.format(
    since="m.claimed_at", least=30, columns="m.local_id, m.claimed_at, m.recipient, m.body, m.template"
)
_TAKE_SENT = _TAKE_DUE.format(
    since="m.sent_at", least=5, columns="m.provider_message_id, m.sent_at, '', '', ''"
)


class Due(NamedTuple):
    """A message to ask about. ``number``: ours while its outcome is unknown, the provider's once it was sent."""

    id: UUID
    number: Any
    since: datetime
    recipient: str
    body: str
    template: str


def mark_stale_claims(*, older_than: timedelta = CLAIM_TIMEOUT) -> int:
    """Turn claims whose worker never came back into "unknown"; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_message SET state = 'unknown', next_check_at = now(), updated_at = now(),
                   error_class = 'unknown', error_code = 'claim'
             WHERE id IN (SELECT id FROM messaging_message
                           WHERE state = 'claimed' AND claimed_at < now() - make_interval(secs => %s)
                             FOR UPDATE SKIP LOCKED)
            """,
            [older_than.total_seconds()],
        )
        return int(cursor.rowcount)


def reconcile_unknown() -> dict[str, int]:
    """Ask the provider about messages whose outcome is unknown; returns counts: found, requeued, given_up.

    Known ones get their true state. One the provider surely does not know goes back to the queue, pinned to the
    same account and under the same number, which that provider never sends twice. Once the provider's memory for
    our numbers is over, nobody can tell any more: the message is marked failed, never sent again.
    """
    counts = {"found": 0, "requeued": 0, "given_up": 0}
    for account_key, rows in _take_due(_TAKE_UNKNOWN, Message.State.UNKNOWN).items():
        account = account_by_key(account_key)
        if account is None:  # removed since: it may come back for a while
            counts["given_up"] += _give_up([row[0] for row in rows if row[2] < timezone.now() - POLL_FOR])
            continue
        for start in range(0, len(rows), account.gateway.status_batch_size):
            _reconcile(account, rows[start : start + account.gateway.status_batch_size], counts)
    if any(counts.values()):
        log.info("unknown outcomes: %s", counts)
    return counts


def poll_deliveries() -> int:
    """Ask about sent messages that are due, up to 48 hours after sending; returns how many became final."""
    changed = 0
    for account_key, rows in _take_due(_TAKE_SENT, Message.State.SENT).items():
        account = account_by_key(account_key)
        if account is None:
            continue
        if not account.gateway.has_polling:  # reports come by callback alone
            Message.objects.filter(pk__in=[row.id for row in rows]).update(next_check_at=None)
            continue
        ids = [str(row.number) for row in rows]
        for start in range(0, len(ids), account.gateway.status_batch_size):
            chunk = ids[start : start + account.gateway.status_batch_size]
            try:
                found = account.gateway.status_by_provider_id(chunk)
            except GatewayError as error:
                note_problem(account, error)
                break
            reports = [(key, result.state, result.status) for key, result in found.items()]
            changed += record_delivery_reports(provider=account.adapter, reports=reports, account=account.key)
    _stop_polling()
    return changed


def _take_due(sql: str, state: str) -> dict[str, list[Due]]:
    """Take due rows and set their next turn in the same statement, so that two workers do not ask twice."""
    groups: dict[str, list[Due]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, [state, 4 * BATCH])
        for message_id, account, *rest in cursor.fetchall():
            groups[account].append(Due(message_id, *rest))
    return groups


def _stop_polling() -> None:
    Message.objects.filter(
        state=Message.State.SENT, next_check_at__isnull=False, sent_at__lt=timezone.now() - POLL_FOR
    ).update(next_check_at=None)


def _reconcile(account: Account, rows: list[Due], counts: dict[str, int]) -> None:
    try:
        known = account.gateway.find(
            [Doubtful(row.number, row.recipient, row.body, row.since) for row in rows]
        )
    except GatewayError as error:
        note_problem(account, error)
        return
    found = [
        Accepted(
            row.id,
            result.provider_id,
            STATE_OF[result.state],
            result.status,
            cost_of(result.cost, row.body, row.recipient, account),
        )
        for row in rows
        if (result := known.get(row[1])) and result.provider_id
    ]
    counts["found"] += record_accepted(found, account=account.key, provider=account.adapter)
    oldest = timezone.now() - timedelta(seconds=account.gateway.local_id_window)
    missing = [row for row in rows if row[1] not in known]
    safe = [row[0] for row in missing if _may_repeat(account, row) and row[2] > oldest]
    lost = [row[0] for row in missing if row[0] not in set(safe)]
    now = timezone.now()
    counts["requeued"] += Message.objects.filter(state=Message.State.UNKNOWN, pk__in=safe).update(
        state=Message.State.QUEUED, pinned=True, not_before=now, next_check_at=None, updated_at=now
    )
    counts["given_up"] += _give_up(lost)


def _may_repeat(account: Account, row: Due) -> bool:
    """Whether a message the provider does not know may go again: a filled template has no number of ours there."""
    gateway = account.gateway
    if row.template and name_at(account, row.template) and not gateway.template_has_local_id:
        return False
    return gateway.local_id_is_idempotent or gateway.absence_is_proof


def _give_up(message_ids: list[UUID]) -> int:
    """Nobody can tell any more whether these went out: failed, and never sent again."""
    now = timezone.now()
    return Message.objects.filter(state=Message.State.UNKNOWN, pk__in=message_ids).update(
        state=Message.State.FAILED, failed_at=now, next_check_at=None, error_class="unknown", updated_at=now
    )
