"""SMS.ir, version 1 of its service (https://api.sms.ir/v1, key in the header X-API-KEY).

It keeps no number of ours. A text whose outcome is unknown is looked for in the reports of sent texts, by number,
text and time; what a complete report lacks two minutes later was not taken, see ``listing``. How soon a report
shows a text is unsourced, hence the wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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
    PermanentError,
    SendResult,
    Setting,
    StatusResult,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.batches import (
    TEHRAN,
    Chunk,
    ask_each,
    decimal,
    domestic,
    from_unix,
    send_in_parts,
)
from servaan_crm.messaging.gateways.http import HttpClient, read_object
from servaan_crm.messaging.gateways.listing import Listed, find_listed, since
from servaan_crm.messaging.gateways.sms_ir.codes import OK, delivery_state, error_for
from servaan_crm.messaging.gateways.units import UNIT_PRICE, account_of, in_money

DEFAULT_BASE_URL = "https://api.sms.ir"
BATCH = 100
STATUS_BATCH = 500  # by the report of today, 100 a call
SINGLE = 20  # as many are asked for one by one, which is how the rest is asked
PAGE = 100
PAGES = 50  # a report longer than this is not read to its end
RECEIVE_BATCH = 100
FIND_WINDOW = 24 * 3600
_UNKNOWN_ID = 111
_BLOCKED = PermanentError("the number refuses advertising", code="7")


class SmsIrGateway(Gateway):
    """Adapter for one account. Safe to share between threads, not across a fork."""

    name: ClassVar[str] = "sms_ir"
    label: ClassVar[str | Promise] = _("SMS.ir")
    countries: ClassVar[frozenset[str]] = frozenset({"IR"})
    currency: ClassVar[str] = "IRR"
    needs_sender: ClassVar[bool] = True
    has_templates: ClassVar[bool] = True
    batch_size: ClassVar[int] = BATCH
    status_batch_size: ClassVar[int] = STATUS_BATCH
    local_id_window: ClassVar[int] = FIND_WINDOW
    absence_is_proof: ClassVar[bool] = True
    settings: ClassVar[tuple[Setting, ...]] = (UNIT_PRICE,)

    def __init__(self, config: GatewayConfig) -> None:
        super().__init__(config)
        base_url = (config.base_url or DEFAULT_BASE_URL).rstrip("/").removesuffix("/v1")
        self._client = HttpClient(f"{base_url}/v1", headers={"X-API-KEY": config.api_key})

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    # -- sending ---------------------------------------------------------------------------------------------

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 100 texts: one call for one text or for many, and one for each filled template.

        A call is refused as a whole, so tracing a bad number by halving the batch doubles nothing.
        """
        lines: dict[str, Chunk] = {}
        groups: list[Chunk] = [[message] for message in messages if message.template]
        for message in messages:
            if not message.template:
                lines.setdefault(message.sender or self._config.sender, []).append(message)
        return send_in_parts([*groups, *lines.values()], self._send)

    def _send(self, chunk: Chunk) -> list[SendResult]:
        first = chunk[0]
        if first.template:
            return [self._send_template(first)]
        form: dict[str, Any] = {
            "lineNumber": _number(first.sender or self._config.sender),
            "Mobiles": [domestic(message.recipient) for message in chunk],
            "SendDateTime": None,
        }
        if len({message.body for message in chunk}) == 1:
            data = self._call("POST", "send/bulk", json={**form, "MessageText": first.body})
        else:
            texts = [message.body for message in chunk]
            data = self._call("POST", "send/likeToLike", json={**form, "MessageTexts": texts})
        return self._read_sent(chunk, data)

    def _read_sent(self, chunk: Chunk, data: Any) -> list[SendResult]:
        """Ids stand in the order of the numbers; 0 is a number on the operator's blacklist, not charged."""
        ids = data.get("messageIds") if isinstance(data, dict) else None
        if not isinstance(ids, list) or len(ids) != len(chunk):
            raise UnknownOutcomeError("accepted without an id for each text", code="entry")
        sent = sum(1 for key in ids if _is_id(key))
        total = decimal(data.get("cost"))
        # One price for all of a call is all it tells; with texts of several lengths this is an average.
        each = None if total is None or not sent else round(total / sent, 4)
        return [
            self._result(message, key, each) if _is_id(key) else SendResult(message.local_id, error=_BLOCKED)
            for message, key in zip(chunk, ids, strict=True)
        ]

    def _send_template(self, message: OutgoingMessage) -> SendResult:
        if not message.template.isdigit():
            raise PermanentError("the template's number is not a number", code="113")
        form = {
            "Mobile": domestic(message.recipient),
            "TemplateId": int(message.template),
            "Parameters": [{"name": name, "value": value} for name, value in message.values.items()],
        }
        data = self._call("POST", "send/verify", json=form)
        key = data.get("messageId") if isinstance(data, dict) else None
        if not _is_id(key):
            raise UnknownOutcomeError("accepted without an id", code="entry")
        return self._result(message, key, decimal(data.get("cost")))

    def _result(self, message: OutgoingMessage, key: object, units: Decimal | None) -> SendResult:
        return SendResult(message.local_id, provider_id=str(key), cost=self._money(units))

    def _money(self, units: Decimal | None) -> Decimal | None:
        return in_money(units, self._config)

    # -- asking ----------------------------------------------------------------------------------------------

    def status_by_provider_id(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Fates by message id: many from the report of today, a few and the rest one by one.

        What neither tells in this turn is left out, and asked for in the next one.
        """
        found: dict[str, StatusResult] = {}
        if len(provider_ids) > SINGLE:
            wanted = set(provider_ids)
            for page in range(1, PAGES + 1):
                rows = self._page("send/live", {}, page)
                fates = [self._status(row) for row in rows]
                found |= {fate.provider_id: fate for fate in fates if fate.provider_id in wanted}
                if len(rows) < PAGE or len(found) == len(wanted):
                    break
        return found | ask_each([key for key in provider_ids if key not in found][:SINGLE], self._fate_of)

    def _fate_of(self, key: str) -> StatusResult | None:
        try:
            data = self._call("GET", f"send/{_path(key)}")
        except GatewayError as error:
            if error.code != str(_UNKNOWN_ID) and error.kind is not ErrorKind.PERMANENT:
                raise
            return None
        return self._status({"messageId": key, **data}) if isinstance(data, dict) else None

    def status_of_pack(self, pack_id: str) -> dict[str, StatusResult]:
        """Fates of all texts of one call, by message id."""
        data = self._call("GET", f"send/pack/{_path(pack_id)}")
        fates = [self._status(row) for row in _rows(data)]
        return {fate.provider_id: fate for fate in fates if fate.provider_id}

    def find(self, messages: Sequence[Doubtful]) -> dict[int, StatusResult]:
        """Look doubtful texts up in the reports of today and, if one is older, of the days before."""
        if not messages:
            return {}
        now, start = datetime.now(UTC), since(messages)
        rows, is_complete = self._report("send/live", {}, start)
        # Whose midnight ends "today" is unsourced: the days before are asked for if either has passed.
        if any(start.astimezone(zone).date() < now.astimezone(zone).date() for zone in (UTC, TEHRAN)):
            period = {"fromDate": int(start.timestamp()), "toDate": int(now.timestamp())}
            older, older_complete = self._report("send/archive", period, start)
            rows, is_complete = rows + older, is_complete and older_complete
        window = timedelta(seconds=self.local_id_window)
        return find_listed(messages, rows, complete=is_complete, now=now, window=window)

    def _report(self, path: str, query: dict[str, Any], start: datetime) -> tuple[list[Listed], bool]:
        """A report's rows, and whether it was read to its end. The order of rows is unsourced."""
        listed: dict[str, Listed] = {}
        for page in range(1, PAGES + 1):
            rows = self._page(path, query, page)
            for row in rows:
                key, at = str(row.get("messageId") or ""), from_unix(row.get("sendDateTime"))
                if key and (at is None or at >= start):
                    text = str(row.get("messageText") or "")
                    listed[key] = Listed(str(row.get("mobile") or ""), text, at, self._status(row))
            if len(rows) < PAGE:
                return list(listed.values()), True
        return list(listed.values()), False

    def _page(self, path: str, query: dict[str, Any], page: int) -> list[dict[str, Any]]:
        return _rows(self._call("GET", path, params={**query, "pageSize": PAGE, "pageNumber": page}))

    def account_info(self) -> AccountInfo:
        """Credit, see ``units``."""
        return account_of(decimal(self._call("GET", "credit")), self._config)

    def receive(self) -> list[InboundText]:
        """Texts of guests, up to 1,000. The provider gives each of them out once."""
        found: list[InboundText] = []
        for _turn in range(10):
            data = self._call("GET", "receive/latest", params={"count": RECEIVE_BATCH})
            rows = _rows(data)
            found += [_inbound(row) for row in rows if row.get("mobile")]
            if len(rows) < RECEIVE_BATCH:
                break
        return found

    # -- transport -------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, **content: Any) -> Any:
        response = self._client.request(method, path, **content)
        payload = read_object(response)
        try:
            code = int(payload["status"])
        except (KeyError, TypeError, ValueError):
            raise UnknownOutcomeError("answer is not readable", code=str(response.status_code)) from None
        if code != OK or not response.is_success:
            raise error_for(code, payload.get("message"), response)
        return payload.get("data")

    def _status(self, row: dict[str, Any]) -> StatusResult:
        status = row.get("deliveryState")
        return StatusResult(
            state=delivery_state(status),
            status="" if status is None else str(status),
            provider_id=str(row.get("messageId") or ""),
            cost=self._money(decimal(row.get("cost"))),
        )


def _rows(data: Any) -> list[dict[str, Any]]:
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []


def _is_id(key: object) -> bool:
    return str(key).isdigit() and int(str(key)) > 0


def _number(line: str) -> int | str:
    """Lines are numbers in the documents; anything else goes as it is, for the provider to refuse."""
    return int(line) if line.isascii() and line.isdigit() else line


def _path(key: str) -> str:
    """An id as part of an address; ids are numbers and GUIDs."""
    return "".join(letter for letter in key if letter.isalnum() or letter == "-") or "0"


def _inbound(row: dict[str, Any]) -> InboundText:
    digits = str(row["mobile"]).lstrip("+").removeprefix("00").removeprefix("98").removeprefix("0")
    return InboundText(
        provider_id=str(row.get("receiveReturnId") or ""),
        sender=f"0{digits}",
        receiver=str(row.get("number") or ""),
        body=str(row.get("messageText") or "").replace("\x00", ""),
        received_at=from_unix(row.get("receivedDateTime")),
    )
