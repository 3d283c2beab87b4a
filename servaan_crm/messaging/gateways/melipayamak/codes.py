"""Melipayamak's codes, sorted into what to do about them.

Besides the documented ones (0, 2-7, 10, 14, 15) those its older service and its resellers print are here; they are
unsourced for this one.
"""

from __future__ import annotations

from servaan_crm.messaging.gateways.base import (
    AuthError,
    CreditError,
    DeliveryState,
    GatewayError,
    PermanentError,
    RetryableError,
    UnknownOutcomeError,
)
from servaan_crm.messaging.gateways.batches import state_from
from servaan_crm.messaging.gateways.http import LONG_PAUSE, LONGEST_PAUSE, clean

OK = 1

# 0 user or password; 5 line; 8 the line's least number of texts; 9 a public line; 10 inactive; 12 papers missing;
# -3, -7 line of a template; -108 … -111 address of ours, or a password where a key is wanted.
_ACCOUNT = frozenset({0, 5, 8, 9, 10, 12, -3, -7, -108, -109, -110, -111})
# 7 a filtered word, 11 and 35 the number refuses, 14 a link, 15 no «لغو11» to several, 16-18 text or number,
# -2, -4, -5, -10 the template and what fills it.
_CONTENT = frozenset({7, 11, 14, 15, 16, 17, 18, 35, -2, -4, -5, -10})
_PAUSES = {
    3: LONGEST_PAUSE,
    4: LONG_PAUSE,
    6: LONG_PAUSE,
    19: LONGEST_PAUSE,
}  # limits of a day, of volume, of an hour

_DELIVERY = {
    0: DeliveryState.ACCEPTED,
    1: DeliveryState.DELIVERED,
    2: DeliveryState.UNDELIVERED,
    3: DeliveryState.FAILED,
    8: DeliveryState.ACCEPTED,
    16: DeliveryState.FAILED,
    35: DeliveryState.BLOCKED,
    100: DeliveryState.UNKNOWN,
    200: DeliveryState.ACCEPTED,
    300: DeliveryState.FAILED,
    400: DeliveryState.ACCEPTED,
    500: DeliveryState.FAILED,
}


def error_for(code: int, message: object) -> GatewayError:
    """The typed error for a ``RetStatus`` other than 1. ``message`` is the provider's own word (StrRetStatus)."""
    text, label = clean(message) or f"code {code}", str(code)
    if code == 2:
        return CreditError(text, code=label)
    if code in _ACCOUNT:
        return AuthError(text, code=label)
    if code in _PAUSES:
        return RetryableError(text, code=label, pause=_PAUSES[code])
    if code in _CONTENT:
        return PermanentError(text, code=label)
    return UnknownOutcomeError(text, code=label)


def delivery_state(status: object) -> DeliveryState:
    """Translate an answer of GetDeliveries2; anything new or unreadable is UNKNOWN."""
    return state_from(_DELIVERY, status)
