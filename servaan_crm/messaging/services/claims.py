"""Taking messages out of the queue for one account, within everything that holds them back.

Held groups, the quiet window, the account's limits and the café's rate of advertising are all asked here, at the last
moment before a message leaves.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import phonenumbers
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from servaan_crm.messaging.gateways.base import ErrorKind
from servaan_crm.messaging.models import Channel, Message, SendingRules
from servaan_crm.messaging.services.accounts import Account, Limits, begin_probe, end_probe
from servaan_crm.messaging.services.limits import MARKETING, Count, give_back, lock_count, take
from servaan_crm.messaging.services.outcomes import Refused, record_refused
from servaan_crm.messaging.services.rules import get_rules, is_quiet

BATCH = 200
FRESH = 10.0  # seconds for which a claim is surely ours, far below the time after which it is given up
PROBE = 5  # messages that find out whether an account works again

_ONLY_SERVICE = "AND purpose = 'transactional'"
_ONLY_ADVERTISING = "AND purpose = 'marketing'"
# The ids go through an array, because a join would tempt the planner to read the whole table.
_CLAIM = """
WITH due AS (
    SELECT id FROM messaging_message
     WHERE state = 'queued' AND channel = %s AND not_before <= now() AND expires_at > now() {purpose}
       AND (NOT pinned OR provider_account = %s) AND (%s = '' OR recipient ~ %s)
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
_DUE_CHANNELS = """
SELECT c.channel,
       EXISTS (SELECT 1 FROM messaging_message AS m WHERE m.state = 'queued' AND m.channel = c.channel
                  AND m.purpose = 'transactional' AND m.not_before <= now()) AS urgent,
       EXISTS (SELECT 1 FROM messaging_message AS m WHERE m.state = 'queued' AND m.channel = c.channel
                  AND m.purpose = 'marketing' AND m.not_before <= now())
  FROM unnest(%s::text[]) AS c(channel)
 ORDER BY urgent DESC
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
    values: str  # JSON
    url: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch this worker holds.

    ``is_probe``: the one try after the account's rest. ``count``: where it was counted, if the account has limits.
    ``addresses`` and ``refusal_links``: what the wire needs beyond the rows, by message.
    """

    token: str
    account: Account
    rows: list[ClaimedMessage]
    is_probe: bool = False
    count: Count | None = None
    addresses: dict[UUID, str] = field(default_factory=dict)
    refusal_links: dict[UUID, str] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)


def due_channels() -> list[str]:
    """Channels with due messages, those with service messages first."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE_CHANNELS, [[str(channel) for channel in Channel]])
        return [channel for channel, urgent, advertising in cursor.fetchall() if urgent or advertising]


def claim_batch(account: Account, limit: int = BATCH, rules: SendingRules | None = None) -> Claim:
    """Take up to ``limit`` due messages for ``account``, service messages first, and commit.

    Nothing is taken for an account at its limit, or while another worker tries whether a rested one is well again.
    """
    rules = rules or get_rules()
    limit = min(limit, account.gateway.batch_size)
    claim = Claim(f"{os.getpid()}-{uuid4().hex}", account, [], is_probe=account.has_problem)
    if claim.is_probe:
        limit = min(limit, PROBE)
        if not begin_probe(account):
            return claim
    quiet = is_quiet(rules=rules)
    if account.limits or (rules.rate_per_minute and not quiet):
        claim = _take_counted(claim, limit, rules, quiet=quiet)
    else:
        claim = replace(claim, rows=_take(claim, limit, _ONLY_SERVICE if quiet else ""))
    if claim.is_probe and not claim.rows:
        end_probe(account.key)
    return claim


def still_ours(claim: Claim, rows: Sequence[ClaimedMessage]) -> Sequence[ClaimedMessage]:
    """Return those of ``rows`` that this worker may still send, right before it does.

    A claim that grew old is given up by others (``mark_stale_claims``), who ask the provider and may send again. So an
    older one is dated anew, and what was given up already is left to them.
    """
    if not rows or time.monotonic() - claim.at < FRESH:
        return rows
    ours = Message.objects.filter(
        pk__in=[row.id for row in rows], claimed_by=claim.token, state=Message.State.CLAIMED
    )
    with transaction.atomic():
        held = set(ours.order_by("pk").select_for_update().values_list("pk", flat=True))
        Message.objects.filter(pk__in=held).update(claimed_at=Now())
    return [row for row in rows if row.id in held]


def release(
    claim: Claim, *, wait: float = 0.0, code: str = "", rows: Sequence[ClaimedMessage] | None = None
) -> None:
    """Put a claimed batch (or ``rows`` of it) back that was surely not sent, due again after ``wait`` seconds."""
    at = timezone.now() + timedelta(seconds=wait)
    kind = ErrorKind.RETRYABLE.value if code else ""
    rows = claim.rows if rows is None else rows
    back = [
        Refused(row.id, Message.State.QUEUED, at, kind, code, pinned=row.pinned, tried=False) for row in rows
    ]
    record_refused(back, claimed_by=claim.token)
    if claim.count is not None:
        give_back(claim.count, len(back))
    if claim.is_probe:
        end_probe(claim.account.key)


def _take_counted(claim: Claim, limit: int, rules: SendingRules, *, quiet: bool) -> Claim:
    """Claim and count in one transaction that holds the counters; advertising apart where it has a rate."""
    account = claim.account
    with transaction.atomic():
        count = lock_count(account.key) if account.limits else None
        room = count.room(account.limits) if count else None
        limit = limit if room is None else min(limit, room)
        if not limit:
            return claim
        rate = rules.rate_per_minute
        rows = _take(claim, limit, _ONLY_SERVICE if quiet or rate else "")
        if not rows and rate and not quiet:
            shared = lock_count(MARKETING)
            limit = min(limit, shared.room(Limits(minute=rate)) or 0)
            rows = _take(claim, limit, _ONLY_ADVERTISING) if limit else []
            take(shared, len(rows))
        if count is not None:
            take(count, len(rows))
    return replace(claim, rows=rows, count=count)


def _take(claim: Claim, limit: int, purpose: str) -> list[ClaimedMessage]:
    account = claim.account
    config = account.config
    reached = reach_of(account)
    values: list[Any] = [
        config.channel,
        account.key,
        reached,
        reached,
        limit,
        claim.token,
        account.adapter,
        account.key,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(purpose=purpose), values)
        return [ClaimedMessage._make(row) for row in cursor.fetchall()]


_PHONE_CHANNELS = frozenset({Channel.SMS, Channel.WHATSAPP})


def reach_of(account: Account) -> str:
    """A regular expression for the recipients that ``account`` reaches; "" for everybody of its channel."""
    is_by_phone = account.config.channel in _PHONE_CHANNELS
    return country_pattern(account.gateway.countries) if is_by_phone else ""


@lru_cache(maxsize=64)
def country_pattern(countries: frozenset[str]) -> str:
    """A regular expression for the numbers (E.164) that an adapter with these ``countries`` reaches; "" for all."""
    codes = {name: phonenumbers.country_code_for_region(name.lstrip("-")) for name in countries}
    without = sorted({str(code) for name, code in codes.items() if name.startswith("-") and code})
    within = sorted({str(code) for name, code in codes.items() if not name.startswith("-") and code})
    if not within and not without:
        return ""
    out = f"(?!{'|'.join(without)})" if without else ""
    return rf"^\+{out}" + (f"(?:{'|'.join(within)})" if within else "")
