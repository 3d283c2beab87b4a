"""Melipayamak (form fields to https://rest.payamak-panel.com/api/SendSMS/<method>, user and password in each).

It keeps no number of ours, and whether its list of sent texts has a row for each number of a call is unsourced. So
a text found there is out, but one that is missing may be out as well: it is never sent again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    DeliveryState,
    Doubtful,
    Gateway,
    GatewayConfig,
    InboundText,
    OutgoingMessage,
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
from servaan_crm.messaging.gateways.http import HttpClient, error_for_status, read_object
from servaan_crm.messaging.gateways.listing import Listed, find_listed, since
from servaan_crm.messaging.gateways.melipayamak.codes import OK, delivery_state, error_for
from servaan_crm.messaging.gateways.units import UNIT_PRICE, account_of

DEFAULT_BASE_URL = "https://rest.payamak-panel.com/api/SendSMS"
BATCH = 100
STATUS_BATCH = 100  # one text a call, a few calls at once
PAGE = 100
PAGES = 20
FIND_WINDOW = 24 * 3600
INBOX, OUTBOX = 1, 2
_LEAST_ID = 1000  # anything smaller in Value is a code
_TICKS = re.compile(r"/Date\((-?[0-9]+)(?:[+-][0-9]{4})?\)/")


class MelipayamakGateway(Gateway):
    """Adapter for one account. Safe to share between threads, not across a fork."""

    name: ClassVar[str] = "melipayamak"
    label: ClassVar[str | Promise] = _("Melipayamak")
    countries: ClassVar[frozenset[str]] = frozenset({"IR"})
    currency: ClassVar[str] = "IRR"
    needs_sender: ClassVar[bool] = True
    has_templates: ClassVar[bool] = True
    batch_size: ClassVar[int] = BATCH
    status_batch_size: ClassVar[int] = STATUS_BATCH
    local_id_window: ClassVar[int] = FIND_WINDOW
    absence_is_proof: ClassVar[bool] = False
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("username", _("User name"), help_text=_("The name you sign in to the panel with.")),
        UNIT_PRICE,
    )

    def __init__(self, config: GatewayConfig) -> None:
        super().__init__(config)
        self._client = HttpClient(config.base_url or DEFAULT_BASE_URL)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    # -- sending ---------------------------------------------------------------------------------------------

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 100 texts: one call for every set of numbers with one text, one for each filled template.

        A call is refused as a whole, so tracing a bad number by halving the set doubles nothing.
        """
        sets: dict[tuple[str, str], Chunk] = {}
        groups: list[Chunk] = [[message] for message in messages if message.template]
        for message in messages:
            if not message.template:
                sets.setdefault((message.sender or self._config.sender, message.body), []).append(message)
        return send_in_parts([*groups, *sets.values()], self._send)

    def _send(self, chunk: Chunk) -> list[SendResult]:
        first = chunk[0]
        if first.template:
            # The template's places are filled in its order; a semicolon ends a value.
            values = ";".join(value.replace(";", "،") for value in first.values.values())
            form = {"to": domestic(first.recipient), "text": values, "bodyId": first.template}
            answer = self._call("BaseServiceNumber", form)
        else:
            form = {
                "to": ",".join(domestic(message.recipient) for message in chunk),
                "from": first.sender or self._config.sender,
                "text": first.body,
                "isFlash": "false",
            }
            answer = self._call("SendSMS", form)
        return _read_sent(chunk, str(answer.get("Value") or ""))

    # -- asking ----------------------------------------------------------------------------------------------

    def status_by_provider_id(self, provider_ids: Sequence[str]) -> dict[str, StatusResult]:
        """Fates by recId, one call each. A text that shares its recId with others, or was found in the list of
        sent texts, has none of its own to ask by."""
        return ask_each([key for key in provider_ids if key.isdigit()], self._fate_of)

    def _fate_of(self, key: str) -> StatusResult:
        status = str(self._call("GetDeliveries2", {"recId": key}).get("Value") or "")
        return StatusResult(delivery_state(status), status, provider_id=key)

    def find(self, messages: Sequence[Doubtful]) -> dict[int, StatusResult]:
        """Look doubtful texts up in the list of sent texts, newest first."""
        if not messages:
            return {}
        start = since(messages)
        listed: list[Listed] = []
        is_complete = False
        for page in range(PAGES):
            rows = self._messages(OUTBOX, page * PAGE)
            listed += [_listed(row) for row in rows]
            oldest = min((one.at for one in listed if one.at), default=None)
            if len(rows) < PAGE or (oldest and oldest < start):
                is_complete = True
                break
        window = timedelta(seconds=self.local_id_window)
        return find_listed(messages, listed, complete=is_complete, now=datetime.now(UTC), window=window)

    def account_info(self) -> AccountInfo:
        """Credit, see ``units``."""
        return account_of(decimal(self._call("GetCredit", {}).get("Value")), self._config)

    def receive(self) -> list[InboundText]:
        """The latest 100 texts of guests, told again every time: they are known by their numbers."""
        return [text for row in self._messages(INBOX, 0) if (text := _inbound(row)).sender]

    def _messages(self, location: int, index: int) -> list[dict[str, Any]]:
        form = {"location": str(location), "index": str(index), "count": str(PAGE)}
        if self._config.sender and location == INBOX:
            form["from"] = self._config.sender
        rows = self._call("GetMessages", form).get("Data")
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    # -- transport -------------------------------------------------------------------------------------------

    def _call(self, method: str, form: dict[str, str]) -> dict[str, Any]:
        access = {"username": self._config.option("username"), "password": self._config.api_key}
        response = self._client.post(method, data={**access, **form})
        payload = read_object(response)
        inner = payload.get("MyBase")
        head: dict[str, Any] = inner if isinstance(inner, dict) else payload
        try:
            code = int(head["RetStatus"])
        except (KeyError, TypeError, ValueError):
            if response.is_success:
                raise UnknownOutcomeError("answer is not readable", code=str(response.status_code)) from None
            raise error_for_status(response) from None
        if code != OK:
            raise error_for(_own_code(code, head.get("Value")), head.get("StrRetStatus"))
        return payload


def _own_code(code: int, value: object) -> int:
    """Some answers say 0 and give the reason in Value (unsourced)."""
    text = str(value or "")
    is_reason = code == 0 and re.fullmatch(r"-?[0-9]{1,3}", text) and int(text) != OK
    return int(text) if is_reason else code


def _read_sent(chunk: Chunk, value: str) -> list[SendResult]:
    """What Value says of several numbers is unsourced: ids separated by commas, or one for all of them."""
    ids = [key.strip() for key in value.split(",")]
    if len(ids) == 1 and re.fullmatch(r"-?[0-9]{1,4}", ids[0]) and int(ids[0]) <= _LEAST_ID:
        raise error_for(int(ids[0]), "")
    if not all(key.isdigit() for key in ids) or len(ids) not in {1, len(chunk)}:
        raise UnknownOutcomeError("accepted without an id for each text", code="entry")
    if len(chunk) > 1 and len(ids) == 1:
        # The report of a shared id says nothing of one number: made different, so that it is not asked for.
        ids = [f"{ids[0]}-{place}" for place in range(1, len(chunk) + 1)]
    return [SendResult(message.local_id, provider_id=key) for message, key in zip(chunk, ids, strict=True)]


def _first(row: dict[str, Any], names: Iterable[str]) -> str:
    """The names of fields are unsourced: take the first spelling that is there."""
    return next((str(row[name]) for name in names if row.get(name)), "")


def _listed(row: dict[str, Any]) -> Listed:
    # Whether MsgID is the recId that GetDeliveries2 asks for is unsourced: marked, so that it is not asked for.
    key = _first(row, ("RecID", "RecId")) or f"m{_first(row, ('MsgID', 'MsgId'))}"
    result = StatusResult(DeliveryState.ACCEPTED, "", provider_id=key)
    receiver = _first(row, ("Receiver", "RecipientNumber", "ReceiverNumber"))
    return Listed(receiver, _first(row, ("Body",)), _moment(row.get("SendDate")), result)


def _inbound(row: dict[str, Any]) -> InboundText:
    return InboundText(
        provider_id=_first(row, ("MsgID", "MsgId")),
        sender=_first(row, ("Sender", "SenderNumber")),
        receiver=_first(row, ("Receiver", "RecipientNumber")),
        body=_first(row, ("Body",)).replace("\x00", ""),
        received_at=_moment(row.get("SendDate")),
    )


def _moment(value: object) -> datetime | None:
    """``/Date(milliseconds+0330)/``, or a date without a zone, which is Tehran's."""
    text = str(value or "")
    if ticks := _TICKS.fullmatch(text):
        return from_unix(int(ticks[1]) / 1000)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=TEHRAN)).astimezone(UTC)
