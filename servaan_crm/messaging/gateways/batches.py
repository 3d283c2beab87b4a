"""What adapters share in sending many texts by few calls, and in writing numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from servaan_crm.messaging.gateways.base import (
    DeliveryState,
    GatewayError,
    OutgoingMessage,
    PermanentError,
    RetryableError,
    SendResult,
    UnknownOutcomeError,
)

# Splitting gives up after this many lone texts were refused with none accepted in between: then the fault is
# in the account, not in the texts, and the rest goes back to the queue untouched.
REFUSALS_BEFORE_GIVING_UP = 4
# A batch of many calls begins no further one after this many seconds: whoever claimed it counts its texts as lost
# after two minutes.
SECONDS = 75.0

TEHRAN = ZoneInfo("Asia/Tehran")

Chunk = list[OutgoingMessage]
Answer = TypeVar("Answer")


def is_permanent(error: GatewayError) -> bool:
    """The usual answer to "may a smaller part fare better": yes, if a text or number was refused."""
    return isinstance(error, PermanentError)


def send_in_parts(
    groups: Iterable[Chunk],
    call: Callable[[Chunk], list[SendResult]],
    *,
    is_splittable: Callable[[GatewayError], bool] = is_permanent,
) -> list[SendResult]:
    """Send each group by one ``call``; every text gets a result, errors included.

    A refusal caused by single texts is traced by halving the group: allowed only where a refused call sent none
    of its texts. Any other error (no connection, credit, key, throttling, no answer) ends the work, and so does
    the clock: what was not tried yet comes back as surely not sent.
    """
    results: list[SendResult] = []
    stack = [group for group in groups if group][::-1]
    refusals, until = 0, time.monotonic() + SECONDS
    while stack:
        if time.monotonic() > until:
            rest = [message for group in reversed(stack) for message in group]
            return results + with_error(rest, RetryableError("the provider answers slowly", code="slow"))
        chunk = stack.pop()
        try:
            results += call(chunk)
            refusals = 0
            continue
        except GatewayError as caught:
            error = caught
        if is_splittable(error) and len(chunk) > 1 and refusals < REFUSALS_BEFORE_GIVING_UP:
            middle = len(chunk) // 2
            stack += [chunk[middle:], chunk[:middle]]
        elif isinstance(error, PermanentError) and len(chunk) == 1:
            results += with_error(chunk, error)
            refusals += 1
        else:
            rest = [message for group in reversed(stack) for message in group]
            own = deferred(error) if isinstance(error, PermanentError) else error
            return results + with_error(chunk, own) + with_error(rest, deferred(error))
    return results


def with_error(messages: Sequence[OutgoingMessage], error: GatewayError) -> list[SendResult]:
    """The same error for each of ``messages``."""
    return [SendResult(message.local_id, error=error) for message in messages]


def deferred(error: GatewayError) -> GatewayError:
    """The error of texts that were held back because of another text's ``error``: surely not sent."""
    if isinstance(error, PermanentError | UnknownOutcomeError):
        return RetryableError(error.text, code=error.code)
    return error


def chunks(messages: Sequence[OutgoingMessage], size: int) -> list[Chunk]:
    """``messages`` in parts of at most ``size``."""
    return [list(messages[start : start + size]) for start in range(0, len(messages), size)]


def ask_each(
    ids: Sequence[str], ask: Callable[[str], Answer | None], *, at_once: int = 5
) -> dict[str, Answer]:
    """One question for each id, a few at a time; None leaves an id out. After a ``GatewayError`` no further
    question begins, and it is raised."""
    failed: list[GatewayError] = []

    def one(key: str) -> Answer | None:
        if failed:
            return None
        try:
            return ask(key)
        except GatewayError as error:
            failed.append(error)
            return None

    with ThreadPoolExecutor(at_once, thread_name_prefix="gateway-ask") as pool:
        answers = dict(zip(ids, pool.map(one, ids), strict=True))
    if failed:
        raise failed[0]
    return {key: answer for key, answer in answers.items() if answer is not None}


def match_entries(
    chunk: Chunk, entries: Sequence[Mapping[str, Any]], *, number: str, local_id: str = ""
) -> list[Mapping[str, Any] | None]:
    """The provider's entry for each text of ``chunk``, None where there is none.

    Our own number decides if it is echoed (in ``local_id``), else the position as long as all phone numbers (in
    ``number``) agree, else the phone number if it stands only once.
    """
    by_local = {str(entry[local_id]): entry for entry in entries if local_id and entry.get(local_id)}
    if by_local:
        return [by_local.get(str(message.local_id)) for message in chunk]
    same_order = len(entries) == len(chunk) and all(
        tail(entry.get(number)) == tail(message.recipient)
        for entry, message in zip(entries, chunk, strict=True)
    )
    if same_order:
        return list(entries)
    by_number: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        by_number.setdefault(tail(entry.get(number)), []).append(entry)
    found = [by_number.get(tail(message.recipient)) or [] for message in chunk]
    return [rows[0] if len(rows) == 1 else None for rows in found]


def domestic(recipient: str) -> str:
    """E.164 as Iranian providers write it: 09… for Iran, 00<country>… for the rest."""
    digits = recipient.lstrip("+")
    return f"0{digits[2:]}" if digits.startswith("98") else f"00{digits}"


def tail(number: object) -> str:
    """The last nine digits, by which two spellings of one number are told to be the same."""
    return str(number or "")[-9:]


def decimal(value: object) -> Decimal | None:
    """A provider's amount, None where there is none to read."""
    try:
        found = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def from_unix(value: object) -> datetime | None:
    """A moment told in Unix seconds, None where there is none to read."""
    try:
        return datetime.fromtimestamp(float(str(value)), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def state_from(table: Mapping[int, DeliveryState], status: object) -> DeliveryState:
    """A provider's numbered status translated by ``table``; anything new or unreadable is UNKNOWN."""
    try:
        return table.get(int(str(status)), DeliveryState.UNKNOWN)
    except ValueError:
        return DeliveryState.UNKNOWN
