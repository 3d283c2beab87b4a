"""WhatsApp through Gupshup (https://api.gupshup.io/wa/api/v1/…).

Reports name Gupshup's number of a message (``gsId``) and nothing of ours. They carry no signature: the long secret in
the path of the callback is all there is. There is no question about messages. The wallet is asked only by the button
"test the connection": accounts of partners have none of their own, and no account shall rest for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    AuthError,
    CallbackCall,
    CallbackContent,
    DeliveryReport,
    DeliveryState,
    GatewayError,
    InboundText,
    OutgoingMessage,
    PermanentError,
    SendResult,
    Setting,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.batches import decimal
from servaan_crm.messaging.gateways.gupshup.codes import delivery_state, error_for
from servaan_crm.messaging.gateways.http import read_object
from servaan_crm.messaging.gateways.reading import in_order, moment, number, part, text_of, with_plus
from servaan_crm.messaging.gateways.singles import SinglesGateway

LONGEST_TEXT = 4096


class GupshupGateway(SinglesGateway):
    """Adapter for one app. ``sender`` is its WhatsApp number; ``template`` of a message is Gupshup's template id."""

    name: ClassVar[str] = "gupshup"
    label: ClassVar[str | Promise] = _("WhatsApp (Gupshup)")
    default_base_url: ClassVar[str] = "https://api.gupshup.io"
    channels: ClassVar[frozenset[str]] = frozenset({"whatsapp"})
    countries: ClassVar[frozenset[str]] = frozenset({"-IR"})
    needs_sender: ClassVar[bool] = True
    has_templates: ClassVar[bool] = True
    callback_kinds: ClassVar[tuple[str, ...]] = ("all",)
    batch_size: ClassVar[int] = 80
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "app_name",
            _("App name"),
            help_text=_("The name of your app in Gupshup's dashboard, letter by letter."),
        ),
    )

    def headers(self) -> dict[str, str]:
        """The key of the app."""
        return {"apikey": self._config.api_key}

    def account_info(self) -> AccountInfo:
        """The wallet's credit in US dollars, which a wrong key does not get to see."""
        response = self._client.get("sm/api/v2/wallet/balance")
        if response.status_code in (401, 403):
            raise AuthError("the provider refuses our key", code=str(response.status_code))
        try:
            answer = read_object(response)
        except GatewayError:
            answer = {}
        credit = decimal(answer.get("balance")) if response.is_success else None
        return AccountInfo(credit, kind="USD", is_proven=credit is not None)

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """Gupshup knows one address for everything; the type of the event decides."""
        reports = [report for row in call.rows if (report := _report(row)) is not None]
        line = with_plus(self._config.sender)
        inbound = [text for row in call.rows if (text := _inbound(row, line)) is not None]
        return CallbackContent(reports=reports, inbound=inbound)

    # -- inside ----------------------------------------------------------------------------------------------

    def send_one(self, message: OutgoingMessage) -> SendResult:
        """Send one message. Raises ``GatewayError``."""
        form = {
            "channel": "whatsapp",
            "source": (message.sender or self._config.sender).lstrip("+"),
            "destination": message.recipient.lstrip("+"),
            "src.name": self._config.option("app_name"),
        }
        if message.template:
            filled = {"id": message.template, "params": in_order(message.values)}
            path, form["template"] = "wa/api/v1/template/msg", json.dumps(filled, ensure_ascii=False)
        elif len(message.body) > LONGEST_TEXT:
            raise PermanentError("text too long", code="length")
        else:
            text = {"type": "text", "text": message.body}
            path, form["message"] = "wa/api/v1/msg", json.dumps(text, ensure_ascii=False)
        return SendResult(message.local_id, provider_id=_message_id(self._client.post(path, data=form)))


def _message_id(response: httpx.Response) -> str:
    """Return the number of an accepted message. Raises the typed error of any other answer."""
    answer = read_object(response)
    status = text_of(answer.get("status"))
    if response.is_success and status in {"submitted", "success"}:
        provider_id = text_of(answer.get("messageId"))
        if not provider_id:
            raise UnknownOutcomeError("answer without a number", code="entry")
        return provider_id[:200]
    reason = answer.get("message")
    message = text_of(reason) or json.dumps(reason) if reason else ""
    if response.is_success and status == "error":
        # An error under a good status is a refusal in words; which one is not sourced.
        raise PermanentError("refused", code=status)
    raise error_for(response, message)


def _report(row: Mapping[str, Any]) -> DeliveryReport | None:
    """``id`` is Gupshup's number only while there is none of WhatsApp's; ``gsId`` always is."""
    if row.get("type") != "message-event":
        return None
    kind = text_of(part(row, "payload", "type"))
    code = number(part(row, "payload", "payload", "code"))
    provider_id = text_of(part(row, "payload", "gsId"))
    if not provider_id and kind in {"enqueued", "failed"}:
        provider_id = text_of(part(row, "payload", "id"))
    state = delivery_state(kind, code)
    if not provider_id or state is DeliveryState.UNKNOWN:
        return None
    status = str(code) if kind == "failed" and code >= 0 else kind
    return DeliveryReport(provider_id[:200], state, status=status[:20], is_read=kind == "read")


def _inbound(row: Mapping[str, Any], line: str) -> InboundText | None:
    """A picture opens the 24 hours as well, so it counts with an empty text."""
    if row.get("type") != "message":
        return None
    provider_id = text_of(part(row, "payload", "id"))[:200]
    sender = with_plus(part(row, "payload", "source") or part(row, "payload", "sender", "phone"))
    if not provider_id or not sender:
        return None
    return InboundText(
        provider_id,
        sender,
        line,
        next(_words(row), ""),
        received_at=moment(row.get("timestamp"), per_second=1000),
    )


def _words(row: Mapping[str, Any]) -> Iterator[str]:
    for key in ("text", "title", "caption"):
        if words := text_of(part(row, "payload", "payload", key)):
            yield words
