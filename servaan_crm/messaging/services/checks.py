"""The last question before a message leaves: may this guest still be written to?

Guests belong to a higher room, so that room registers the answer here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a check may look at."""

    id: UUID
    customer_id: UUID | None
    recipient: str
    channel: str
    purpose: str
    kind: str


RecipientCheck = Callable[[Sequence[Candidate]], dict[UUID, str]]
_checks: dict[str, RecipientCheck] = {}


def register_recipient_check(check: RecipientCheck) -> RecipientCheck:
    """Register ``check(candidates) -> {message id: reason}`` for those that must not be sent.

    It is called between claiming and sending, once per batch of at most 200, inside the café and outside any
    transaction; answer with a fixed number of queries. Registering the same function again changes nothing.
    """
    _checks[f"{check.__module__}.{check.__qualname__}"] = check
    return check


def refused_recipients(candidates: Sequence[Candidate]) -> dict[UUID, str]:
    """Ask every registered check; the first reason given for a message counts."""
    refused: dict[UUID, str] = {}
    for check in _checks.values():
        for message_id, reason in check(candidates).items():
            refused.setdefault(message_id, reason)
    return refused
