"""Pieces of SQL that carry their parameters along, so that a query can be put together in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    """Text with ``%s`` placeholders and the values for them, in order."""

    text: str
    params: tuple[Any, ...] = ()

    def __add__(self, other: Sql) -> Sql:
        return Sql(self.text + other.text, self.params + other.params)


def sql(template: str, *parts: Sql) -> Sql:
    """Put ``parts`` where ``template`` has ``{}``; everything else is taken as it stands."""
    pieces = template.split("{}")
    if len(pieces) != len(parts) + 1:
        raise ValueError(f"{len(pieces) - 1} places and {len(parts)} parts in {template!r}")
    text = pieces[0]
    params: list[Any] = []
    for part, piece in zip(parts, pieces[1:], strict=True):
        text += part.text + piece
        params.extend(part.params)
    return Sql(text, tuple(params))


def value(thing: Any) -> Sql:
    """Return a placeholder for one value."""
    return Sql("%s", (thing,))


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """Return ``parts`` with ``separator`` between them."""
    found = list(parts)
    return Sql(separator.join(part.text for part in found), tuple(p for part in found for p in part.params))


def every(parts: Iterable[Sql]) -> Sql:
    """Return a condition that holds when all ``parts`` do; of none: true."""
    found = list(parts)
    return sql("({})", joined(" AND ", found)) if found else Sql("TRUE")


def some(parts: Iterable[Sql]) -> Sql:
    """Return a condition that holds when one of ``parts`` does; of none: false."""
    found = list(parts)
    return sql("({})", joined(" OR ", found)) if found else Sql("FALSE")
