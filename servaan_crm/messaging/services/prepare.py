"""The last questions before the wire: who may not be written to any more, and where the others are reached."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.models import BlockedNumber, Channel, Message, PushSubscription, SendingRules
from servaan_crm.messaging.services.caps import over_cap
from servaan_crm.messaging.services.checks import refusal_links, refused_recipients
from servaan_crm.messaging.services.claims import Claim, ClaimedMessage, release
from servaan_crm.messaging.services.limits import give_back
from servaan_crm.messaging.services.outcomes import Refused, record_refused
from servaan_crm.messaging.services.refusals import gone_addresses

log = logging.getLogger(__name__)

RECIPIENT, CAP, PROVIDER_LIST, GONE = "recipient", "cap", "blocked", "gone"


class No(NamedTuple):
    """Why a message may not leave: a word for programs and a sentence for people."""

    code: str
    reason: str


def prepare(claim: Claim, rules: SendingRules) -> tuple[list[ClaimedMessage] | None, Counter[str]]:
    """Block those who may not be written to any more; returns (who is left, what was blocked). None: a check
    failed, so the batch went back. A fixed number of queries per batch."""
    try:
        with translation.override(get_locale().language):
            refused = _refused(claim, rules)
    except Exception:
        log.exception("a recipient check failed; %d messages wait", len(claim.rows))
        release(claim, wait=60, code="check")
        return None, Counter()
    if not refused:
        return claim.rows, Counter()
    now = timezone.now()
    blocked = [
        Refused(key, Message.State.BLOCKED, now, "permanent", no.code, no.reason)
        for key, no in refused.items()
    ]
    record_refused(blocked, claimed_by=claim.token)
    if claim.count is not None:
        give_back(claim.count, len(blocked))
    allowed = [row for row in claim.rows if row.id not in refused]
    return allowed, Counter({str(Message.State.BLOCKED): len(blocked)})


def _refused(claim: Claim, rules: SendingRules) -> dict[UUID, No]:
    refused = {key: No(RECIPIENT, reason) for key, reason in refused_recipients(claim.rows).items()}
    advertising = [row for row in claim.rows if row.purpose == "marketing" and row.id not in refused]
    if advertising:
        refused |= _on_the_providers_list(claim, advertising)
        if claim.account.config.channel == Channel.EMAIL:
            refused |= _without_mailbox(advertising)
            claim.refusal_links.update(refusal_links(advertising))
        capped = over_cap([row for row in advertising if row.id not in refused], rules)
        refused |= {key: No(CAP, _("frequency cap: enough advertising in these days")) for key in capped}
    if claim.account.config.channel == Channel.PUSH:
        refused |= _find_subscriptions(claim)
    return refused


def _on_the_providers_list(claim: Claim, rows: Sequence[ClaimedMessage]) -> dict[UUID, No]:
    """Numbers that refused this line at the provider: it would take the money and drop the message."""
    if claim.account.config.channel != Channel.SMS:
        return {}
    numbers = BlockedNumber.objects.filter(
        account=claim.account.key, recipient__in=[row.recipient for row in rows]
    )
    found = set(numbers.values_list("recipient", flat=True))
    return {
        row.id: No(PROVIDER_LIST, _("The guest refused this line at the provider."))
        for row in rows
        if row.recipient in found
    }


def _without_mailbox(rows: Sequence[ClaimedMessage]) -> dict[UUID, No]:
    """Addresses of which letters came back: one more would only harm the sender's good name."""
    gone = gone_addresses({row.recipient for row in rows})
    text = _("Letters to this address came back: there is no such mailbox.")
    return {row.id: No(GONE, text) for row in rows if row.recipient in gone}


def _find_subscriptions(claim: Claim) -> dict[UUID, No]:
    """Fill in the browsers' addresses; a subscription that is gone is a refusal."""
    keys = {row.id: _as_uuid(row.recipient) for row in claim.rows}
    found = PushSubscription.objects.filter(failed_at=None).in_bulk([key for key in keys.values() if key])
    refused: dict[UUID, No] = {}
    for message_id, key in keys.items():
        subscription = found.get(key) if key else None
        if subscription is None:
            refused[message_id] = No(GONE, _("The guest's browser takes no messages any more."))
            continue
        own_keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
        claim.addresses[message_id] = json.dumps({"endpoint": subscription.endpoint, "keys": own_keys})
    return refused


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
