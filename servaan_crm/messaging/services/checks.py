"""The last question before a message leaves: may this guest still be written to?

Guests belong to a higher room, so that room registers the answer here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from uuid import UUID


class Candidate(Protocol):
    """What a check may look at."""

    @property
    def id(self) -> UUID: ...
    @property
    def customer_id(self) -> UUID | None: ...
    @property
    def recipient(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def kind(self) -> str: ...


RecipientCheck = Callable[[Sequence[Candidate]], Mapping[UUID, str]]
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
