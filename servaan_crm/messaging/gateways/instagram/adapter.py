"""Instagram (https://graph.instagram.com/v{n}/{IG_ID}/messages): replies only.

Nobody can be written to first. Within 24 hours of a guest's message a reply may go out; the outbox knows that window
by the last inbound message, and Instagram itself refuses what comes later. There is no report of delivery, only of
reading (``messaging_seen``), and no question about messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    AuthError,
    CallbackCall,
    CallbackContent,
    DeliveryReport,
    DeliveryState,
    Gateway,
    GatewayConfig,
    InboundText,
    OutgoingMessage,
    PermanentError,
    SendResult,
    Setting,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.graph import ID_LENGTH, challenge, is_known, read_answer
from servaan_crm.messaging.gateways.http import HttpClient
from servaan_crm.messaging.gateways.instagram.codes import error_for
from servaan_crm.messaging.gateways.reading import dicts, is_plain, moment, part, text_of
from servaan_crm.messaging.gateways.singles import send_each

DEFAULT_BASE_URL = "https://graph.instagram.com"
DEFAULT_VERSION = "v25.0"
LONGEST_TEXT = 1000  # bytes of UTF-8: half as many Persian letters


class InstagramGateway(Gateway):
    """Adapter for one professional account. ``api_key`` is its access token; a message's ``recipient`` the guest's
    number at this account (IGSID), as inbound messages bring it."""

    name: ClassVar[str] = "instagram"
    label: ClassVar[str | Promise] = _("Instagram (replies)")
    channels: ClassVar[frozenset[str]] = frozenset({"instagram"})
    has_polling: ClassVar[bool] = False
    has_credit: ClassVar[bool] = False
    batch_size: ClassVar[int] = 40
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "account_id",
            _("Instagram account ID"),
            help_text=_("The number of your professional account, in Meta's app dashboard under Instagram."),
        ),
        Setting(
            "app_secret",
            _("App secret"),
            is_secret=True,
            help_text=_("Under Instagram, API setup. Reports without its signature are refused."),
        ),
        Setting(
            "verify_token",
            _("Verify token"),
            is_secret=True,
            help_text=_("A word of your choice; write the same one beside the callback address at Meta."),
        ),
        Setting("version", _("API version"), is_required=False, help_text=_("Left empty: v25.0.")),
    )

    def __init__(self, config: GatewayConfig) -> None:
        super().__init__(config)
        token = {"Authorization": f"Bearer {config.api_key}"}
        self._client = HttpClient(config.base_url or DEFAULT_BASE_URL, headers=token)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 40 replies, several at a time; every reply gets a result."""
        return send_each(messages, self._send)

    def account_info(self) -> AccountInfo:
        """Ask whose account the token is for."""
        answer = read_answer(
            self._client.get(self._path(), params={"fields": "username,account_type"}), error_for
        )
        return AccountInfo(credit=None, kind=text_of(answer.get("account_type")))

    # -- being called ----------------------------------------------------------------------------------------

    def verify(self, call: CallbackCall) -> bool:
        """The verify token at the set-up, the signature of the raw body ever after."""
        secret, token = self._config.option("app_secret"), self._config.option("verify_token")
        return is_known(call, app_secret=secret, verify_token=token)

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """Meta knows one address for everything, so ``kind`` says nothing here."""
        events = [
            event
            for row in call.rows
            for entry in dicts(row.get("entry"))
            for event in dicts(entry.get("messaging"))
        ]
        return CallbackContent(
            reports=list(_seen(events)), inbound=list(_inbound(events)), answer=challenge(call)
        )

    # -- inside ----------------------------------------------------------------------------------------------

    def _path(self) -> str:
        account, version = self._config.option("account_id"), self._config.option("version", DEFAULT_VERSION)
        if not is_plain(account) or not is_plain(version):
            raise AuthError("account id or version is malformed", code="settings")
        return f"{version}/{account}"

    def _send(self, message: OutgoingMessage) -> SendResult:
        if len(message.body.encode()) > LONGEST_TEXT:
            raise PermanentError("text longer than 1000 bytes", code="length")
        content = {"recipient": {"id": message.recipient}, "message": {"text": message.body}}
        answer = read_answer(self._client.post(f"{self._path()}/messages", json=content), error_for)
        provider_id = text_of(answer.get("message_id"))[:ID_LENGTH]
        if not provider_id:
            raise UnknownOutcomeError("answer without a number", code="entry")
        return SendResult(message.local_id, provider_id=provider_id)


def _seen(events: Sequence[Mapping[str, Any]]) -> Iterator[DeliveryReport]:
    for event in events:
        if provider_id := text_of(part(event, "read", "mid"))[:ID_LENGTH]:
            yield DeliveryReport(provider_id, DeliveryState.DELIVERED, status="read", is_read=True)


def _inbound(events: Sequence[Mapping[str, Any]]) -> Iterator[InboundText]:
    """What guests wrote, not the echo of what we did. A picture opens the window as well: it counts without text."""
    for event in events:
        message = event.get("message")
        if not isinstance(message, dict) or message.get("is_echo") or message.get("is_deleted"):
            continue
        provider_id, sender = text_of(message.get("mid"))[:ID_LENGTH], text_of(part(event, "sender", "id"))
        if provider_id and sender:
            receiver = text_of(part(event, "recipient", "id"))
            at = moment(event.get("timestamp"), per_second=1000)
            yield InboundText(provider_id, sender, receiver, text_of(message.get("text")), received_at=at)
