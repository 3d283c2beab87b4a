"""Finding a message in a provider's list of what it sent, for providers that keep no number of ours.

A list is weaker than a number: two texts to one guest may look alike, and a provider may change a text. So there
are three answers. A row that fits: the message is out. No row for that guest around that time in a list that was
read to its end, long enough after the call: it is not out. Anything in between: nobody can tell yet.

A text that looks like another one to the same guest in the same minutes may be taken for it. Then one of the two is
lost; none is sent twice.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from servaan_crm.messaging.gateways.base import DeliveryState, Doubtful, StatusResult
from servaan_crm.messaging.gateways.batches import tail

# "Nobody can tell yet": known, but under no number of the provider's. The outbox asks again.
CANNOT_TELL = StatusResult(state=DeliveryState.UNKNOWN)

SETTLE = timedelta(seconds=120)  # so long after the call a list may still lack what the provider took
_EARLIEST = timedelta(seconds=60)  # clocks differ
_LATEST = timedelta(seconds=300)  # from claiming a batch to its last call, clocks included


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a provider's list. ``at`` None: the row does not say when."""

    recipient: str
    body: str
    at: datetime | None
    result: StatusResult


def find_listed(
    messages: Sequence[Doubtful], rows: Iterable[Listed], *, complete: bool, now: datetime, window: timedelta
) -> dict[int, StatusResult]:
    """Match doubtful messages with a provider's list, by number, text and time.

    Args:
        complete: the list holds everything sent since the oldest of ``messages``.
        window: messages older than this are left out if they are not listed: nobody will be able to tell.
    """
    free = list(rows)
    found: dict[int, StatusResult] = {}
    open_messages: list[Doubtful] = []
    for message in sorted(messages, key=lambda one: one.at):
        row = next((row for row in free if _is_near(message, row) and _same_text(message, row)), None)
        if row is None:
            open_messages.append(message)
            continue
        free.remove(row)
        found[message.local_id] = row.result
    for message in open_messages:
        age = now - message.at
        # A row of the same guest and time with another text may be this message as the provider changed it.
        is_absent = complete and age >= SETTLE and not any(_is_near(message, row) for row in free)
        if not is_absent and age < window:
            found[message.local_id] = CANNOT_TELL
    return found


def since(messages: Sequence[Doubtful]) -> datetime:
    """From when on a list must be read to be complete for ``messages``."""
    return min(message.at for message in messages) - _EARLIEST


def _is_near(message: Doubtful, row: Listed) -> bool:
    if tail(row.recipient) != tail(message.recipient):
        return False
    return row.at is None or message.at - _EARLIEST <= row.at <= message.at + _LATEST


def _same_text(message: Doubtful, row: Listed) -> bool:
    return _plain(message.body) == _plain(row.body)


def _plain(text: str) -> str:
    """Letters and digits alone: providers trim, re-wrap and unify letters."""
    folded = unicodedata.normalize("NFKC", text).translate(_LETTERS)
    return "".join(letter for letter in folded if letter.isalnum())


_LETTERS = str.maketrans("يىك۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "ییک01234567890123456789")
