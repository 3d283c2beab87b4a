"""Reading what strangers sent: every helper here takes anything at all and never raises."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from servaan_crm.messaging.gateways.base import CallbackCall

_PLAIN = re.compile(r"[0-9A-Za-z_.\-]{1,100}")


def is_signed(call: CallbackCall, secret: str, header: str) -> bool:
    """Whether ``header`` holds ``sha256=`` and the HMAC of the raw body. Without a secret nothing is believed."""
    given = call.headers.get(header, "")
    wanted = "sha256=" + hmac.new(secret.encode(), call.body, hashlib.sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(given.lower().encode(), wanted.encode())


def is_plain(text: str) -> bool:
    """Whether a setting may stand in a path: ids and versions, nothing that leads elsewhere."""
    return bool(_PLAIN.fullmatch(text)) and ".." not in text


def dicts(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects of a list, whatever stands there."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def part(value: object, *keys: str) -> Any:
    """What lies under ``keys``; None where the way there breaks off."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text_of(value: object) -> str:
    """A text fit for the database; "" for anything that is none."""
    return storable(value) if isinstance(value, str) else ""


def storable(text: str) -> str:
    """``text`` without what the database takes in no column: NUL, and halves of letters that JSON lets through."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def number(value: object) -> int:
    """A whole number, -1 where there is none to read."""
    try:
        return int(str(value))
    except ValueError:
        return -1


def local_id(value: object) -> int | None:
    """Our own number as it comes back."""
    word = str(value or "")
    found = int(word) if word.isascii() and word.isdigit() and len(word) < 20 else -1
    return found if 0 <= found < 2**63 else None


def moment(value: object, *, per_second: int = 1) -> datetime | None:
    """A time in seconds (or ``per_second`` parts of one) since 1970."""
    try:
        return datetime.fromtimestamp(int(str(value)) / per_second, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def template_of(text: str, default_language: str) -> tuple[str, str]:
    """Name and language of a template, written "name" or "name:language"."""
    name, _colon, language = text.partition(":")
    return name, language or default_language


def in_order(values: Mapping[str, str]) -> list[str]:
    """What fills a template's places. Numbered places go by number: a database sorts keys its own way."""
    if all(key.isascii() and key.isdigit() for key in values):
        return [str(values[key]) for key in sorted(values, key=int)]
    return [str(value) for value in values.values()]


def with_plus(digits: object) -> str:
    """E.164 of a number written without its plus."""
    bare = str(digits or "").strip().lstrip("+")
    return f"+{bare}" if bare.isascii() and bare.isdigit() else bare
