"""What every SMS adapter offers, and the classes of error the outbox acts upon.

The outbox never looks at a provider's own codes: an adapter sorts them into the kinds below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Protocol


class ErrorKind(StrEnum):
    """What to do about a failure."""

    RETRYABLE = "retryable"  # surely not sent; try again later
    PERMANENT = "permanent"  # this message will never go out
    CREDIT = "credit"  # the account is empty: stop until somebody pays
    AUTH = "auth"  # key, account, line or access refused: stop until somebody repairs it
    UNKNOWN = "unknown"  # may have been sent: ask before anything else


class DeliveryState(StrEnum):
    """A provider's message status, translated."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # the provider does not know (any more): never overwrites anything


class GatewayError(Exception):
    """A refused or failed call. The text never holds a key, a number or a message body."""

    kind: ClassVar[ErrorKind] = ErrorKind.UNKNOWN

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class RetryableError(GatewayError):
    """Surely not sent. ``pause`` asks the whole provider to rest that many seconds; ``max_attempts`` limits how
    often this very error may be answered by another try."""

    kind = ErrorKind.RETRYABLE

    def __init__(
        self, text: str, *, code: str = "", pause: int | None = None, max_attempts: int | None = None
    ) -> None:
        super().__init__(text, code=code)
        self.pause = pause
        self.max_attempts = max_attempts


class PermanentError(GatewayError):
    """The provider will never take this message."""

    kind = ErrorKind.PERMANENT


class CreditError(GatewayError):
    """No credit left."""

    kind = ErrorKind.CREDIT


class AuthError(GatewayError):
    """Key, account, sender line or address of ours refused."""

    kind = ErrorKind.AUTH


class UnknownOutcomeError(GatewayError):
    """The call ended without an answer, so the messages may be out."""

    kind = ErrorKind.UNKNOWN


@dataclass(frozen=True, slots=True)
class OutgoingSms:
    """One text for one phone. ``recipient`` is E.164, ``local_id`` our own number, the key against doubles."""

    local_id: int
    recipient: str
    body: str
    sender: str = ""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one ``OutgoingSms``: accepted (``provider_id`` set) or ``error``. ``cost`` is in the
    account's currency, as the provider charged it."""

    local_id: int
    provider_id: str = ""
    state: DeliveryState = DeliveryState.ACCEPTED
    status: str = ""
    cost: Decimal | None = None
    error: GatewayError | None = None


@dataclass(frozen=True, slots=True)
class StatusResult:
    """A message's fate as the provider tells it. ``state`` UNKNOWN means the provider does not know it."""

    state: DeliveryState
    status: str = ""
    provider_id: str = ""
    local_id: int | None = None


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Credit in the account's currency; ``expires_at`` None when the provider gave none."""

    credit: Decimal
    expires_at: datetime | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class InboundSms:
    """A text a guest sent to a line of the café."""

    provider_id: str
    sender: str
    receiver: str
    body: str
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Everything an adapter needs to work. ``api_key`` is kept out of repr on purpose."""

    base_url: str
    api_key: str = field(repr=False)
    sender: str = ""


class SmsGateway(Protocol):
    """The interface of an adapter. Questions raise ``GatewayError``; nothing here touches the database."""

    name: ClassVar[str]
    batch_size: ClassVar[int]
    status_batch_size: ClassVar[int]
    # True when sending the same local_id again is harmless by the provider's own contract.
    local_id_is_idempotent: ClassVar[bool]
    # For how many seconds the provider remembers local ids for status questions.
    local_id_window: ClassVar[int]

    def send_batch(self, messages: Sequence[OutgoingSms]) -> list[SendResult]:
        """Send up to ``batch_size`` texts. One result per text; a failed call is in the results, not raised."""
        ...

    def status_by_provider_id(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Fates by the provider's own ids, at most ``status_batch_size``."""
        ...

    def status_by_local_id(self, local_ids: Sequence[int]) -> dict[int, StatusResult]:
        """Fates by our ids; an id absent from the answer is not known to the provider."""
        ...

    def account_info(self) -> AccountInfo:
        """Credit and expiry of the account."""
        ...
