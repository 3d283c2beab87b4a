"""Kavenegar (https://api.kavenegar.com/v1/{key}/{scope}/{method}.json).

The key is part of the path, so a full URL never reaches a log line or an error text.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import urlsplit

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
    Doubtful,
    Gateway,
    GatewayConfig,
    GatewayError,
    InboundText,
    OutgoingMessage,
    PermanentError,
    RetryableError,
    SendResult,
    StatusResult,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.kavenegar.codes import OK, delivery_state, error_for, is_splittable

DEFAULT_BASE_URL = "https://api.kavenegar.com/v1"
BATCH = 200
STATUS_BATCH = 500
LOCAL_ID_WINDOW = 12 * 3600
RECEIVE_BATCH = 100
OPTED_OUT = 2  # reason of a block: the guest sent «لغو۱۱»
BLOCKED_PAGES = 500
# Splitting gives up after this many lone texts were refused with none accepted in between: then the fault is
# in the account, not in the texts, and the rest goes back to the queue untouched.
REFUSALS_BEFORE_GIVING_UP = 4
CONNECT_PAUSE = 15  # seconds of rest when nobody answers at all

_TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)
_LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8, keepalive_expiry=15.0)
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class _DropUrls(logging.Filter):
    """httpx and httpcore print full URLs, and ours hold the key: only warnings may pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_DropUrls())


class KavenegarGateway(Gateway):
    """Adapter for one account. Safe to share between threads, not across a fork."""

    name: ClassVar[str] = "kavenegar"
    label: ClassVar[str | Promise] = _("Kavenegar")
    has_templates: ClassVar[bool] = True
    batch_size: ClassVar[int] = BATCH
    status_batch_size: ClassVar[int] = STATUS_BATCH
    local_id_is_idempotent: ClassVar[bool] = True
    local_id_window: ClassVar[int] = LOCAL_ID_WINDOW

    def __init__(self, config: GatewayConfig, *, timeout: httpx.Timeout | float | None = None) -> None:
        super().__init__(config)
        base_url = (config.base_url or DEFAULT_BASE_URL).rstrip("/")
        self._root = base_url if base_url.endswith("/v1") else f"{base_url}/v1"
        local = urlsplit(self._root).hostname in {"127.0.0.1", "localhost", "::1"}
        self._client = httpx.Client(timeout=timeout or _TIMEOUT, limits=_LIMITS, trust_env=not local)

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
        results: list[SendResult] = []
        stack = self._groups(messages)[::-1]
        refusals = 0
        while stack:
            chunk = stack.pop()
            try:
                results += self._call_send(chunk)
                refusals = 0
                continue
            except GatewayError as caught:
                error = caught
            if is_splittable(error) and len(chunk) > 1 and refusals < REFUSALS_BEFORE_GIVING_UP:
                middle = len(chunk) // 2
                stack += [chunk[middle:], chunk[:middle]]
            elif isinstance(error, PermanentError) and len(chunk) == 1:
                results += _with_error(chunk, error)
                refusals += 1
            else:
                rest = [message for group in reversed(stack) for message in group]
                own = _deferred(error) if isinstance(error, PermanentError) else error
                return results + _with_error(chunk, own) + _with_error(rest, _deferred(error))
        return results

    @staticmethod
    def _groups(messages: Sequence[OutgoingMessage]) -> list[list[OutgoingMessage]]:
        """Texts that can share a call: one body (sms/send), or any bodies when every text names its line."""
        if not messages:
            return []
        if len({(message.body, message.sender) for message in messages}) == 1:
            return [list(messages)]
        with_sender = [message for message in messages if message.sender]
        groups: dict[str, list[OutgoingMessage]] = {}
        for message in messages:
            if not message.sender:
                groups.setdefault(message.body, []).append(message)
        return ([with_sender] if with_sender else []) + list(groups.values())

    def _call_send(self, chunk: list[OutgoingMessage]) -> list[SendResult]:
        first = chunk[0]
        if all(message.body == first.body and message.sender == first.sender for message in chunk):
            form = {
                "receptor": ",".join(receptor(message.recipient) for message in chunk),
                "message": first.body,
                "localid": ",".join(str(message.local_id) for message in chunk),
            }
            if first.sender:
                form["sender"] = first.sender
            entries = self._call("sms/send", form)
        else:
            form = {
                "receptor": json.dumps([receptor(message.recipient) for message in chunk]),
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
        form = {"receptor": receptor(recipient), "template": template, "type": kind, **tokens}
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
        """Fates by localid of messages whose outcome is unknown."""
        return self.status_by_local_id([message.local_id for message in messages])

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
            credit=_decimal(entry.get("remaincredit")) or Decimal(0),
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
        url = f"{self._root}/{self._config.api_key}/{method}.json"
        try:
            response = self._client.post(url, data=form)
        except _NOTHING_SENT as error:
            text = f"no connection: {type(error).__name__}"
            raise RetryableError(text, code="connect", pause=CONNECT_PAUSE) from None
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(f"no answer: {type(error).__name__}", code="transport") from None
        except (httpx.InvalidURL, UnicodeError):
            raise AuthError("base URL or key is malformed", code="url") from None
        return _read(response)


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


def _reports(row: Mapping[str, Any]) -> list[DeliveryReport]:
    status = str(row.get("status") or "")
    ids = str(row.get("messageid") or "").split(",")[:STATUS_BATCH]
    return [DeliveryReport(key.strip(), delivery_state(status), status) for key in ids]


def _inbound(row: Mapping[str, Any]) -> InboundText | None:
    sender = str(row.get("from") or row.get("sender") or "")
    receiver = str(row.get("to") or row.get("receptor") or "")
    body = str(row.get("message") or "").replace("\x00", "")
    if not sender:
        return None
    content = hashlib.sha256("\n".join([sender, receiver, body]).encode()).hexdigest()
    return InboundText(str(row.get("messageid") or content), sender, receiver, body)


def _with_error(messages: Sequence[OutgoingMessage], error: GatewayError) -> list[SendResult]:
    return [SendResult(message.local_id, error=error) for message in messages]


def _deferred(error: GatewayError) -> GatewayError:
    """The error of texts that were held back because of another text's ``error``: surely not sent."""
    if isinstance(error, PermanentError | UnknownOutcomeError):
        return RetryableError(error.text, code=error.code)
    return error


def _match(chunk: list[OutgoingMessage], entries: list[dict[str, Any]]) -> list[SendResult]:
    """Pair entries with texts: by localid if echoed, else by position as long as the numbers agree. A text
    without its entry has an unknown outcome."""
    by_local = {str(entry["localid"]): entry for entry in entries if entry.get("localid")}
    same_order = len(entries) == len(chunk) and all(
        _tail(entry.get("receptor")) == _tail(message.recipient)
        for entry, message in zip(entries, chunk, strict=True)
    )
    by_number: dict[str, list[dict[str, Any]]] = {}
    if not same_order:
        for answer in entries:
            by_number.setdefault(_tail(answer.get("receptor")), []).append(answer)
    results = []
    entry: dict[str, Any] | None
    for index, message in enumerate(chunk):
        entry = by_local.get(str(message.local_id))
        if entry is None and not by_local:
            same_number = by_number.get(_tail(message.recipient)) or []
            lone = same_number[0] if len(same_number) == 1 else None
            entry = entries[index] if same_order else lone
        results.append(_send_result(message.local_id, entry))
    return results


def _send_result(local_id: int, entry: dict[str, Any] | None) -> SendResult:
    provider_id = str(entry.get("messageid") or "") if entry else ""
    if entry is None or provider_id in {"", "0"}:
        return SendResult(local_id, error=UnknownOutcomeError("no entry for this text", code="entry"))
    return SendResult(
        local_id,
        provider_id=provider_id,
        state=delivery_state(entry.get("status")),
        status=str(entry.get("status") or ""),
        cost=_decimal(entry.get("cost")),
    )


def _status_result(entry: dict[str, Any]) -> StatusResult:
    local_id = str(entry.get("localid") or "")
    return StatusResult(
        state=delivery_state(entry.get("status")),
        status=str(entry.get("status") or ""),
        provider_id=str(entry.get("messageid") or ""),
        local_id=int(local_id) if local_id.isascii() and local_id.isdigit() else None,
    )


def receptor(recipient: str) -> str:
    """E.164 in the form Kavenegar prints: 09… for Iran, 00<country>… for the rest."""
    digits = recipient.lstrip("+")
    return f"0{digits[2:]}" if digits.startswith("98") else f"00{digits}"


def _tail(number: object) -> str:
    return str(number or "")[-9:]


def _decimal(value: object) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(value)), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
