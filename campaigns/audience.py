"""Who a campaign is for, and who of them gets it: one query that both writes the deliveries and previews them.

The steps are asked in one order, and the first that applies is the reason: blocked, no_consent, opted_out, invalid,
capped, no_window, holdout. Guests that are deleted or erased are never there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from campaigns.models import Campaign, CampaignType
from segments.language import new_plan, read_criteria
from segments.language.plan import GUEST, Plan
from segments.language.sql import Sql, every, joined, sql, value
from segments.language.tree import IN_SEGMENT, condition
from segments.models import Segment
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.services.accounts import list_accounts
from servaan_crm.messaging.services.caps import capped_customer_ids_sql
from servaan_crm.messaging.services.claims import country_pattern

# What a guest can be left out for before anything is sent, in the order of the steps.
STEPS = ("blocked", "no_consent", "opted_out", "invalid", "capped", "no_window")
HOLDOUT = "holdout"
BUCKETS = 10_000
_PHONE_CHANNELS = frozenset({CampaignType.SMS, CampaignType.WHATSAPP})

# The newest address of the channel. "reached": instagram takes only those who wrote within a day.
_ADDRESS: dict[str, str] = {
    CampaignType.SMS: f"{GUEST}.phone",
    CampaignType.WHATSAPP: f"{GUEST}.phone",
    CampaignType.EMAIL: f"{GUEST}.email",
    CampaignType.PUSH: (
        "COALESCE((SELECT push.id::text FROM messaging_pushsubscription push"
        f" WHERE push.customer_id = {GUEST}.id AND push.failed_at IS NULL"
        " ORDER BY push.created_at DESC LIMIT 1), '')"
    ),
    CampaignType.INSTAGRAM: (
        "COALESCE((SELECT wrote.sender FROM messaging_inboundmessage wrote"
        f" WHERE wrote.customer_id = {GUEST}.id AND wrote.channel = 'instagram'"
        " ORDER BY wrote.received_at DESC LIMIT 1), '')"
    ),
    CampaignType.OFFER: "''",
}
_ANSWERED_NO = (
    "COALESCE((SELECT NOT answer.granted FROM customers_consentchange answer WHERE answer.customer_id = audience.id"
    " AND answer.channel IN ({}, 'all') ORDER BY answer.id DESC LIMIT 1), FALSE)"
)
_BLOCKED_NUMBER = "audience.recipient IN (SELECT recipient FROM messaging_blockednumber)"
_OPEN_WINDOW = (
    "EXISTS (SELECT 1 FROM messaging_inboundmessage wrote WHERE wrote.customer_id = audience.id"
    " AND wrote.channel = 'instagram' AND wrote.received_at > now() - interval '24 hours')"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What decides about an audience, of a campaign that may not be saved yet.

    ``letters``: those of a trial's texts, none without a trial.
    """

    campaign_id: UUID
    channel: str
    segments: Sequence[Segment]
    criteria: Mapping[str, Any]
    holdout_percent: int = 0
    test_percent: int = 100
    letters: tuple[str, ...] = ()

    @classmethod
    def of(cls, campaign: Campaign) -> Wanted:
        """Read a saved campaign; two queries."""
        letters = tuple(campaign.variants.values_list("key", flat=True))
        return cls(
            campaign.pk, campaign.type, list(campaign.segments.all()), campaign.criteria or {},
            campaign.holdout_percent, campaign.test_percent, letters,
        )  # fmt: skip


def compile_audience(wanted: Wanted) -> tuple[Plan, Sql]:
    """Return the plan and the condition of "in any of the segments, and meets the criteria".

    Raises InvalidCriteria.
    """
    plan = new_plan()
    known = {one.key: one for one in Segment.objects.all()}
    trees: list[dict[str, Any]] = [dict(wanted.criteria)] if wanted.criteria else []
    if wanted.segments:
        trees.append({IN_SEGMENT: [one.key for one in wanted.segments]})
    return plan, every(condition(read_criteria(tree, plan, segments=known)) for tree in trees)


def judged(wanted: Wanted, compiled: tuple[Plan, Sql], *, guests: Sequence[UUID] | None = None) -> Sql:
    """Return ``SELECT id, recipient, reason, variant``, a row for every guest of the audience.

    ``reason``: "" for those who get it, "holdout", or one of ``STEPS``. ``variant``: the text's letter; "" when there
    is no trial, or for those who wait for its result.
    """
    plan, test = compiled
    audience = sql(
        f"SELECT {GUEST}.id, {GUEST}.status, {GUEST}.allow_marketing, {_ADDRESS[wanted.channel]} AS recipient"
        " FROM {} AND {}",
        plan.source(guests),
        test,
    )
    reasons = sql(
        "SELECT audience.id, audience.recipient, CASE{} ELSE '' END AS reason FROM ({}) audience",
        joined("", (sql(" WHEN {} THEN {}", holds, value(name)) for name, holds in _steps(wanted))),
        audience,
    )
    return sql("SELECT id, recipient, reason, {} AS variant FROM ({}) steps", _variant(wanted), reasons)


def _steps(wanted: Wanted) -> list[tuple[str, Sql]]:
    held = sql(
        "{} < {}", bucket("holdout", wanted.campaign_id, "audience.id"), value(wanted.holdout_percent * 100)
    )
    steps: list[tuple[str, Sql]] = []
    if wanted.channel != CampaignType.OFFER:
        steps = [
            ("blocked", Sql("audience.status = 'blocked'")),
            ("no_consent", Sql("NOT audience.allow_marketing")),
            ("opted_out", _refused(wanted.channel)),
            ("invalid", _unreachable(wanted.channel)),
            ("capped", _capped()),
        ]
    if wanted.channel == CampaignType.INSTAGRAM:
        steps.append(("no_window", Sql(f"NOT {_OPEN_WINDOW}")))
    return [*steps, (HOLDOUT, held)] if wanted.holdout_percent else (steps or [(HOLDOUT, Sql("FALSE"))])


def _refused(channel: str) -> Sql:
    no = sql(_ANSWERED_NO, value(channel))
    return sql(f"({{}} OR {_BLOCKED_NUMBER})", no) if channel == CampaignType.SMS else no


def _unreachable(channel: str) -> Sql:
    """Return "has no address, or one that none of the café's accounts reaches"."""
    patterns = [country_pattern(ADAPTERS[one.adapter].countries) for one in list_accounts(channel)]
    if channel not in _PHONE_CHANNELS or not patterns or "" in patterns:
        return Sql("audience.recipient = ''")
    return sql("NOT (audience.recipient ~ ANY({}))", value(patterns))


def _capped() -> Sql:
    text, params = capped_customer_ids_sql()
    return Sql(f"audience.id IN ({text})", tuple(params))


def _variant(wanted: Wanted) -> Sql:
    if not wanted.letters:
        return Sql("''")
    letter = sql(
        "({}::text[])[1 + {} %% {}]",
        value(list(wanted.letters)),
        bucket("variant", wanted.campaign_id, "id"),
        value(len(wanted.letters)),
    )
    if wanted.test_percent >= 100:
        return sql("CASE WHEN reason = '' THEN {} ELSE '' END", letter)
    tried = sql("{} < {}", bucket("trial", wanted.campaign_id, "id"), value(wanted.test_percent * 100))
    return sql("CASE WHEN reason = '' AND {} THEN {} ELSE '' END", tried, letter)


def bucket(purpose: str, campaign_id: UUID, column: str) -> Sql:
    """Return a number from 0 to 9,999 that hangs on purpose, campaign and guest alone; :func:`bucket_of` in SQL."""
    digest = sql(f"md5({{}} || {column}::text)", value(f"{purpose}:{campaign_id}:"))
    return sql(f"(('x' || left({{}}, 8))::bit(32)::bigint %% {BUCKETS})::int", digest)


def bucket_of(purpose: str, campaign_id: UUID, customer_id: UUID) -> int:
    """Return the guest's bucket: the same on every machine and for ever, even and independent between purposes."""
    digest = hashlib.md5(f"{purpose}:{campaign_id}:{customer_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % BUCKETS
