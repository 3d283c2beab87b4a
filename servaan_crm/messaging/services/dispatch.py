"""Sending what waits: claim a batch, commit, call the provider, record - in this order, always.

No transaction is open while the provider is called. A worker that dies in between leaves claimed rows; after
``CLAIM_TIMEOUT`` they count as unknown, and the provider is asked by our own number before anything is sent again.

While one batch is on the wire, the previous one is recorded and the next one claimed, so that the provider never
waits for our database. The question whether a guest may still be written to comes right before the wire.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import connection
from django.utils import timezone

from servaan_crm.messaging.gateways.base import ErrorKind, GatewayError, OutgoingMessage, SendResult
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services.accounts import Account, clear_problem, note_problem, usable_account
from servaan_crm.messaging.services.checks import refused_recipients
from servaan_crm.messaging.services.outcomes import Accepted, Refused, record_accepted, record_refused

log = logging.getLogger(__name__)

BATCH = 200
FIRST_RETRY = 15  # seconds; doubles with every attempt
LAST_RETRY = 900
ASK_AFTER = timedelta(seconds=10)  # an unanswered call may still be taking effect over there
ACCOUNT_FRESH = 2.0  # seconds for which the choice of account is not looked up again

# The ids go through an array, because a join would tempt the planner to read the whole table.
_CLAIM = """
WITH due AS (
    SELECT id FROM messaging_message
     WHERE state = 'queued' AND channel = %s AND not_before <= now() AND expires_at > now()
       AND (NOT pinned OR provider_account = %s)
       AND (group_id IS NULL OR NOT EXISTS (
            SELECT 1 FROM messaging_messagehold AS h WHERE h.group_id = messaging_message.group_id))
     ORDER BY purpose DESC, not_before, id
     LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE messaging_message AS m
   SET state = 'claimed', claimed_at = now(), claimed_by = %s, attempts = m.attempts + 1,
       provider = %s, provider_account = %s, updated_at = now()
 WHERE m.id = ANY(ARRAY(SELECT id FROM due))
RETURNING m.id, m.customer_id, m.recipient, m.channel, m.purpose, m.kind, m.local_id, m.body, m.attempts, m.pinned,
          m.subject, m.template, m.values, m.url
"""
_EXPIRE = """
UPDATE messaging_message SET state = 'expired', updated_at = now()
 WHERE id IN (SELECT id FROM messaging_message
               WHERE state = 'queued' AND expires_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


class ClaimedMessage(NamedTuple):
    """A claimed message; begins with the fields of a ``checks.Candidate``. ``pinned``: this account may know it
    already, so no other one may send it."""

    id: UUID
    customer_id: UUID | None
    recipient: str
    channel: str
    purpose: str
    kind: str
    local_id: int
    body: str
    attempts: int
    pinned: bool
    subject: str
    template: str
    values: dict[str, str]
    url: str


Outcome = tuple[ClaimedMessage, SendResult]


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch this worker holds."""

    token: str
    account: Account
    rows: list[ClaimedMessage]


@dataclass(slots=True)
class DispatchReport:
    """What one or several batches did, by resulting state. ``halted``: the account cannot go on now."""

    claimed: int = 0
    states: Counter[str] = field(default_factory=Counter)
    halted: bool = False

    def add(self, other: DispatchReport) -> None:
        """Count another batch in."""
        self.claimed += other.claimed
        self.states += other.states
        self.halted = other.halted


def dispatch_until_idle(*, seconds: float = 50.0) -> DispatchReport:
    """Send batches until nothing is due, no account can send, or ``seconds`` are over. Must not run in a
    transaction. Any number of workers may do this at once: a locked row is somebody else's work."""
    _refuse_transaction()
    expire_overdue()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox-wire") as wire:
        report = _Pipeline(wire, time.monotonic() + seconds).run()
    if report.claimed:
        log.info(
            "outbox: %s", ", ".join(f"{count} {state}" for state, count in sorted(report.states.items()))
        )
    return report


def dispatch_batch(*, limit: int = BATCH) -> DispatchReport:
    """Claim up to ``limit`` due messages, send them and record the results. Must not run in a transaction."""
    _refuse_transaction()
    account = usable_account()
    if account is None:
        return DispatchReport(halted=True)
    claim = claim_batch(account, limit)
    allowed, blocked = _ask_checks(claim)
    if allowed is None:
        return DispatchReport(halted=True)
    report = record_batch(claim, send_batch(claim, allowed))
    report.states += blocked
    return report


class _Pipeline:
    """One batch on the wire, one in the hand. Everything but the call itself runs in the caller's thread, on the
    caller's database connection."""

    def __init__(self, wire: ThreadPoolExecutor, until: float) -> None:
        self._wire = wire
        self._until = until
        self._total = DispatchReport()
        self._account: Account | None = None
        self._looked_up = 0.0

    def run(self) -> DispatchReport:
        flying: tuple[Claim, Future[list[Outcome]]] | None = None
        claim = self._claim()
        while claim or flying:
            done = (flying[0], flying[1].result()) if flying else None
            if claim and done and _account_problem(done[1]):
                release(claim)  # the account just asked for a rest: this batch must not follow
                claim = None
            flying = self._launch(claim) if claim else None
            if done:
                self._total.add(record_batch(*done))
                if self._total.halted:
                    self._looked_up = 0.0
            claim = self._claim()
        return self._total

    def _claim(self) -> Claim | None:
        now = time.monotonic()
        if now >= self._until:
            return None
        if now - self._looked_up > ACCOUNT_FRESH:
            self._account, self._looked_up = usable_account(), now
        if self._account is None:
            self._total.halted = True
            return None
        claim = claim_batch(self._account)
        return claim if claim.rows else None

    def _launch(self, claim: Claim) -> tuple[Claim, Future[list[Outcome]]] | None:
        allowed, blocked = _ask_checks(claim)
        if allowed is None:
            self._until = 0.0
            return None
        self._total.states += blocked
        return claim, self._wire.submit(send_batch, claim, allowed)


def _refuse_transaction() -> None:
    if connection.in_atomic_block:
        raise RuntimeError("a provider must not be called inside a transaction")


def expire_overdue() -> int:
    """End the wait of messages whose validity is over; returns how many."""
    total, ended = 0, 1000
    with connection.cursor() as cursor:
        while ended == 1000:
            cursor.execute(_EXPIRE)
            ended = int(cursor.rowcount)
            total += ended
    return total


def claim_batch(account: Account, limit: int = BATCH) -> Claim:
    """Take up to ``limit`` due messages for ``account``, service messages first, and commit."""
    token = f"{os.getpid()}-{uuid4().hex}"
    limit = min(limit, account.gateway.batch_size)
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM, [account.config.channel, account.key, limit, token, account.adapter, account.key]
        )
        return Claim(token, account, [ClaimedMessage._make(row) for row in cursor.fetchall()])


def release(claim: Claim, *, wait: float = 0.0, code: str = "") -> None:
    """Put a claimed batch back that was surely not sent, due again after ``wait`` seconds."""
    at = timezone.now() + timedelta(seconds=wait)
    kind = ErrorKind.RETRYABLE.value if code else ""
    rows = [
        Refused(row.id, Message.State.QUEUED, at, kind, code, pinned=row.pinned, tried=False)
        for row in claim.rows
    ]
    record_refused(rows, claimed_by=claim.token)


def _ask_checks(claim: Claim) -> tuple[list[ClaimedMessage] | None, Counter[str]]:
    """Block those who may not be written to any more; returns (who is left, what was blocked). None: a check
    failed, so the batch went back."""
    try:
        refused = refused_recipients(claim.rows)
    except Exception:
        log.exception("a recipient check failed; %d messages wait", len(claim.rows))
        release(claim, wait=60, code="check")
        return None, Counter()
    if not refused:
        return claim.rows, Counter()
    now = timezone.now()
    blocked = [
        Refused(key, Message.State.BLOCKED, now, "permanent", "recipient", reason)
        for key, reason in refused.items()
    ]
    record_refused(blocked, claimed_by=claim.token)
    allowed = [row for row in claim.rows if row.id not in refused]
    return allowed, Counter({str(Message.State.BLOCKED): len(blocked)})


def send_batch(claim: Claim, rows: Sequence[ClaimedMessage]) -> list[Outcome]:
    """Call the provider for ``rows`` of the claim. Touches no database."""
    sender = claim.account.config.sender
    outgoing = [_outgoing(row, sender) for row in rows]
    answers = {result.local_id: result for result in claim.account.gateway.send_batch(outgoing)}
    return [(row, answers[row.local_id]) for row in rows]


def _outgoing(row: ClaimedMessage, sender: str) -> OutgoingMessage:
    return OutgoingMessage(
        row.local_id,
        row.recipient,
        row.body,
        sender,
        row.channel,
        row.subject,
        row.template,
        row.values,
        row.url,
    )


def record_batch(claim: Claim, results: Sequence[Outcome]) -> DispatchReport:
    """Write down what the provider answered, and how its account fares."""
    now = timezone.now()
    accepted = [Accepted.of(row.id, result) for row, result in results if result.error is None]
    refused = [_refused(row, result.error, now) for row, result in results if result.error is not None]
    record_accepted(accepted, account=claim.account.key, provider=claim.account.adapter)
    record_refused(refused, claimed_by=claim.token)
    problem = _account_problem(results)
    if problem is not None:
        note_problem(claim.account, problem)
    elif accepted and claim.account.has_problem:
        clear_problem(claim.account.key)
    states = Counter([row.state for row in accepted])
    states.update([row.state for row in refused])
    return DispatchReport(claimed=len(claim.rows), states=states, halted=problem is not None)


def _account_problem(results: Sequence[Outcome]) -> GatewayError | None:
    """The error that concerns the account, if any: credit, key, or a plea for a pause."""
    for _, result in results:
        error = result.error
        if error and (error.kind in {ErrorKind.CREDIT, ErrorKind.AUTH} or getattr(error, "pause", None)):
            return error
    return None


def _refused(row: ClaimedMessage, error: GatewayError, now: datetime) -> Refused:
    """What an error means for one message. Retries end with the message's validity, not with a count."""
    told = (error.kind.value, error.code, error.text)
    match error.kind:
        case ErrorKind.PERMANENT:
            return Refused(row.id, Message.State.FAILED, now, *told)
        case ErrorKind.UNKNOWN:
            return Refused(row.id, Message.State.UNKNOWN, now + ASK_AFTER, *told, pinned=True)
        case ErrorKind.CREDIT | ErrorKind.AUTH:
            # The account rests, not the message: another account may take it at once.
            return Refused(row.id, Message.State.QUEUED, now, *told, pinned=row.pinned)
    limit = getattr(error, "max_attempts", None)
    if limit and row.attempts >= limit:
        return Refused(row.id, Message.State.FAILED, now, *told)
    wait = 0.0 if getattr(error, "pause", None) else retry_delay(row.attempts)
    return Refused(row.id, Message.State.QUEUED, now + timedelta(seconds=wait), *told, pinned=row.pinned)


def retry_delay(attempts: int) -> float:
    """Seconds until the next try after ``attempts`` tries; spread so that a crowd does not come back at once."""
    delay = float(min(FIRST_RETRY * 2 ** min(attempts - 1, 10), LAST_RETRY))
    return delay * random.uniform(0.8, 1.2)
