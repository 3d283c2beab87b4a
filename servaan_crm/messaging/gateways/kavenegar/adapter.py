"""Kavenegar (https://api.kavenegar.com/v1/{key}/{scope}/{method}.json).

The key is part of the path, so a full URL never reaches a log line or an error text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    CallbackCall,
    CallbackContent,
    DeliveryReport,
    DeliveryState,
    Doubtful,
    Gateway,
    GatewayConfig,
    GatewayError,
    InboundText,
    OutgoingMessage,
    SendResult,
    StatusResult,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.batches import (
    Chunk,
    decimal,
    domestic,
    match_entries,
    send_in_parts,
)
from servaan_crm.messaging.gateways.http import HttpClient
from servaan_crm.messaging.gateways.kavenegar.codes import OK, delivery_state, error_for, is_splittable
from servaan_crm.messaging.gateways.reading import storable

DEFAULT_BASE_URL = "https://api.kavenegar.com/v1"
BATCH = 200
STATUS_BATCH = 500
LOCAL_ID_WINDOW = 12 * 3600
RECEIVE_BATCH = 100
_PLAIN_TOKENS = ("token", "token2", "token3")
_SPACED_TOKENS = ("token10", "token20")
_TOKENS = frozenset(_PLAIN_TOKENS + _SPACED_TOKENS)
OPTED_OUT = 2  # reason of a block: the guest sent «لغو۱۱»
BLOCKED_PAGES = 500


class KavenegarGateway(Gateway):
    """Adapter for one account. Safe to share between threads, not across a fork."""

    name: ClassVar[str] = "kavenegar"
    label: ClassVar[str | Promise] = _("Kavenegar")
    currency: ClassVar[str] = "IRR"
    has_templates: ClassVar[bool] = True
    callback_kinds: ClassVar[tuple[str, ...]] = ("status", "receive")
    batch_size: ClassVar[int] = BATCH
    status_batch_size: ClassVar[int] = STATUS_BATCH
    local_id_is_idempotent: ClassVar[bool] = True
    local_id_window: ClassVar[int] = LOCAL_ID_WINDOW

    def __init__(self, config: GatewayConfig, *, timeout: httpx.Timeout | float | None = None) -> None:
        super().__init__(config)
        base_url = (config.base_url or DEFAULT_BASE_URL).rstrip("/")
        self._root = base_url if base_url.endswith("/v1") else f"{base_url}/v1"
        self._client = HttpClient(self._root, timeout=timeout)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    # -- sending ---------------------------------------------------------------------------------------------

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 200 texts, each under its ``local_id``; every text gets a result, errors included.

        A refusal caused by single texts is traced by splitting the batch; repeating parts of it is safe because
        an existing localid is never sent again. Any other error (no connection, credit, key, throttling, no
        answer) ends the batch: what was not tried yet comes back as not sent.
        """
        return send_in_parts(self._groups(messages), self._call_send, is_splittable=is_splittable)

    @staticmethod
    def _groups(messages: Sequence[OutgoingMessage]) -> list[list[OutgoingMessage]]:
        """Texts that can share a call: one body (sms/send), or any bodies when every text names its line. Each filled
        template is a call of its own."""
        templates = [[message] for message in messages if message.template]
        messages = [message for message in messages if not message.template]
        if not messages:
            return templates
        if len({(message.body, message.sender) for message in messages}) == 1:
            return [*templates, list(messages)]
        with_sender = [message for message in messages if message.sender]
        groups: dict[str, list[OutgoingMessage]] = {}
        for message in messages:
            if not message.sender:
                groups.setdefault(message.body, []).append(message)
        return [*templates, *([with_sender] if with_sender else []), *groups.values()]

    def _call_send(self, chunk: list[OutgoingMessage]) -> list[SendResult]:
        first = chunk[0]
        if first.template:
            result = self.lookup(first.recipient, first.template, tokens_of(first.values))
            return [replace(result, local_id=first.local_id)]
        if all(message.body == first.body and message.sender == first.sender for message in chunk):
            form = {
                "receptor": ",".join(domestic(message.recipient) for message in chunk),
                "message": first.body,
                "localid": ",".join(str(message.local_id) for message in chunk),
            }
            if first.sender:
                form["sender"] = first.sender
            entries = self._call("sms/send", form)
        else:
            form = {
                "receptor": json.dumps([domestic(message.recipient) for message in chunk]),
                "sender": json.dumps([message.sender for message in chunk]),
                "message": json.dumps([message.body for message in chunk], ensure_ascii=False),
                "localmessageids": json.dumps([message.local_id for message in chunk]),
            }
            entries = self._call("sms/sendarray", form)
        return _match(chunk, entries)

    def lookup(
        self, recipient: str, template: str, tokens: dict[str, str], *, kind: str = "sms"
    ) -> SendResult:
        """Send a verification template (``verify/lookup``). ``tokens`` maps token, token2, token3, token10,
        token20 to values; the first three may not hold spaces. There is no localid here: an unknown outcome
        must not be repeated blindly."""
        form = {"receptor": domestic(recipient), "template": template, "type": kind, **tokens}
        entries = self._call("verify/lookup", form)
        if not entries:
            raise UnknownOutcomeError("lookup answered without an entry")
        return _send_result(0, entries[0])

    def cancel(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Cancel scheduled messages (``sms/cancel``); returns their new states."""
        entries = self._call("sms/cancel", {"messageid": ",".join(provider_ids)})
        return {result.provider_id: result for result in map(_status_result, entries)}

    # -- asking ----------------------------------------------------------------------------------------------

    def status_by_provider_id(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Fates by messageid (≤ 500, last 48 hours)."""
        if not provider_ids:
            return {}
        entries = self._call("sms/status", {"messageid": ",".join(provider_ids)})
        return {result.provider_id: result for result in map(_status_result, entries)}

    def find(self, messages: Sequence[Doubtful]) -> dict[int, StatusResult]:
        """Fates by localid of messages whose outcome is unknown; their costs where the account may ask."""
        found = self.status_by_local_id([message.local_id for message in messages])
        costs = self._costs([result.provider_id for result in found.values() if result.provider_id])
        return {key: replace(result, cost=costs.get(result.provider_id)) for key, result in found.items()}

    def _costs(self, provider_ids: Sequence[str]) -> dict[str, Decimal | None]:
        """Costs by messageid (``sms/select``, ≤ 500). Lines without a fixed address of ours are refused: no costs."""
        if not provider_ids:
            return {}
        try:
            entries = self._call("sms/select", {"messageid": ",".join(provider_ids)})
        except GatewayError:
            return {}
        return {str(entry.get("messageid")): decimal(entry.get("cost")) for entry in entries}

    def status_by_local_id(self, local_ids: Sequence[int]) -> dict[int, StatusResult]:
        """Fates by localid (≤ 500, last 12 hours); ids the provider does not know are absent."""
        if not local_ids:
            return {}
        entries = self._call("sms/statuslocalmessageid", {"localid": ",".join(map(str, local_ids))})
        found = {}
        for result in map(_status_result, entries):
            known = result.state is not DeliveryState.UNKNOWN or result.provider_id not in {"", "0"}
            if result.local_id is not None and known:
                found[result.local_id] = result
        return found

    def account_info(self) -> AccountInfo:
        """Remaining credit (rial), expiry and type of the account."""
        entries = self._call("account/info", {})
        entry = entries[0] if entries else {}
        return AccountInfo(
            credit=decimal(entry.get("remaincredit")) or Decimal(0),
            expires_at=_time(entry.get("expiredate")),
            kind=str(entry.get("type") or ""),
        )

    def receive(self) -> list[InboundText]:
        """Inbound texts of the account's line since the last time, up to 1,000; reading marks them as read."""
        found: list[InboundText] = []
        while self._config.sender and len(found) < 10 * RECEIVE_BATCH:
            batch = self.receive_line(self._config.sender)
            found += batch
            if len(batch) < RECEIVE_BATCH:
                break
        return found

    def receive_line(self, line: str, *, is_read: bool = False) -> list[InboundText]:
        """Inbound texts of a line. ``is_read=False`` marks what it returns as read, 100 a call: call again
        while a call returns 100."""
        entries = self._call("sms/receive", {"linenumber": line, "isread": "1" if is_read else "0"})
        return [
            InboundText(
                provider_id=str(entry.get("messageid") or ""),
                sender=str(entry.get("sender") or ""),
                receiver=str(entry.get("receptor") or line),
                body=str(entry.get("message") or ""),
                received_at=_time(entry.get("date")),
            )
            for entry in entries
        ]

    def blocked_numbers(self) -> list[str]:
        """Everybody who answered «لغو۱۱» to the account's line."""
        found: list[str] = []
        page = 1
        while self._config.sender and page <= BLOCKED_PAGES:
            batch = self.blocked_on_line(self._config.sender, reason=OPTED_OUT, page=page)
            found += batch
            if not batch:
                break
            page += 1
        return found

    def blocked_on_line(self, line: str, *, reason: int | None = None, page: int = 1) -> list[str]:
        """One page of the numbers blocked on a line (``reason`` 2 = «لغو۱۱»), as the provider writes them."""
        form = {"linenumber": line, "pagenumber": str(page)}
        if reason is not None:
            form["blockreason"] = str(reason)
        entries = self._call("line/blocked/list", form)
        # The field name of the number is unsourced: accept the spellings seen.
        numbers = (entry.get("number") or entry.get("receptor") or entry.get("mobile") for entry in entries)
        return [str(number) for number in numbers if number]

    # -- being called ----------------------------------------------------------------------------------------

    def read_callback(self, kind: str, call: CallbackCall) -> CallbackContent:
        """``status``: messageid (several separated by commas), status. ``receive``: messageid, from or sender, to or
        receptor, message. A text without a number of its own gets one made of its content."""
        if kind == "status":
            return CallbackContent(reports=[report for row in call.rows for report in _reports(row)])
        return CallbackContent(inbound=[text for row in call.rows if (text := _inbound(row)) is not None])

    # -- transport -------------------------------------------------------------------------------------------

    def _call(self, method: str, form: dict[str, str]) -> list[dict[str, Any]]:
        return _read(self._client.post(f"{self._config.api_key}/{method}.json", data=form))


def _read(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the entries, or raise the typed error. The code is looked for in both places."""
    try:
        payload = response.json()
        head = payload["return"]
        code, message = int(head["status"]), str(head.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        if response.status_code < 500 and response.status_code != OK:
            raise error_for(response.status_code, "") from None
        raise UnknownOutcomeError("answer is not readable", code=str(response.status_code)) from None
    if code == OK:
        code = response.status_code
    if code != OK:
        raise error_for(code, message)
    entries = payload.get("entries")
    if isinstance(entries, dict):
        entries = [entries]
    return [entry for entry in entries or [] if isinstance(entry, dict)]


def tokens_of(values: Mapping[str, str]) -> dict[str, str]:
    """A template's values as its tokens. Those named like a token are taken as they are; the others go, in order,
    to token, token2, token3 when they hold no space, else to token10, token20; what finds no place is left out."""
    tokens = {key: " ".join(str(value).split()) for key, value in values.items() if key in _TOKENS}
    for key in _PLAIN_TOKENS:
        if key in tokens:  # a space is refused there; a joiner keeps the words apart
            tokens[key] = tokens[key].replace(" ", "\u200c")
    for key, value in values.items():
        if key in _TOKENS:
            continue
        text = " ".join(str(value).split())
        names = _SPACED_TOKENS if " " in text else _PLAIN_TOKENS
        free = next((name for name in names if name not in tokens), None)
        if free and text:
            tokens[free] = text
    return tokens


def _reports(row: Mapping[str, Any]) -> list[DeliveryReport]:
    status = str(row.get("status") or "")
    ids = str(row.get("messageid") or "").split(",")[:STATUS_BATCH]
    return [DeliveryReport(key.strip(), delivery_state(status), status) for key in ids]


def _inbound(row: Mapping[str, Any]) -> InboundText | None:
    sender = storable(str(row.get("from") or row.get("sender") or ""))
    receiver = storable(str(row.get("to") or row.get("receptor") or ""))
    body = storable(str(row.get("message") or ""))
    if not sender:
        return None
    content = hashlib.sha256("\n".join([sender, receiver, body]).encode()).hexdigest()
    return InboundText(str(row.get("messageid") or content), sender, receiver, body)


def _match(chunk: Chunk, entries: Sequence[Mapping[str, Any]]) -> list[SendResult]:
    """Pair entries with texts. A text without its entry has an unknown outcome."""
    pairs = zip(chunk, match_entries(chunk, entries, number="receptor", local_id="localid"), strict=True)
    return [_send_result(message.local_id, entry) for message, entry in pairs]


def _send_result(local_id: int, entry: Mapping[str, Any] | None) -> SendResult:
    provider_id = str(entry.get("messageid") or "") if entry else ""
    if entry is None or provider_id in {"", "0"}:
        return SendResult(local_id, error=UnknownOutcomeError("no entry for this text", code="entry"))
    return SendResult(
        local_id,
        provider_id=provider_id,
        state=delivery_state(entry.get("status")),
        status=str(entry.get("status") or ""),
        cost=decimal(entry.get("cost")),
    )


def _status_result(entry: dict[str, Any]) -> StatusResult:
    local_id = str(entry.get("localid") or "")
    return StatusResult(
        state=delivery_state(entry.get("status")),
        status=str(entry.get("status") or ""),
        provider_id=str(entry.get("messageid") or ""),
        local_id=int(local_id) if local_id.isascii() and local_id.isdigit() else None,
    )


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(value)), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
