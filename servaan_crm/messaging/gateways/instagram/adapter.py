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
    CallbackCall,
    CallbackContent,
    DeliveryReport,
    DeliveryState,
    InboundText,
    OutgoingMessage,
    PermanentError,
    SendResult,
    Setting,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.graph import (
    ID_LENGTH,
    VERIFY_TOKEN,
    VERSION,
    GraphGateway,
    challenge,
    read_answer,
)
from servaan_crm.messaging.gateways.instagram.codes import error_for
from servaan_crm.messaging.gateways.reading import dicts, moment, part, text_of

LONGEST_TEXT = 1000  # bytes of UTF-8: half as many Persian letters


class InstagramGateway(GraphGateway):
    """Adapter for one professional account. ``api_key`` is its access token; a message's ``recipient`` the guest's
    number at this account (IGSID), as inbound messages bring it."""

    name: ClassVar[str] = "instagram"
    label: ClassVar[str | Promise] = _("Instagram (replies)")
    id_setting: ClassVar[str] = "account_id"
    default_base_url: ClassVar[str] = "https://graph.instagram.com"
    channels: ClassVar[frozenset[str]] = frozenset({"instagram"})
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
        VERIFY_TOKEN,
        VERSION,
    )

    def account_info(self) -> AccountInfo:
        """Ask whose account the token is for."""
        answer = read_answer(
            self._client.get(self.path(), params={"fields": "username,account_type"}), error_for
        )
        return AccountInfo(credit=None, kind=text_of(answer.get("account_type")))

    # -- being called ----------------------------------------------------------------------------------------

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

    def send_one(self, message: OutgoingMessage) -> SendResult:
        """Send one message. Raises ``GatewayError``."""
        if len(message.body.encode()) > LONGEST_TEXT:
            raise PermanentError("text longer than 1000 bytes", code="length")
        content = {"recipient": {"id": message.recipient}, "message": {"text": message.body}}
        answer = read_answer(self._client.post(self.path("messages"), json=content), error_for)
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
