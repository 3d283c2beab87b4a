"""Error codes of Instagram's messages, sorted into what to do about them."""

from __future__ import annotations

import httpx

from servaan_crm.messaging.gateways.base import AuthError, GatewayError, PermanentError, RetryableError
from servaan_crm.messaging.gateways.http import LONG_PAUSE, SHORT_PAUSE, error_for_status, retry_after

# 2018278: the 24 hours are over; 2018001 and 551: no such guest, or one that cannot be written to.
_GUEST_SUBCODES = frozenset({2018001, 2018108, 2018278, 2534022})
_GUEST = frozenset({100, 551})
_ACCOUNT = frozenset({0, 3, 10, 102, 190, 368})
_THROTTLED = frozenset({4, 17, 32, 613, 80002, 80006})
_DOWN = frozenset({1200, 1545041})


def error_for(code: int, subcode: int, message: str, response: httpx.Response) -> GatewayError:
    """The typed error for ``error.code`` and ``error.error_subcode``; anything new goes by the HTTP status."""
    text, label = message or f"code {code}", str(code)
    if subcode in _GUEST_SUBCODES:
        return PermanentError(text, code=str(subcode))
    if code in _ACCOUNT or 200 <= code < 300:
        return AuthError(text, code=label)
    if code in _THROTTLED:
        return RetryableError(text, code=label, pause=retry_after(response, LONG_PAUSE))
    if code in _DOWN:
        return RetryableError(text, code=label, pause=SHORT_PAUSE)
    if code in _GUEST:
        return PermanentError(text, code=label)
    return error_for_status(response, message, code=label if code >= 0 else "")
