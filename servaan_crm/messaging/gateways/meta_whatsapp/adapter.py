"""WhatsApp Business through Meta (https://graph.facebook.com/v{n}/{PHONE_ID}/messages).

A template may always be sent, a free text only within 24 hours of the guest's last message; the outbox checks that
by the last inbound message, and Meta refuses it with 131047 in any case. Meta has no question about messages: the
fate comes by callback alone, carrying our own number back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from servaan_crm.messaging.gateways.meta_whatsapp.codes import delivery_state, error_for
from servaan_crm.messaging.gateways.reading import (
    dicts,
    in_order,
    local_id,
    moment,
    number,
    part,
    template_of,
    text_of,
    with_plus,
)

LONGEST_TEXT = 4096


class MetaWhatsAppGateway(GraphGateway):
    """Adapter for one WhatsApp number. ``api_key`` is the access token; ``sender`` only names the number."""

    name: ClassVar[str] = "meta_whatsapp"
    label: ClassVar[str | Promise] = _("WhatsApp (Meta Cloud API)")
    id_setting: ClassVar[str] = "phone_id"
    default_base_url: ClassVar[str] = "https://graph.facebook.com"
    channels: ClassVar[frozenset[str]] = frozenset({"whatsapp"})
    countries: ClassVar[frozenset[str]] = frozenset({"-IR"})
    has_templates: ClassVar[bool] = True
    batch_size: ClassVar[int] = 80
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "phone_id",
            _("Phone number ID"),
            help_text=_("In Meta's app dashboard under WhatsApp, API Setup; it is not the number itself."),
        ),
        Setting(
            "app_secret",
            _("App secret"),
            is_secret=True,
            help_text=_("Under App settings, Basic. Reports without its signature are refused."),
        ),
        VERIFY_TOKEN,
        Setting(
            "language",
            _("Language of templates"),
            is_required=False,
            help_text=_('Such as en or fa. A template named "name:language" brings its own.'),
        ),
        VERSION,
    )

    def account_info(self) -> AccountInfo:
        """Ask about the number itself; ``kind`` is its quality at Meta."""
        answer = read_answer(
            self._client.get(self.path(), params={"fields": "verified_name,quality_rating"}), error_for
        )
        return AccountInfo(credit=None, kind=text_of(answer.get("quality_rating")))

    # -- being called ----------------------------------------------------------------------------------------

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """Meta knows one address for everything, so ``kind`` says nothing here."""
        values = [value for row in call.rows for value in _values(row)]
        return CallbackContent(
            reports=[report for value in values for report in _reports(value)],
            inbound=[text for value in values for text in _inbound(value)],
            answer=challenge(call),
        )

    # -- inside ----------------------------------------------------------------------------------------------

    def send_one(self, message: OutgoingMessage) -> SendResult:
        """Send one message. Raises ``GatewayError``."""
        content = self._content(message) | {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.recipient.lstrip("+"),
            "biz_opaque_callback_data": str(message.local_id),
        }
        answer = read_answer(self._client.post(self.path("messages"), json=content), error_for)
        first = next(dicts(answer.get("messages")), {})
        provider_id = text_of(first.get("id"))[:ID_LENGTH]
        if not provider_id:
            raise UnknownOutcomeError("answer without a number", code="entry")
        return SendResult(
            message.local_id, provider_id=provider_id, status=text_of(first.get("message_status"))[:20]
        )

    def _content(self, message: OutgoingMessage) -> dict[str, Any]:
        if not message.template:
            if len(message.body) > LONGEST_TEXT:
                raise PermanentError("text too long", code="length")
            return {"type": "text", "text": {"body": message.body, "preview_url": False}}
        name, language = template_of(message.template, self._config.option("language", "en"))
        template: dict[str, Any] = {"name": name, "language": {"code": language}}
        if message.values:
            places = [{"type": "text", "text": value} for value in in_order(message.values)]
            template["components"] = [{"type": "body", "parameters": places}]
        return {"type": "template", "template": template}


def _values(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in dicts(row.get("entry")):
        for change in dicts(entry.get("changes")):
            if isinstance(change.get("value"), dict):
                yield change["value"]


def _reports(value: Mapping[str, Any]) -> Iterator[DeliveryReport]:
    for status in dicts(value.get("statuses")):
        word = text_of(status.get("status"))
        code = number(next(dicts(status.get("errors")), {}).get("code"))
        state = delivery_state(word, code)
        provider_id = text_of(status.get("id"))[:ID_LENGTH]
        if provider_id and state is not DeliveryState.UNKNOWN:
            yield DeliveryReport(
                provider_id,
                state,
                status=str(code) if word == "failed" and code >= 0 else word[:20],
                local_id=local_id(status.get("biz_opaque_callback_data")),
                is_read=word in {"read", "played"},
            )


def _inbound(value: Mapping[str, Any]) -> Iterator[InboundText]:
    """Texts, and whatever else a guest sends: a picture opens the 24 hours as well, so it counts with an empty text."""
    line = with_plus(part(value, "metadata", "display_phone_number"))
    for message in dicts(value.get("messages")):
        provider_id, sender = text_of(message.get("id"))[:ID_LENGTH], with_plus(message.get("from"))
        if provider_id and sender:
            at = moment(message.get("timestamp"))
            yield InboundText(provider_id, sender, line, _words(message), received_at=at)


def _words(message: Mapping[str, Any]) -> str:
    places = (
        ("text", "body"),
        ("button", "text"),
        ("interactive", "button_reply", "title"),
        ("interactive", "list_reply", "title"),
        ("image", "caption"),
        ("video", "caption"),
        ("document", "caption"),
    )
    return next((words for place in places if (words := text_of(part(message, *place)))), "")
