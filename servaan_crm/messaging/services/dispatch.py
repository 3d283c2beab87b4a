"""Sending what waits: claim a batch, commit, call the provider, record - in this order, always.

No transaction is open while the provider is called. A worker that dies in between leaves claimed rows; after
``CLAIM_TIMEOUT`` they count as unknown, and the provider is asked by our own number before anything is sent again.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from servaan_crm.messaging.gateways.base import ErrorKind, GatewayError, OutgoingSms, SendResult
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services.accounts import Account, clear_problem, note_problem, usable_account
from servaan_crm.messaging.services.checks import Candidate, refused_recipients
from servaan_crm.messaging.services.outcomes import Accepted, Refused, record_accepted, record_refused

log = logging.getLogger(__name__)

BATCH = 200
FIRST_RETRY = 15  # seconds; doubles with every attempt
LAST_RETRY = 900
ASK_AFTER = timedelta(seconds=10)  # an unanswered call may still be taking effect over there

_CLAIM = """
WITH due AS (
    SELECT id FROM messaging_message
     WHERE state = 'queued' AND channel = 'sms' AND not_before <= now() AND expires_at > now()
       AND provider_account IN ('', %s)
     ORDER BY purpose DESC, not_before, id
     LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE messaging_message AS m
   SET state = 'claimed', claimed_at = now(), claimed_by = %s, attempts = m.attempts + 1,
       provider = %s, provider_account = %s, updated_at = now()
  FROM due WHERE m.id = due.id
RETURNING m.id, m.local_id, m.recipient, m.body, m.customer_id, m.channel, m.purpose, m.kind, m.attempts
"""
_EXPIRE = """
UPDATE messaging_message SET state = 'expired', updated_at = now()
 WHERE id IN (SELECT id FROM messaging_message
               WHERE state = 'queued' AND expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch this worker holds."""

    token: str
    account: Account
    rows: list[tuple[UUID, int, str, str, UUID | None, str, str, str, int]]


@dataclass(slots=True)
class DispatchReport:
    """What one or several batches did, by resulting state. ``halted``: the account cannot go on now."""

    claimed: int = 0
    states: Counter[str] = field(default_factory=Counter)
    halted: bool = False


def dispatch_until_idle(*, seconds: float = 50.0) -> DispatchReport:
    """Send batches until nothing is due, no account can send, or ``seconds`` are over."""
    total = DispatchReport()
    until = time.monotonic() + seconds
    expire_overdue()
    while time.monotonic() < until:
        report = dispatch_batch()
        total.claimed += report.claimed
        total.states += report.states
        total.halted = report.halted
        if report.claimed == 0:
            break
    if total.claimed:
        log.info("outbox: %s", ", ".join(f"{count} {state}" for state, count in sorted(total.states.items())))
    return total


def dispatch_batch(*, limit: int = BATCH) -> DispatchReport:
    """Claim up to ``limit`` due messages, send them and record the results. Must not run in a transaction.

    Any number of workers may do this at once: a locked row is somebody else's work.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a provider must not be called inside a transaction")
    account = usable_account()
    if account is None:
        return DispatchReport(halted=True)
    claim = claim_batch(account, limit)
    if not claim.rows:
        return DispatchReport()
    refused = _ask_checks(claim)
    if refused is None:
        return DispatchReport(halted=True)
    allowed = [row for row in claim.rows if row[0] not in refused]
    results = _send(claim, allowed)
    report = _record(claim, results)
    if refused:
        report.states[str(Message.State.BLOCKED)] = len(refused)
    return report


def expire_overdue() -> int:
    """End the wait of messages whose validity is over; returns how many."""
    total = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_EXPIRE)
            total += cursor.rowcount
            if cursor.rowcount < 1000:
                return total


def claim_batch(account: Account, limit: int = BATCH) -> Claim:
    """Take up to ``limit`` due messages for ``account``, service messages first, and commit."""
    token = f"{os.getpid()}-{uuid4().hex}"
    limit = min(limit, account.gateway.batch_size)
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [account.key, limit, token, account.adapter, account.key])
        return Claim(token, account, cursor.fetchall())


def _ask_checks(claim: Claim) -> dict[UUID, str] | None:
    """Block those who may not be written to any more. None: a check failed, so nothing may be sent."""
    candidates = [Candidate(row[0], row[4], row[2], row[5], row[6], row[7]) for row in claim.rows]
    now = timezone.now()
    try:
        refused = refused_recipients(candidates)
    except Exception:
        log.exception("a recipient check failed; %d messages wait", len(candidates))
        later = now + timedelta(seconds=60)
        held = [Refused(row[0], Message.State.QUEUED, later, "retryable", "check") for row in claim.rows]
        record_refused(held, claimed_by=claim.token)
        return None
    blocked = [
        Refused(key, Message.State.BLOCKED, now, "permanent", "recipient", reason)
        for key, reason in refused.items()
    ]
    record_refused(blocked, claimed_by=claim.token)
    return refused


def _send(claim: Claim, rows: Sequence[tuple]) -> list[tuple[tuple, SendResult]]:
    if not rows:
        return []
    sender = claim.account.config.sender
    outgoing = [OutgoingSms(row[1], row[2], row[3], sender) for row in rows]
    answers = {result.local_id: result for result in claim.account.gateway.send_batch(outgoing)}
    return [(row, answers[row[1]]) for row in rows]


def _record(claim: Claim, results: Sequence[tuple[tuple, SendResult]]) -> DispatchReport:
    now = timezone.now()
    accepted = [Accepted.of(row[0], result) for row, result in results if result.error is None]
    refused = [_refused(row, result.error, now) for row, result in results if result.error is not None]
    record_accepted(accepted, account=claim.account.key, provider=claim.account.adapter)
    record_refused(refused, claimed_by=claim.token)
    problem = _account_problem(results)
    if problem is not None:
        note_problem(claim.account, problem)
    elif accepted:
        clear_problem(claim.account.key)
    states = Counter(str(row.state) for row in [*accepted, *refused])
    return DispatchReport(claimed=len(claim.rows), states=states, halted=problem is not None)


def _account_problem(results: Sequence[tuple[tuple, SendResult]]) -> GatewayError | None:
    """The error that concerns the account, if any: credit, key, or a plea for a pause."""
    for _, result in results:
        error = result.error
        if error and (error.kind in {ErrorKind.CREDIT, ErrorKind.AUTH} or getattr(error, "pause", None)):
            return error
    return None


def _refused(row: tuple, error: GatewayError, now: datetime) -> Refused:
    """What an error means for one message. Retries end with the message's validity, not with a count."""
    message_id, attempts = row[0], row[8]
    told = (error.kind.value, error.code, error.text)
    match error.kind:
        case ErrorKind.PERMANENT:
            return Refused(message_id, Message.State.FAILED, now, *told)
        case ErrorKind.UNKNOWN:
            return Refused(message_id, Message.State.UNKNOWN, now + ASK_AFTER, *told, keep_account=True)
        case ErrorKind.CREDIT | ErrorKind.AUTH:
            # The account rests, not the message: another account may take it at once.
            return Refused(message_id, Message.State.QUEUED, now, *told)
    limit = getattr(error, "max_attempts", None)
    if limit and attempts >= limit:
        return Refused(message_id, Message.State.FAILED, now, *told)
    wait = 0.0 if getattr(error, "pause", None) else retry_delay(attempts)
    return Refused(message_id, Message.State.QUEUED, now + timedelta(seconds=wait), *told)


def retry_delay(attempts: int) -> float:
    """Seconds until the next try after ``attempts`` tries; spread so that a crowd does not come back at once."""
    delay = min(FIRST_RETRY * 2 ** min(attempts - 1, 10), LAST_RETRY)
    return delay * random.uniform(0.8, 1.2)
