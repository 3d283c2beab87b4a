"""What every adapter offers, whatever its channel, and the classes of error the outbox acts upon.

The outbox never looks at a provider's own codes: an adapter sorts them into the kinds below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from django.utils.functional import Promise


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


class Refusal(StrEnum):
    """What a report says of an address."""

    GONE = "gone"  # there is no such mailbox: no advertising goes there any more
    NO = "no"  # the guest complained or signed off: that is a no to advertising on this channel


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
class OutgoingMessage:
    """One text for one address. ``local_id`` is our own number, the key against doubles.

    Args:
        recipient: E.164 for sms and whatsapp, an address for email, the id of the account's user for instagram,
            the JSON of a subscription (endpoint, keys) for push.
        body: the text as the guest reads it; with ``template`` what the filled template says.
        template: name of a text the provider holds; ``values`` fill it, in the template's order.
        subject: subject of an e-mail, title of a push message.
        url: where a push message leads; an e-mail shows it as its button.
    """

    local_id: int
    recipient: str
    body: str
    sender: str = ""
    channel: str = "sms"
    subject: str = ""
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    # Advertising carries "List-Unsubscribe" where the channel has it.
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one ``OutgoingMessage``: accepted (``provider_id`` set) or ``error``. ``cost`` is in the
    account's currency, as the provider charged it. ``address_is_gone``: never write there again."""

    local_id: int
    provider_id: str = ""
    state: DeliveryState = DeliveryState.ACCEPTED
    status: str = ""
    cost: Decimal | None = None
    error: GatewayError | None = None
    address_is_gone: bool = False


@dataclass(frozen=True, slots=True)
class StatusResult:
    """A message's fate as the provider tells it. ``state`` UNKNOWN means the provider does not know it."""

    state: DeliveryState
    status: str = ""
    provider_id: str = ""
    local_id: int | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A message whose outcome is unknown. ``at``: when it was claimed for sending (UTC)."""

    local_id: int
    recipient: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Credit in the account's currency, None where the provider tells none; ``expires_at`` likewise.

    ``is_proven``: the provider itself said that it knows the key. False where it has no question of that kind.
    """

    credit: Decimal | None
    expires_at: datetime | None = None
    kind: str = ""
    is_proven: bool = True


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text a guest sent to a line of the café."""

    provider_id: str
    sender: str
    receiver: str
    body: str
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """A report of a provider that calls us. ``local_id`` where it names our own number. ``refusal``: what it says of
    the address, beyond this one message."""

    provider_id: str
    state: DeliveryState
    status: str = ""
    local_id: int | None = None
    is_read: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class CallbackCall:
    """A provider's call, before anybody trusts it.

    Args:
        url: the full address as the caller wrote it. headers: names in lower case.
        query: parameters of the address. form: those of a form body. body: the raw bytes.
        rows: query, form and JSON together, one mapping per object of a JSON list.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    body: bytes
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CallbackContent:
    """What a call said. ``answer``: the text the provider waits for, when it wants more than a 200."""

    reports: Sequence[DeliveryReport] = ()
    inbound: Sequence[InboundText] = ()
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of an adapter's settings form, kept in the account's options (encrypted).

    ``is_secret``: written, never shown. ``help_text`` says where in the provider's panel it stands.
    """

    key: str
    label: str | Promise
    is_secret: bool = False
    is_required: bool = True
    help_text: str | Promise = ""
    choices: Sequence[tuple[str, str | Promise]] = ()


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Everything an adapter needs to work. Secrets are kept out of repr on purpose.

    ``options`` are the adapter's own settings as sorted (key, value) pairs, hashable: configurations are compared.
    ``callback_url`` is our address for delivery reports, for providers that take it along with every message; "" while
    we have none that the world can reach.
    """

    base_url: str
    api_key: str = field(repr=False)
    sender: str = ""
    channel: str = "sms"
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    callback_url: str = field(default="", repr=False)

    def option(self, key: str, default: str = "") -> str:
        """Return one of the adapter's own settings."""
        return dict(self.options).get(key) or default


class Gateway:
    """What an adapter is; one live instance per account and process, used by several threads.

    Questions raise ``GatewayError``; ``send_batch`` never does: a failed call is in its results. Nothing here
    touches the database. An adapter overrides what its provider offers; what stays as it is here is not offered.
    """

    name: ClassVar[str]
    label: ClassVar[str | Promise]
    channels: ClassVar[frozenset[str]] = frozenset({"sms"})
    # ISO codes of the countries whose guests it reaches; empty: everywhere. "-IR" leaves one out.
    countries: ClassVar[frozenset[str]] = frozenset()
    # ISO code of the money its charges are in; empty: the café's own. Charges in other money are not taken over.
    currency: ClassVar[str] = ""
    settings: ClassVar[tuple[Setting, ...]] = ()
    needs_api_key: ClassVar[bool] = True
    # False where nobody enters one, because we make it ourselves (``first_api_key``).
    takes_api_key: ClassVar[bool] = True
    needs_sender: ClassVar[bool] = False
    has_templates: ClassVar[bool] = False
    # True when our number protects a filled template as it protects a text; else an unknown one is never repeated.
    template_has_local_id: ClassVar[bool] = False

    batch_size: ClassVar[int] = 100
    status_batch_size: ClassVar[int] = 100
    # True when sending the same local_id again is harmless by the provider's own contract.
    local_id_is_idempotent: ClassVar[bool] = False
    # For how many seconds ``find`` can be asked about a message.
    local_id_window: ClassVar[int] = 0
    # True when a message that ``find`` does not list was surely not sent, so that it may go again.
    absence_is_proof: ClassVar[bool] = False
    # True when reports come by callback alone, so that polling is pointless.
    has_polling: ClassVar[bool] = True
    has_credit: ClassVar[bool] = True
    # What the provider can call us about, each at an address of its own: "status", "receive"; "all" where it knows one
    # address for everything. Empty: it calls nobody.
    callback_kinds: ClassVar[tuple[str, ...]] = ()
    # True where our address travels with every message (``GatewayConfig.callback_url``).
    hands_over_callback: ClassVar[bool] = False

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config

    def close(self) -> None:
        """Close the pooled connections."""

    @classmethod
    def first_api_key(cls) -> str:
        """A key of our own making for a new account, where no provider hands one out; "" elsewhere."""
        return ""

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to ``batch_size`` texts. One result per text; a failed call is in the results, not raised."""
        raise NotImplementedError

    def status_by_provider_id(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Fates by the provider's own ids, at most ``status_batch_size``; ids it does not know are absent."""
        return {}

    def find(self, messages: Sequence[Doubtful]) -> dict[int, StatusResult]:
        """Fates by our numbers of messages whose outcome is unknown; those the provider does not know are absent.

        One with state UNKNOWN and no ``provider_id`` cannot be told about yet: it is neither found nor absent,
        and will be asked about again.
        """
        return {}

    def account_info(self) -> AccountInfo:
        """Credit and expiry of the account; also the question behind the button "test the connection"."""
        return AccountInfo(credit=None, is_proven=False)

    def receive(self) -> list[InboundText]:
        """Fetch the texts guests sent since the last time; for lines that are polled."""
        return []

    def blocked_numbers(self) -> list[str]:
        """Numbers that refuse the café's line at the provider (E.164 where they can be read so)."""
        return []

    def called_about(self) -> tuple[str, ...]:
        """``callback_kinds``, as far as the account's settings leave them."""
        return self.callback_kinds

    def verify(self, call: CallbackCall) -> bool:
        """Say whether the provider's own signature fits, besides the secret in the path; True where it has none."""
        return True

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """Translate a verified call; what cannot be read is left out.

        ``kind`` is the part of the address that says what the call is about: status, receive or all.
        """
        return CallbackContent()
