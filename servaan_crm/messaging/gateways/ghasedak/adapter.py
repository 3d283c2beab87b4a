"""Ghasedak (https://gateway.ghasedak.me/rest/api/v1/WebService/<method>, key in the header ApiKey).

Every text carries our number as clientReferenceId and can be asked for by it. Nothing is documented about sending
one number twice, so it counts as no protection: an unknown outcome is asked about first. SendBulkSMS has one
clientReferenceId for the whole call and is therefore not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    Doubtful,
    ErrorKind,
    Gateway,
    GatewayConfig,
    GatewayError,
    InboundText,
    OutgoingMessage,
    SendResult,
    StatusResult,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.batches import Chunk, decimal, domestic, match_entries, send_in_parts
from servaan_crm.messaging.gateways.ghasedak.codes import OK, delivery_state, error_for
from servaan_crm.messaging.gateways.http import HttpClient, read_object
from servaan_crm.messaging.gateways.listing import CANNOT_TELL, SETTLE

DEFAULT_BASE_URL = "https://gateway.ghasedak.me/rest/api/v1/WebService"
BATCH = 100
STATUS_BATCH = 100
FIND_WINDOW = 24 * 3600  # for how long a reference is kept is unsourced
BY_ID, BY_REFERENCE = 1, 2

Row = Mapping[str, Any]


class GhasedakGateway(Gateway):
    """Adapter for one account. Safe to share between threads, not across a fork."""

    name: ClassVar[str] = "ghasedak"
    label: ClassVar[str | Promise] = _("Ghasedak")
    countries: ClassVar[frozenset[str]] = frozenset({"IR"})
    currency: ClassVar[str] = "IRR"
    needs_sender: ClassVar[bool] = True
    has_templates: ClassVar[bool] = True
    template_has_local_id: ClassVar[bool] = True
    batch_size: ClassVar[int] = BATCH
    status_batch_size: ClassVar[int] = STATUS_BATCH
    local_id_window: ClassVar[int] = FIND_WINDOW
    absence_is_proof: ClassVar[bool] = True

    def __init__(self, config: GatewayConfig) -> None:
        super().__init__(config)
        base_url = config.base_url or DEFAULT_BASE_URL
        self._client = HttpClient(base_url, headers={"ApiKey": config.api_key})

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    # -- sending ---------------------------------------------------------------------------------------------

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 100 texts in one call, and one call for each filled template.

        A call is refused as a whole, so tracing a bad number by halving the batch doubles nothing.
        """
        plain = [message for message in messages if not message.template]
        filled = [[message] for message in messages if message.template]
        return send_in_parts([*filled, plain], self._send)

    def _send(self, chunk: Chunk) -> list[SendResult]:
        first = chunk[0]
        if first.template:
            data = self._call("POST", "SendOtpSMS", json=_template(first))
        elif len(chunk) == 1:
            data = self._call("POST", "SendSingleSMS", json={**self._item(first), "udh": False})
        else:
            items = [self._item(message) for message in chunk]
            data = self._call("POST", "SendPairToPairSMS", json={"items": items, "udh": False})
        rows = _rows(data)
        if len(chunk) == 1 and len(rows) == 1:
            return [_sent(first, rows[0])]
        # Whether the answer repeats our numbers is unsourced.
        pairs = match_entries(chunk, rows, number="receptor", local_id="clientreferenceid")
        return [_sent(message, row) for message, row in zip(chunk, pairs, strict=True)]

    def _item(self, message: OutgoingMessage) -> dict[str, str]:
        return {
            "lineNumber": message.sender or self._config.sender,
            "receptor": domestic(message.recipient),
            "message": message.body,
            "clientReferenceId": str(message.local_id),
        }

    # -- asking ----------------------------------------------------------------------------------------------

    def status_by_provider_id(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Fates by messageId, up to 100 a call."""
        fates = [_fate(row) for row in self._statuses(provider_ids, BY_ID)]
        return {fate.provider_id: fate for fate in fates if fate.provider_id}

    def find(self, messages: Sequence[Doubtful]) -> dict[int, StatusResult]:
        """Fates by clientReferenceId. The documents advise against asking right after sending, so only a text
        that is still missing two minutes later counts as not sent."""
        try:
            rows = self._statuses([str(message.local_id) for message in messages], BY_REFERENCE)
        except GatewayError as error:
            if error.kind is not ErrorKind.PERMANENT and error.code != "404":
                raise
            # Whether this is its way of saying "none of them" is unsourced: proves nothing.
            return {message.local_id: CANNOT_TELL for message in messages if _is_recent(message, FIND_WINDOW)}
        fates = [_fate(row) for row in rows]
        found = {fate.local_id: fate for fate in fates if fate.local_id is not None and fate.provider_id}
        settle = SETTLE.total_seconds()
        young = {message.local_id: CANNOT_TELL for message in messages if _is_recent(message, settle)}
        return {**young, **found}

    def _statuses(self, ids: Sequence[str], kind: int) -> list[Row]:
        if not ids:
            return []
        return _rows(self._call("GET", "CheckSmsStatus", params={"Ids": ",".join(ids), "Type": kind}))

    def account_info(self) -> AccountInfo:
        """Credit (rial), the plan and its end."""
        data = self._call("GET", "GetAccountInformation")
        row = data if isinstance(data, dict) else {}
        return AccountInfo(
            credit=decimal(row.get("credit")),
            expires_at=_moment(row.get("expiredate")),
            kind=str(row.get("plan") or ""),
        )

    def receive(self) -> list[InboundText]:
        """The unread texts of guests on the account's line, at most 100 a call."""
        if not self._config.sender:
            return []
        query = {"LineNumber": self._config.sender, "IsRead": "false"}
        rows = _rows(self._call("GET", "GetReceivedSmses", params=query))
        return [_inbound(row) for row in rows if row.get("sender")]

    # -- transport -------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, **content: Any) -> Any:
        response = self._client.request(method, path, **content)
        # Names begin with a capital in some answers and examples.
        payload = _lower(read_object(response))
        try:
            code = int(payload["statuscode"])
        except (KeyError, TypeError, ValueError):
            code = response.status_code
        if code == OK:
            code = response.status_code
        if payload.get("issuccess") is not True or code != OK:
            # "No success" under 200 says nothing about what was done.
            raise error_for(code, payload.get("message"), response)
        return payload.get("data")


def _template(message: OutgoingMessage) -> dict[str, Any]:
    receptor = {"mobile": domestic(message.recipient), "clientReferenceId": str(message.local_id)}
    inputs = [{"param": name, "value": value} for name, value in message.values.items()]
    return {"receptors": [receptor], "templateName": message.template, "inputs": inputs, "udh": False}


def _lower(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).lower(): _lower(part) for key, part in value.items()}
    return [_lower(part) for part in value] if isinstance(value, list) else value


def _rows(data: Any) -> list[Row]:
    """The rows of an answer: a list, a list under items or receptors, or one row."""
    if isinstance(data, dict):
        data = data.get("items") or data.get("receptors") or [data]
    rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
    return [{**row, "receptor": row.get("receptor") or row.get("mobile")} for row in rows]


def _sent(message: OutgoingMessage, row: Row | None) -> SendResult:
    key = str(row.get("messageid") or "") if row else ""
    if row is None or key in {"", "0"}:
        return SendResult(message.local_id, error=UnknownOutcomeError("no entry for this text", code="entry"))
    return SendResult(message.local_id, provider_id=key, cost=decimal(row.get("cost")))


def _fate(row: Row) -> StatusResult:
    status, reference = row.get("status"), str(row.get("clientreferenceid") or "")
    return StatusResult(
        state=delivery_state(status),
        status="" if status is None else str(status),
        provider_id=str(row.get("messageid") or ""),
        local_id=int(reference) if reference.isascii() and reference.isdigit() else None,
        cost=decimal(row.get("price")),
    )


def _inbound(row: Row) -> InboundText:
    return InboundText(
        provider_id=str(row.get("id") or ""),
        sender=str(row["sender"]),
        receiver=str(row.get("linenumber") or ""),
        body=str(row.get("message") or "").replace("\x00", ""),
        received_at=_moment(row.get("receivedate")),
    )


def _is_recent(message: Doubtful, seconds: float) -> bool:
    return datetime.now(UTC) - message.at < timedelta(seconds=seconds)


def _moment(value: object) -> datetime | None:
    """A date with its zone; without one it says too little to be used."""
    try:
        moment = datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
