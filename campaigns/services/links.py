"""Short links: made in bulk, followed by guests, counted for people only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkWanted:
    """A link to ``url`` for one guest, of a delivery or of an automation's run."""

    url: str
    customer_id: UUID | None
    delivery_id: int | None = None
    run_id: UUID | None = None


def make_links(wanted: Sequence[LinkWanted]) -> list[str]:
    """Write a short link for each of ``wanted`` and return their full addresses in the same order.

    One or two statements however many; a delivery that has a link keeps it. In the caller's transaction.
    """
    raise NotImplementedError


def follow_link(code: str, *, is_machine: bool) -> str | None:
    """Count a call of the link and return where it leads; None for a code there is not.

    Args:
        is_machine: a program, a HEAD request or the preview of a phone: noted, not counted.
    """
    raise NotImplementedError
