"""WhatsApp through Interakt (https://api.interakt.ai/v1/public/message/).

300 to 600 calls a minute, by plan: set the account's limit. Our own number travels as ``callbackData`` and comes back
with every report. There is no question about messages or credit; the list of templates shows whether a key is good. A
text without a template and the exact shape of a report's error are not sourced beyond Interakt's examples, so both are
read and written generously.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
import phonenumbers
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    AuthError,
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
from servaan_crm.messaging.gateways.http import error_for_status, read_object
from servaan_crm.messaging.gateways.reading import (
    in_order,
    is_signed,
    local_id,
    part,
    template_of,
    text_of,
    with_plus,
)
from servaan_crm.messaging.gateways.singles import SinglesGateway

_REPORTS = ("message_api_", "message_campaign_")
_STATES = {
    "sent": DeliveryState.ACCEPTED,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.DELIVERED,
    "failed": DeliveryState.FAILED,
}


class InteraktGateway(SinglesGateway):
    """Adapter for one account. ``api_key`` is the secret key as Interakt shows it (base64 already)."""

    name: ClassVar[str] = "interakt"
    label: ClassVar[str | Promise] = _("WhatsApp (Interakt)")
    default_base_url: ClassVar[str] = "https://api.interakt.ai"
    channels: ClassVar[frozenset[str]] = frozenset({"whatsapp"})
    countries: ClassVar[frozenset[str]] = frozenset({"-IR"})
    has_templates: ClassVar[bool] = True
    callback_kinds: ClassVar[tuple[str, ...]] = ("all",)
    batch_size: ClassVar[int] = 40
    workers: ClassVar[int] = 4  # a plan allows a few calls a second
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "webhook_secret",
            _("Webhook secret"),
            is_secret=True,
            help_text=_(
                "The secret key you enter under Developer settings, Webhooks. Reports without it are refused."
            ),
        ),
        Setting(
            "language",
            _("Language of templates"),
            is_required=False,
            help_text=_('Such as en or fa. A template named "name:language" brings its own.'),
        ),
    )

    # -- being called ----------------------------------------------------------------------------------------

    def headers(self) -> dict[str, str]:
        """The secret key."""
        return {"Authorization": f"Basic {self._config.api_key}"}

    def verify(self, call: CallbackCall) -> bool:
        """``Interakt-Signature``: HMAC of the raw body."""
        return is_signed(call, self._config.option("webhook_secret"), "interakt-signature")

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """Interakt knows one address for everything; the type of the event decides."""
        reports = [report for row in call.rows if (report := _report(row)) is not None]
        line = with_plus(self._config.sender)
        inbound = [text for row in call.rows if (text := _inbound(row, line)) is not None]
        return CallbackContent(reports=reports, inbound=inbound)

    def account_info(self) -> AccountInfo:
        """Ask for the list of templates, which a wrong key does not get to see."""
        query = {"offset": "0", "autosubmitted_for": "all", "approval_status": "APPROVED", "language": "all"}
        response = self._client.get("v1/public/track/organization/templates", params=query)
        if response.status_code in (401, 403):
            raise AuthError("the provider refuses our key", code=str(response.status_code))
        return AccountInfo(credit=None, is_proven=response.is_success)

    # -- inside ----------------------------------------------------------------------------------------------

    def send_one(self, message: OutgoingMessage) -> SendResult:
        """Send one message. Raises ``GatewayError``."""
        try:
            number = phonenumbers.parse(message.recipient, None)
        except phonenumbers.NumberParseException:
            raise PermanentError("number is not readable", code="number") from None
        content: dict[str, Any] = {
            "countryCode": f"+{number.country_code}",
            "phoneNumber": phonenumbers.national_significant_number(number),
            "callbackData": str(message.local_id),
        }
        if message.template:
            name, language = template_of(message.template, self._config.option("language", "en"))
            template = {"name": name, "languageCode": language, "bodyValues": in_order(message.values)}
            content |= {"type": "Template", "template": template}
        else:
            content |= {"type": "Text", "data": {"message": message.body}}
        return SendResult(message.local_id, provider_id=_message_id(self._client.post(_PATH, json=content)))


_PATH = "v1/public/message/"


def _message_id(response: httpx.Response) -> str:
    """Return the number of an accepted message. Raises the typed error of any other answer."""
    answer = read_object(response)
    if not response.is_success:
        raise error_for_status(response, text_of(answer.get("message")))
    if answer.get("result") is not True:
        raise PermanentError("refused", code="result")
    provider_id = text_of(answer.get("id"))
    if not provider_id:
        raise UnknownOutcomeError("answer without a number", code="entry")
    return provider_id[:200]


def _report(row: Mapping[str, Any]) -> DeliveryReport | None:
    kind = text_of(row.get("type"))
    prefix = next((one for one in _REPORTS if kind.startswith(one)), None)
    provider_id = text_of(part(row, "data", "message", "id"))[:200]
    state = _STATES.get(kind.removeprefix(prefix)) if prefix else None
    if state is None or not provider_id:
        return None
    word = kind.removeprefix(prefix or "")
    code = part(row, "data", "message", "channel_error_code")
    ours = part(row, "data", "message", "meta_data", "source_data", "callback_data")
    return DeliveryReport(
        provider_id,
        state,
        status=str(code)[:20] if word == "failed" and code else word,
        local_id=local_id(ours),
        is_read=word == "read",
    )


def _inbound(row: Mapping[str, Any], line: str) -> InboundText | None:
    if row.get("type") != "message_received":
        return None
    provider_id = text_of(part(row, "data", "message", "id"))[:200]
    sender = with_plus(part(row, "data", "customer", "channel_phone_number"))
    if not provider_id or not sender:
        return None
    return InboundText(provider_id, sender, line, text_of(part(row, "data", "message", "message")))
