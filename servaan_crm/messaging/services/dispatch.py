"""Sending what waits: claim a batch, commit, call the provider, record - in this order, always.

No transaction is open while the provider is called. A worker that dies in between leaves claimed rows; after
``CLAIM_TIMEOUT`` they count as unknown, and the provider is asked by our own number before anything is sent again.

While one batch is on the wire, the previous one is recorded and the next one claimed, so that the provider never
waits for our database. The question whether a guest may still be written to comes right before the wire.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from servaan_crm.messaging.gateways.base import ErrorKind, GatewayError, OutgoingMessage, SendResult
from servaan_crm.messaging.models import Channel, Message, PushSubscription, SendingRules
from servaan_crm.messaging.provider_templates import name_at
from servaan_crm.messaging.services.accounts import (
    Account,
    clear_problem,
    end_probe,
    note_problem,
    usable_accounts,
)
from servaan_crm.messaging.services.claims import (
    BATCH,
    Claim,
    ClaimedMessage,
    claim_batch,
    due_channels,
    release,
    still_ours,
)
from servaan_crm.messaging.services.expiry import expire_overdue
from servaan_crm.messaging.services.limits import give_back
from servaan_crm.messaging.services.outcomes import Accepted, Refused, record_accepted, record_refused
from servaan_crm.messaging.services.prepare import prepare
from servaan_crm.messaging.services.refusals import list_gone
from servaan_crm.messaging.services.rules import get_rules
from servaan_crm.messaging.services.tariffs import cost_of

log = logging.getLogger(__name__)

FIRST_RETRY = 15  # seconds; doubles with every attempt
LAST_RETRY = 900
ASK_AFTER = timedelta(seconds=10)  # an unanswered call may still be taking effect over there
ACCOUNT_FRESH = 2.0  # seconds for which accounts and rules are not looked up again
# For how long one channel sends before the others are looked at: alone, and beside others with work.
ALONE, BESIDE = 10.0, 3.0
_NOT_SENT = frozenset({ErrorKind.RETRYABLE, ErrorKind.CREDIT, ErrorKind.AUTH, ErrorKind.PERMANENT})

Outcome = tuple[ClaimedMessage, SendResult]


@dataclass(slots=True)
class DispatchReport:
    """What one or several batches did, by resulting state. ``halted``: an account cannot go on now."""

    claimed: int = 0
    states: Counter[str] = field(default_factory=Counter)
    halted: bool = False

    def add(self, other: DispatchReport) -> None:
        """Count another batch in."""
        self.claimed += other.claimed
        self.states += other.states
        self.halted = self.halted or other.halted


def dispatch_until_idle(*, seconds: float = 50.0) -> DispatchReport:
    """Send batches of every channel until nothing is due, no account can send, or ``seconds`` are over.

    Must not run in a transaction. Any number of workers may do this at once: a locked row is somebody else's work.
    """
    _refuse_transaction()
    expire_overdue()
    until = time.monotonic() + seconds
    total = DispatchReport()
    finished: set[str] = set()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox-wire") as wire:
        while time.monotonic() < until:
            channels = [channel for channel in due_channels() if channel not in finished]
            if not channels:
                break
            for channel in channels:
                share = ALONE if len(channels) == 1 else BESIDE
                pipeline = _Pipeline(wire, channel, min(until, time.monotonic() + share))
                total.add(pipeline.run())
                if pipeline.is_finished:
                    finished.add(channel)
    if total.claimed:
        log.info("outbox: %s", ", ".join(f"{count} {state}" for state, count in sorted(total.states.items())))
    return total


def dispatch_batch(*, limit: int = BATCH) -> DispatchReport:
    """Claim up to ``limit`` due messages, send them and record the results. Must not run in a transaction."""
    _refuse_transaction()
    rules = get_rules()
    has_account = False
    for channel in due_channels():
        for account in usable_accounts(channel):
            has_account = True
            claim = claim_batch(account, limit, rules)
            if not claim.rows:
                continue
            allowed, blocked = prepare(claim, rules)
            if allowed is None:
                return DispatchReport(halted=True)
            report = record_batch(claim, send_batch(claim, allowed))
            report.states += blocked
            return report
    return DispatchReport(halted=not has_account)


class _Pipeline:
    """The batches of one channel: one on the wire, one in the hand. Everything but the call itself runs in the
    caller's thread, on the caller's database connection."""

    def __init__(self, wire: ThreadPoolExecutor, channel: str, until: float) -> None:
        self._wire = wire
        self._channel = channel
        self._until = until
        self._total = DispatchReport()
        self._accounts: list[Account] = []
        self._rules = SendingRules()
        self._looked_up = 0.0
        # The batch claimed and not yet sent, the one on the wire, and the one whose answer is not written down.
        self._hand: Claim | None = None
        self._flying: tuple[Claim, Future[list[Outcome]]] | None = None
        self._done: tuple[Claim, list[Outcome]] | None = None
        # Whether the work ended by itself: nothing due, or nobody to send it.
        self.is_finished = False

    def run(self) -> DispatchReport:
        """Send until nothing is due or the time is over. Raises what an adapter or the database raises, after writing
        down what providers said until then."""
        try:
            self._work()
        except Exception:
            self._leave()
            raise
        return self._total

    def _work(self) -> None:
        self._hand = self._claim()
        while self._hand or self._flying:
            flying, self._flying = self._flying, None
            self._done = (flying[0], flying[1].result()) if flying else None
            if self._hand and self._done and _must_not_follow(self._hand, *self._done):
                release(self._hand)  # the account just asked for a rest: this batch must not follow
                self._hand = None
            self._flying = self._launch(self._hand) if self._hand else None
            self._hand = None
            if self._done:
                report = record_batch(*self._done)
                self._total.add(report)
                if report.halted or self._done[0].is_probe:
                    self._looked_up = 0.0
                self._done = None
            # Until a rested account has proved that it is well, nothing follows its first few messages.
            self._hand = None if self._flying and self._flying[0].is_probe else self._claim()

    def _leave(self) -> None:
        """Save what can be saved: an answer nobody else has, and messages that surely never left."""
        with suppress(Exception):
            if self._done:
                record_batch(*self._done)
        with suppress(Exception):
            if self._flying:
                record_batch(self._flying[0], self._flying[1].result())
        with suppress(Exception):
            if self._hand:
                release(self._hand)

    def _claim(self) -> Claim | None:
        now = time.monotonic()
        if now >= self._until:
            return None
        if now - self._looked_up > ACCOUNT_FRESH:
            self._accounts, self._rules = usable_accounts(self._channel), get_rules()
            self._looked_up = now
        # The next account finds what the first may not or cannot send: over its limit, abroad, begun elsewhere.
        for account in self._accounts:
            claim = claim_batch(account, rules=self._rules)
            if claim.rows:
                self.is_finished = False
                return claim
        self._total.halted = self._total.halted or not self._accounts
        self.is_finished = True
        return None

    def _launch(self, claim: Claim) -> tuple[Claim, Future[list[Outcome]]] | None:
        allowed, blocked = prepare(claim, self._rules)
        if allowed is None:
            self._until, self.is_finished = 0.0, True
            return None
        self._total.states += blocked
        # It was claimed while another batch was on the wire, which may have taken its time.
        return claim, self._wire.submit(send_batch, claim, still_ours(claim, allowed))


def _refuse_transaction() -> None:
    if connection.in_atomic_block:
        raise RuntimeError("a provider must not be called inside a transaction")


def send_batch(claim: Claim, rows: Sequence[ClaimedMessage]) -> list[Outcome]:
    """Call the provider for ``rows`` of the claim. Touches no database."""
    if not rows:
        return []
    outgoing = [_outgoing(claim, row) for row in rows]
    answers = {result.local_id: result for result in claim.account.gateway.send_batch(outgoing)}
    return [(row, answers[row.local_id]) for row in rows]


def _outgoing(claim: Claim, row: ClaimedMessage) -> OutgoingMessage:
    return OutgoingMessage(
        row.local_id,
        claim.addresses.get(row.id, row.recipient),
        row.body,
        claim.account.config.sender,
        row.channel,
        row.subject,
        name_at(claim.account, row.template) if row.template else "",
        dict(json.loads(row.values)) if row.template else {},
        row.url,
        claim.refusal_links.get(row.id, ""),
    )


def record_batch(claim: Claim, results: Sequence[Outcome]) -> DispatchReport:
    """Write down what the provider answered, and how its account fares."""
    now = timezone.now()
    account = claim.account
    accepted = [_accepted(account, row, result) for row, result in results if result.error is None]
    refused = [_refused(row, result.error, now) for row, result in results if result.error is not None]
    record_accepted(accepted, account=account.key, provider=account.adapter)
    record_refused(refused, claimed_by=claim.token)
    if claim.count is not None:
        give_back(claim.count, sum(1 for _, result in results if _is_unsent(result)))
    _forget_addresses(account, [row.recipient for row, result in results if result.address_is_gone])
    halted = _note_health(claim, results, is_alive=bool(accepted))
    states = Counter([row.state for row in accepted])
    states.update([row.state for row in refused])
    return DispatchReport(claimed=len(claim.rows), states=states, halted=halted)


def _accepted(account: Account, row: ClaimedMessage, result: SendResult) -> Accepted:
    return Accepted.of(row.id, result, cost_of(result.cost, row.body, row.recipient, account))


def _is_unsent(result: SendResult) -> bool:
    return result.error is not None and result.error.kind in _NOT_SENT


def _note_health(claim: Claim, results: Sequence[Outcome], *, is_alive: bool) -> bool:
    """Tell the circuit breaker; returns whether the account must not go on now."""
    account = claim.account
    errors = [result.error for _, result in results if result.error is not None]
    problem = _account_problem(results)
    if problem is None and not is_alive:
        problem = next((error for error in errors if error.kind is ErrorKind.UNKNOWN), None)
    if problem is not None:
        rests = note_problem(account, problem, probed=claim.is_probe)
        if claim.is_probe and not rests:
            end_probe(account.key)
        return rests
    is_alive = is_alive or any(error.kind is ErrorKind.PERMANENT for error in errors)
    if is_alive and (account.has_problem or account.failures):
        clear_problem(account.key)
    elif claim.is_probe:
        end_probe(account.key)
    return False


def _account_problem(results: Sequence[Outcome]) -> GatewayError | None:
    """The error that concerns the account, if any: credit, key, or a plea for a pause."""
    for _, result in results:
        error = result.error
        if error and (error.kind in {ErrorKind.CREDIT, ErrorKind.AUTH} or getattr(error, "pause", None)):
            return error
    return None


def _must_not_follow(claim: Claim, before: Claim, results: Sequence[Outcome]) -> bool:
    return claim.account.key == before.account.key and _account_problem(results) is not None


def _forget_addresses(account: Account, recipients: Sequence[str]) -> None:
    """Browsers that unsubscribed and mailboxes that do not exist: nothing is written there again."""
    if not recipients:
        return
    if account.config.channel == Channel.EMAIL:
        list_gone(recipients, account=account.key)
        return
    keys: list[UUID] = []
    for recipient in recipients:
        try:
            keys.append(UUID(recipient))
        except ValueError:
            continue
    gone = PushSubscription.objects.filter(pk__in=keys, failed_at=None)
    gone.update(failed_at=timezone.now(), updated_at=timezone.now())


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
