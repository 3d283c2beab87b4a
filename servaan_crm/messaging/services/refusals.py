"""E-mail addresses that are not written to any more: letters came back, or their owner complained.

A provider tells it once or many times, early or late. An address is on the list once, and a no is taken down once for
each message it is about.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import connection, transaction

from servaan_crm.core.events import Event, publish
from servaan_crm.messaging.gateways.base import DeliveryReport, DeliveryState, Refusal
from servaan_crm.messaging.models import BlockedNumber, Channel
from servaan_crm.messaging.services.conflicts import once_more

_COMPLAINED = "refused"  # stands in ``provider_status`` of a message whose owner said no because of it
_GONE = """
INSERT INTO messaging_blockednumber (account, recipient)
SELECT DISTINCT m.provider_account, m.recipient FROM messaging_message AS m
 WHERE m.provider_message_id = ANY(%s) AND m.provider = %s AND m.provider_account = %s AND m.channel = 'email'
 ORDER BY 1, 2
ON CONFLICT (account, recipient) DO NOTHING
"""
_BACK = """
DELETE FROM messaging_blockednumber AS b USING messaging_message AS m
 WHERE m.provider_message_id = ANY(%s) AND m.provider = %s AND m.provider_account = %s AND m.channel = 'email'
   AND b.recipient = m.recipient AND m.sent_at > b.seen_at
"""
_NO = """
UPDATE messaging_message AS m SET provider_status = %s, updated_at = now()
 WHERE m.id IN (SELECT id FROM messaging_message
                 WHERE provider_message_id = ANY(%s) AND provider = %s AND provider_account = %s
                   AND channel = 'email' AND provider_status <> %s
                 ORDER BY id FOR UPDATE)
RETURNING m.customer_id, m.provider_message_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRefused(Event):
    """A guest complained about a letter or signed off at the provider: a no to advertising on ``channel``."""

    name: ClassVar[str] = "message.refused"
    customer_id: str
    channel: str


def record_refusals(reports: Sequence[DeliveryReport], *, provider: str, account: str) -> int:
    """Act on what reports say of addresses, by the messages of ``account`` they are about; returns how many were new.

    An address without a mailbox gets no advertising any more. A later letter that arrives takes it off the list. A
    guest's no is published as ``message.refused``; where nobody knows the guest, the address goes onto the list.
    """
    gone = [row.provider_id for row in reports if row.refusal == Refusal.GONE]
    said_no = [row.provider_id for row in reports if row.refusal == Refusal.NO]
    arrived = [row.provider_id for row in reports if row.state is DeliveryState.DELIVERED and not row.refusal]
    changed = once_more(lambda: _take_no(said_no, provider, account)) if said_no else 0
    if gone:
        changed += _run(_GONE, [gone, provider, account])
    if arrived and BlockedNumber.objects.filter(recipient__contains="@").exists():
        _run(_BACK, [arrived, provider, account])
    return changed


def list_gone(addresses: Collection[str], *, account: str) -> None:
    """Put e-mail addresses onto the list of which the server said, at once, that there is no such mailbox."""
    rows = [BlockedNumber(account=account, recipient=address) for address in sorted(addresses)]
    BlockedNumber.objects.bulk_create(rows, ignore_conflicts=True)


def gone_addresses(addresses: Collection[str]) -> set[str]:
    """Which of these e-mail addresses are on the list, by whatever account it was found out."""
    found = BlockedNumber.objects.filter(recipient__in=addresses)
    return set(found.values_list("recipient", flat=True))


def _take_no(provider_ids: list[str], provider: str, account: str) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_NO, [_COMPLAINED, provider_ids, provider, account, _COMPLAINED])
            rows = cursor.fetchall()
        known = {customer_id for customer_id, _key in rows if customer_id is not None}
        if known:
            publish(
                *(
                    AddressRefused(customer_id=str(customer_id), channel=str(Channel.EMAIL))
                    for customer_id in sorted(known)
                )
            )
        strangers = [key for customer_id, key in rows if customer_id is None]
        if strangers:
            _run(_GONE, [strangers, provider, account])
    return len(rows)


def _run(sql: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
