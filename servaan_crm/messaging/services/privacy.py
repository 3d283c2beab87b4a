"""What a guest's no, and a guest's wish to be forgotten, mean for the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from servaan_crm.messaging.models import BlockedNumber, Channel, InboundMessage, Message, VerificationCode

# Enough of a number to know it by, in whichever of its forms a provider writes it.
_NATIONAL_DIGITS = 10


def block_waiting(*, customer_id: UUID, reason: str, channel: str | None = None) -> int:
    """Block the advertising that waits for this guest (on one ``channel``); returns how many messages.

    What a worker has claimed already is asked about once more before it leaves (``register_recipient_check``).
    ``reason`` is shown to people.
    """
    waiting = Message.objects.filter(
        customer_id=customer_id, state=Message.State.QUEUED, purpose=Message.Purpose.MARKETING
    )
    if channel is not None:
        waiting = waiting.filter(channel=channel)
    now = timezone.now()
    return waiting.update(state=Message.State.BLOCKED, error_text=reason[:200], failed_at=now, updated_at=now)


def erase_texts(*, customer_ids: Sequence[UUID], phones: Sequence[str], recipient: str) -> int:
    """Take texts and numbers of guests out of everything sent and received; returns how many messages.

    Args:
        customer_ids: the guests; ``phones`` (E.164) the numbers they ever wrote from.
        recipient: what stands in the place of the number afterwards, in the form of a number (E.164).

    Rows, states and costs stay: the café's figures do not change. What still waits is cancelled.
    """
    theirs = Message.objects.filter(Q(customer_id__in=customer_ids) | Q(recipient__in=phones))
    theirs.filter(state=Message.State.QUEUED).update(state=Message.State.CANCELLED)
    mailed = theirs.filter(channel=Channel.EMAIL).values("recipient")
    BlockedNumber.objects.filter(recipient__in=mailed).delete()
    erased = theirs.update(
        body="", subject="", values=[], url="", recipient=recipient, error_text="", dedupe_key=None
    )
    InboundMessage.objects.filter(customer_id__in=customer_ids).update(sender="", receiver="", body="")
    BlockedNumber.objects.filter(recipient__in=phones).delete()
    VerificationCode.objects.filter(phone__in=phones).delete()
    for phone in phones:
        InboundMessage.objects.filter(sender__endswith=phone[-_NATIONAL_DIGITS:]).update(
            sender="", receiver="", body=""
        )
    return erased
