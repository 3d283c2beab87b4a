"""Reading JSON bodies, whatever is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from servaan_crm.core.errors import RequestTooLarge

MAX_DEPTH = 40


class CafeJSONParser(JSONParser):
    """JSON in UTF-8, of bounded size and depth, with real numbers and real characters only.

    What Python reads beyond the standard (NaN, 1e400 as infinity, half a surrogate pair) can be neither stored
    nor sent back, and a deep nesting would exhaust the stack of whoever walks through it later.
    """

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the body. Raises ParseError, or RequestTooLarge before the whole body is in memory."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise RequestTooLarge(details={"max_bytes": limit})
        try:
            value = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant)
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from None
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
        check_json(value)
        return value


def check_json(value: Any) -> None:
    """Raise ParseError when ``value`` is nested too deeply or holds what no answer could carry back."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ParseError(f"JSON parse error - nested more than {MAX_DEPTH} levels")
        following: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                following += item.keys()
                following += item.values()
            elif isinstance(item, list):
                following += item
            elif isinstance(item, str) and not _is_text(item):
                raise ParseError("JSON parse error - half a surrogate pair is no character")
            elif isinstance(item, float) and not math.isfinite(item):
                raise ParseError("JSON parse error - number out of range")
        level = following


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
