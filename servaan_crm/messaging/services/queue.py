"""Writing into the outbox."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from servaan_crm.core.actors import Actor
from servaan_crm.core.ids import snowflake, uuid7
from servaan_crm.core.tasks import enqueue
from servaan_crm.messaging.models import Channel, Message, MessageHold
from servaan_crm.messaging.reasons import EXPIRED_CLASS, PAUSED
from servaan_crm.messaging.services.checks import owners_now
from servaan_crm.messaging.sms import count_parts

DEFAULT_VALIDITY = timedelta(hours=24)
# Checked here as well as in the table: a database error quotes the row, and a number must not reach the log.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ANY = re.compile(r"[^\s\x00]{1,254}")
_RECIPIENT = {
    Channel.SMS: _E164,
    Channel.WHATSAPP: _E164,
    Channel.EMAIL: re.compile(r"[^\s@\x00]+@[^\s@\x00]+"),
    Channel.PUSH: _ANY,
    Channel.INSTAGRAM: _ANY,
}
_MAX_LENGTH = 20_000
_MAX_PARTS = 12  # about 800 Persian letters: what providers take

_COLUMNS = (
    "id", "local_id", "channel", "purpose", "kind", "recipient", "body", "parts",
    "customer_id", "group_id", "dedupe_key", "not_before", "expires_at", "subject", "template", "values", "url",
)  # fmt: skip
_TYPES = (
    "uuid", "bigint", "text", "text", "text", "text", "text", "smallint",
    "uuid", "uuid", "text", "timestamptz", "timestamptz", "text", "text", "jsonb", "text",
)  # fmt: skip
_INSERT = f"""
INSERT INTO messaging_message (
    {", ".join(f'"{name}"' for name in _COLUMNS)}, created_at, updated_at, state, attempts, pinned, claimed_by,
    provider, provider_account, provider_message_id, provider_status, error_class, error_code, error_text)
SELECT d.*, now(), now(), 'queued', 0, false, '', '', '', '', '', '', '', ''
  FROM unnest({", ".join(f"%s::{kind}[]" for kind in _TYPES)}) AS d
ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL DO NOTHING
RETURNING id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """One message to be queued; the fields mean what ``queue_message`` says."""

    recipient: str
    body: str
    kind: str
    purpose: str
    channel: str = Message.Channel.SMS
    customer_id: UUID | None = None
    group_id: UUID | None = None
    dedupe_key: str | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    subject: str = ""
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


def queue_message(*, actor: Actor | None = None, **fields: Any) -> Message:
    """Put one message into the outbox, in the caller's transaction; a worker sends it after commit.

    ``actor`` is part of every service's signature; the row's origin is told by ``kind`` and ``dedupe_key``. The other
    arguments are the fields of ``MessageDraft``:

    Args:
        recipient: E.164 for sms and whatsapp, else what the channel writes to.
        kind: what it is, such as "first_visit_thanks". purpose: "transactional" or "marketing".
        dedupe_key: names the occurrence: a second message with the same key is not written, the first is returned.
        group_id: what it is held, resumed and cancelled with.
        not_before, expires_at: UTC (default: now, and a day later).

    Raises ValidationError for an empty or overlong text, or a recipient that the channel cannot have.
    """
    draft = MessageDraft(**fields)
    message = _build(draft, timezone.now())
    with transaction.atomic():
        if _insert([message]):
            _ring()
            return message
    return Message.objects.get(dedupe_key=draft.dedupe_key)


def queue_messages(drafts: Sequence[MessageDraft], *, actor: Actor | None = None) -> list[UUID]:
    """Put many messages into the outbox with one statement per 5,000; returns the ids of the new ones.

    Raises ValidationError if any text is empty or overlong or any recipient is not E.164; then none is written.
    """
    now = timezone.now()
    messages = [_build(draft, now) for draft in drafts]
    new: list[UUID] = []
    with transaction.atomic():
        for start in range(0, len(messages), 5_000):
            new += _insert(messages[start : start + 5_000])
        if new:
            _ring()
    return new


def cancel_messages(message_ids: Sequence[UUID], *, reason: str, actor: Actor) -> int:
    """Take messages back that still wait; returns how many. Those already claimed are on their way.

    ``reason`` is shown to people.
    """
    waiting = Message.objects.filter(pk__in=message_ids, state=Message.State.QUEUED)
    return waiting.update(state=Message.State.CANCELLED, error_text=reason[:200], updated_at=timezone.now())


def hold_group(group_id: UUID) -> None:
    """Let nothing of the group be claimed any more; what is on the wire stays there. In the caller's transaction."""
    MessageHold.objects.get_or_create(group_id=group_id)


def resume_group(group_id: UUID) -> None:
    """End a hold, in the caller's transaction; workers are told after it."""
    if MessageHold.objects.filter(group_id=group_id).delete()[0]:
        _ring()


def revive_paused(message_ids: QuerySet[Any], *, valid_until: datetime) -> int:
    """Put messages back that ended while their group was held, in the caller's transaction; returns how many.

    Only those that never were with any provider: they go out under their old number, once. What was unknown once
    ("pinned") stays ended, because its provider's memory for our numbers may be over by now.

    Args:
        message_ids: a query of those that may come back. valid_until: until when they may leave now (UTC).
    """
    ended = Message.objects.filter(
        pk__in=message_ids,
        state=Message.State.EXPIRED,
        error_class=EXPIRED_CLASS,
        error_code=PAUSED,
        pinned=False,
        sent_at=None,
        provider_message_id="",
    )
    now = timezone.now()
    return ended.update(
        state=Message.State.QUEUED, not_before=now, expires_at=valid_until, error_class="", error_code="",
        error_text="", updated_at=now,
    )  # fmt: skip


def cancel_group(group_id: UUID, *, reason: str, actor: Actor) -> int:
    """Take back everything of the group that still waits; returns how many. ``reason`` is shown to people."""
    waiting = Message.objects.filter(group_id=group_id, state=Message.State.QUEUED)
    MessageHold.objects.filter(group_id=group_id).delete()
    return waiting.update(state=Message.State.CANCELLED, error_text=reason[:200], updated_at=timezone.now())


def _build(draft: MessageDraft, now: datetime) -> Message:
    is_sms = draft.channel == Channel.SMS
    parts = count_parts(draft.body).parts if is_sms else 1
    if not draft.body.strip() or (parts > _MAX_PARTS if is_sms else len(draft.body) > _MAX_LENGTH):
        raise ValidationError(_("The text of a message must not be empty or longer than 12 parts."))
    if not _RECIPIENT[Channel(draft.channel)].fullmatch(draft.recipient):
        raise ValidationError(_("The recipient of a message must be a number with its country code."))
    not_before = draft.not_before or now
    return Message(
        id=uuid7(),
        local_id=snowflake(),
        channel=str(draft.channel),
        purpose=str(draft.purpose),
        kind=draft.kind,
        recipient=draft.recipient,
        body=draft.body,
        parts=parts,
        customer_id=draft.customer_id,
        group_id=draft.group_id,
        subject=draft.subject,
        template=draft.template,
        values=[[str(key), str(value)] for key, value in draft.values.items()],
        url=draft.url,
        dedupe_key=draft.dedupe_key,
        not_before=not_before,
        expires_at=draft.expires_at or not_before + DEFAULT_VALIDITY,
        created_at=now,
    )


def _insert(messages: Sequence[Message]) -> list[UUID]:
    owners = owners_now({message.customer_id for message in messages if message.customer_id is not None})
    for message in messages:
        if message.customer_id is not None:
            message.customer_id = owners.get(message.customer_id, message.customer_id)
    columns = [[_column(name, getattr(message, name)) for message in messages] for name in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, columns)
        return [row[0] for row in cursor.fetchall()]


def _column(name: str, value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if name == "values" else value


def _ring() -> None:
    from servaan_crm.messaging.tasks import dispatch_outbox  # tasks adapt services, so they import us

    enqueue(dispatch_outbox)
