"""What only the room of the guests can answer: may this guest still be written to, and whose is this message?

Guests belong to a higher room, so that room registers its answers here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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


OwnerLookup = Callable[[Collection[UUID]], Mapping[UUID, UUID]]
_lookups: list[OwnerLookup] = []


def register_owner_lookup(lookup: OwnerLookup) -> OwnerLookup:
    """Register ``lookup(customer ids) -> {id: id of the guest it is by now}``.

    It is called in the transaction that writes messages, and keeps the guests from being merged until that ends.
    """
    if lookup not in _lookups:
        _lookups.append(lookup)
    return lookup


def owners_now(customer_ids: Collection[UUID]) -> Mapping[UUID, UUID]:
    """Ask the registered lookup; without one everybody is who they are."""
    found: dict[UUID, UUID] = {}
    for lookup in _lookups:
        found |= lookup(customer_ids)
    return found


RefusalLinks = Callable[[Collection[UUID]], Mapping[UUID, str]]
_links: list[RefusalLinks] = []


def register_refusal_links(links: RefusalLinks) -> RefusalLinks:
    """Register ``links(customer ids) -> {id: full address of the page where that guest says no}``."""
    if links not in _links:
        _links.append(links)
    return links


def refusal_links(candidates: Sequence[Candidate]) -> dict[UUID, str]:
    """The address for "no more of this" by message, for channels that carry one."""
    wanted = {row.customer_id for row in candidates if row.customer_id is not None}
    found: dict[UUID, str] = {}
    for links in _links:
        found |= links(wanted)
    return {row.id: found[row.customer_id] for row in candidates if row.customer_id in found}


GuestLookup = Callable[[Collection[str]], Mapping[str, UUID]]
_guests: list[GuestLookup] = []


def register_guest_lookup(lookup: GuestLookup) -> GuestLookup:
    """Register ``lookup(phones in E.164) -> {phone: id of the guest who has it}``."""
    if lookup not in _guests:
        _guests.append(lookup)
    return lookup


def guests_with(phones: Collection[str]) -> Mapping[str, UUID]:
    """Ask the registered lookup whose phones these are; numbers of strangers are absent."""
    found: dict[str, UUID] = {}
    for lookup in _guests:
        found |= lookup(phones)
    return found
