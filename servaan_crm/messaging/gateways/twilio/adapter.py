"""Twilio (https://api.twilio.com/2010-04-01/Accounts/{sid}/…, Basic authentication by sid and auth token).

One recipient a call and no number of ours: a few calls run side by side, few enough for a batch to end before its
claim is given up. A message is a record at Twilio before the call is answered, so the list of messages to a number
tells whether one of unknown outcome was taken: what it lacks two minutes later was not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit, urlunsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    CallbackCall,
    CallbackContent,
    DeliveryReport,
    Doubtful,
    Gateway,
    GatewayConfig,
    GatewayError,
    InboundText,
    OutgoingMessage,
    SendResult,
    Setting,
    StatusResult,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.batches import ask_each, decimal
from servaan_crm.messaging.gateways.http import HttpClient, error_for_status, read_object
from servaan_crm.messaging.gateways.listing import Listed, find_listed, since
from servaan_crm.messaging.gateways.singles import send_each
from servaan_crm.messaging.gateways.twilio.codes import delivery_state, error_for

DEFAULT_BASE_URL = "https://api.twilio.com"
BATCH = 50
WORKERS = 5
STATUS_BATCH = 20
PAGE = 100
PAGES = 5  # more messages than this to one guest are not read
FIND_WINDOW = 24 * 3600
_WHATSAPP = "whatsapp:"


class TwilioGateway(Gateway):
    """Adapter for one account. Safe to share between threads, not across a fork."""

    name: ClassVar[str] = "twilio"
    label: ClassVar[str | Promise] = _("Twilio")
    channels: ClassVar[frozenset[str]] = frozenset({"sms", "whatsapp"})
    countries: ClassVar[frozenset[str]] = frozenset({"-IR"})
    currency: ClassVar[str] = "USD"  # what nearly all accounts are charged in
    has_templates: ClassVar[bool] = True
    template_has_local_id: ClassVar[bool] = True
    callback_kinds: ClassVar[tuple[str, ...]] = ("status", "receive")
    hands_over_callback: ClassVar[bool] = True
    batch_size: ClassVar[int] = BATCH
    status_batch_size: ClassVar[int] = STATUS_BATCH
    local_id_window: ClassVar[int] = FIND_WINDOW
    absence_is_proof: ClassVar[bool] = True
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("account_sid", _("Account SID"), help_text=_("On the first page of Twilio's console: AC…")),
        Setting(
            "messaging_service_sid",
            _("Messaging service SID"),
            is_required=False,
            help_text=_("MG…; then Twilio chooses the number, and the sender may stay empty."),
        ),
        Setting(
            "status_callback",
            _("Address for delivery reports"),
            is_required=False,
            help_text=_("Leave empty: then the address of this account goes along with every message."),
        ),
    )

    def __init__(self, config: GatewayConfig) -> None:
        super().__init__(config)
        sid = config.option("account_sid").strip()
        base_url = (config.base_url or DEFAULT_BASE_URL).rstrip("/")
        root = f"{base_url}/2010-04-01/Accounts/{quote(sid, safe='')}"
        self._client = HttpClient(root, auth=(sid, config.api_key.strip()))

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    # -- sending ---------------------------------------------------------------------------------------------

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 50 messages, five at a time. After an error that is not about a single message no further
        call begins, and none after a minute: what was not tried comes back as surely not sent."""
        return send_each(messages, self._send, workers=WORKERS)

    def _send(self, message: OutgoingMessage) -> SendResult:
        form = {"To": _address(message.channel, message.recipient), **self._from(message)}
        if message.template:
            # Templates of the console (HX…) have numbered places.
            places = {str(place): value for place, value in enumerate(message.values.values(), start=1)}
            form["ContentSid"] = message.template
            form["ContentVariables"] = json.dumps(places, ensure_ascii=False)
        else:
            form["Body"] = message.body
        if callback := self._config.option("status_callback", self._config.callback_url):
            form["StatusCallback"] = callback
        row = self._call("POST", "Messages.json", data=form)
        if not row.get("sid"):
            raise UnknownOutcomeError("accepted without an id", code="entry")
        fate = _fate(row)
        return SendResult(
            message.local_id,
            provider_id=fate.provider_id,
            state=fate.state,
            status=fate.status,
            cost=fate.cost,
        )

    def _from(self, message: OutgoingMessage) -> dict[str, str]:
        service = self._config.option("messaging_service_sid")
        if service:
            return {"MessagingServiceSid": service}
        return {"From": _address(message.channel, message.sender or self._config.sender)}

    # -- asking ----------------------------------------------------------------------------------------------

    def status_by_provider_id(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Fates by message SID, one call each."""
        return ask_each(provider_ids, self._fate_of, at_once=WORKERS)

    def _fate_of(self, key: str) -> StatusResult | None:
        try:
            return _fate(self._call("GET", f"Messages/{quote(key, safe='')}.json"))
        except GatewayError as error:
            if error.code != "20404":  # here it means this message, not the account
                raise
            return None

    def find(self, messages: Sequence[Doubtful]) -> dict[int, StatusResult]:
        """Look doubtful messages up in the list of messages to their numbers.

        The list is read newest first instead of being narrowed by DateSent: a message that still waits has no
        date of sending, and would be missing.
        """
        by_number: dict[str, list[Doubtful]] = {}
        for message in messages:
            by_number.setdefault(message.recipient, []).append(message)
        now, window = datetime.now(UTC), timedelta(seconds=self.local_id_window)
        found: dict[int, StatusResult] = {}
        for recipient, group in by_number.items():
            rows, is_complete = self._sent_to(recipient, since(group))
            found |= find_listed(group, rows, complete=is_complete, now=now, window=window)
        return found

    def _sent_to(self, recipient: str, start: datetime) -> tuple[list[Listed], bool]:
        query = {"To": _address(self._config.channel, recipient), "PageSize": str(PAGE)}
        listed: list[Listed] = []
        for page in range(PAGES):
            data = self._call("GET", "Messages.json", params={**query, "Page": str(page)})
            rows = [row for row in data.get("messages") or [] if isinstance(row, dict)]
            listed += [
                _listed(row) for row in rows if not str(row.get("direction", "")).startswith("inbound")
            ]
            oldest = min((moment for row in rows if (moment := _created(row))), default=None)
            if len(rows) < PAGE or (oldest and oldest < start):
                return listed, True
        return listed, False

    def account_info(self) -> AccountInfo:
        """Balance in the account's currency, which is Twilio's own (mostly US dollars)."""
        data = self._call("GET", "Balance.json")
        return AccountInfo(credit=decimal(data.get("balance")), kind=str(data.get("currency") or ""))

    # -- being called ----------------------------------------------------------------------------------------

    def verify(self, call: CallbackCall) -> bool:
        """Whether X-Twilio-Signature fits address, form and auth token."""
        given = call.headers.get("x-twilio-signature", "").encode()
        form = call.form if call.method == "POST" else {}
        fits = [
            hmac.compare_digest(signature(self._config.api_key.strip(), url, form).encode(), given)
            for url in _spellings(call.url)
        ]
        return any(fits)

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """``status``: MessageSid, MessageStatus, ErrorCode. ``receive``: MessageSid, From, To, Body.

        The answer is empty: Twilio would send any text of ours to the guest.
        """
        form = call.form if call.method == "POST" else call.query
        key = form.get("MessageSid") or form.get("SmsSid") or ""
        if not key:
            return CallbackContent(answer="")
        if kind == "status":
            status = form.get("MessageStatus") or form.get("SmsStatus") or ""
            state = delivery_state(status, form.get("ErrorCode"))
            report = DeliveryReport(key, state, status, is_read=status == "read")
            return CallbackContent(reports=[report], answer="")
        text = InboundText(
            provider_id=key,
            sender=form.get("From", "").removeprefix(_WHATSAPP),
            receiver=form.get("To", "").removeprefix(_WHATSAPP),
            body=form.get("Body", "").replace("\x00", ""),
        )
        return CallbackContent(inbound=[text] if text.sender else [], answer="")

    # -- transport -------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        response = self._client.request(method, path, **content)
        payload = read_object(response)
        if response.is_success:
            return payload
        try:
            code = int(payload.get("code") or 0)
        except (TypeError, ValueError):
            raise error_for_status(response) from None
        raise error_for(code, payload.get("message"), response)


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature of a call: base64 of HMAC-SHA1 over the address and the sorted fields."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _spellings(url: str) -> list[str]:
    """The address with and without its default port: Twilio has been seen to sign either."""
    parts = urlsplit(url)
    port = {"https": 443, "http": 80}.get(parts.scheme)
    host = parts.netloc.rsplit(":", 1)[0] if parts.netloc.endswith(f":{port}") else parts.netloc
    if port is None or (host == parts.netloc and ":" in host):
        return [url]
    return [urlunsplit(parts._replace(netloc=netloc)) for netloc in (host, f"{host}:{port}")]


def _address(channel: str, number: str) -> str:
    is_plain = channel != "whatsapp" or number.startswith(_WHATSAPP)
    return number if is_plain else f"{_WHATSAPP}{number}"


def _created(row: Mapping[str, Any]) -> datetime | None:
    try:
        moment = parsedate_to_datetime(str(row.get("date_created") or ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _fate(row: Mapping[str, Any]) -> StatusResult:
    """Prices are negative, and absent until the message was charged."""
    price = decimal(row.get("price"))
    return StatusResult(
        state=delivery_state(row.get("status"), row.get("error_code")),
        status=str(row.get("status") or ""),
        provider_id=str(row.get("sid") or ""),
        cost=None if price is None else abs(price),
    )


def _listed(row: Mapping[str, Any]) -> Listed:
    recipient = str(row.get("to") or "").removeprefix(_WHATSAPP)
    return Listed(recipient, str(row.get("body") or ""), _created(row), _fate(row))
