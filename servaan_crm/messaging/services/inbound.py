"""Texts that guests send to the café's lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.db import connection, transaction
from django.utils import timezone

from servaan_crm.core.events import Event, publish
from servaan_crm.core.ids import uuid7
from servaan_crm.messaging.gateways.base import InboundText
from servaan_crm.messaging.gateways.reading import storable
from servaan_crm.messaging.models import Channel

# Several times what any channel lets a guest write; whoever sends more is no guest.
LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived(Event):
    """A guest wrote. ``inbound_id`` is the id of the ``InboundMessage``; ``sender`` as the provider gave it."""

    name: ClassVar[str] = "message.received"
    inbound_id: str
    provider: str
    channel: str
    sender: str
    body: str


def record_inbound(*, provider: str, message: InboundText, channel: str = Channel.SMS) -> bool:
    """Store one inbound text and publish ``message.received``; False when it was already known."""
    row_id = uuid7()
    sender, body = storable(message.sender)[:254], storable(message.body)[:LONGEST]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO messaging_inboundmessage
                    (id, created_at, updated_at, provider, channel, provider_message_id, sender, receiver,
                     body, received_at)
                VALUES (%s, now(), now(), %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (provider, provider_message_id) DO NOTHING
                """,
                [
                    row_id,
                    provider,
                    str(channel),
                    storable(message.provider_id)[:200],
                    sender,
                    storable(message.receiver)[:100],
                    body,
                    message.received_at or timezone.now(),
                ],
            )
            if not cursor.rowcount:
                return False
        publish(
            MessageReceived(
                inbound_id=str(row_id),
                provider=provider,
                channel=str(channel),
                sender=sender,
                body=body,
            )
        )
    return True
