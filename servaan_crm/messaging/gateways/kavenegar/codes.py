"""Kavenegar's codes, sorted into what to do about them.

The documents use a few neighbouring codes (412, 414 …) inconsistently, so nothing outside this module looks at an
exact number: callers see an error class.
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

OK = 200
LONG_PAUSE = 300  # seconds of rest the account gets after "too many calls"
SHORT_PAUSE = 60  # seconds of rest after "the server cannot answer now"

# 401/403 account or key, 407/416 access or address, 412 sender line, 501 account in test mode,
# 404/405 wrong address or method: no message is at fault, the set-up is.
_ACCOUNT = frozenset({401, 403, 404, 405, 407, 412, 416, 501})
_THROTTLED = frozenset({429, 451})
# One bad entry makes the whole call fail with one of these: the batch is split to find it.
_CONTENT = frozenset({400, 406, 411, 413, 414, 415, 417, 419, 420, 422, 424, 426, 427, 428, 431, 432, 607})

_DELIVERY = {
    1: DeliveryState.ACCEPTED,
    2: DeliveryState.ACCEPTED,
    4: DeliveryState.ACCEPTED,
    5: DeliveryState.ACCEPTED,
    6: DeliveryState.FAILED,
    10: DeliveryState.DELIVERED,
    11: DeliveryState.UNDELIVERED,
    13: DeliveryState.CANCELLED,
    14: DeliveryState.BLOCKED,
    100: DeliveryState.UNKNOWN,
}


def error_for(code: int, message: str) -> GatewayError:
    """The typed error for a ``return.status`` other than 200. ``message`` is the provider's own sentence."""
    text, label = message[:200] or f"code {code}", str(code)
    if code == 418:
        return CreditError(text, code=label)
    if code in _ACCOUNT:
        return AuthError(text, code=label)
    if code == 402:
        return RetryableError(text, code=label, max_attempts=2)
    if code == 409:
        return RetryableError(text, code=label, pause=SHORT_PAUSE)
    if code in _THROTTLED:
        return RetryableError(text, code=label, pause=LONG_PAUSE)
    if code in _CONTENT:
        return PermanentError(text, code=label)
    return UnknownOutcomeError(text, code=label)


def is_splittable(error: GatewayError) -> bool:
    """Whether a smaller batch may fare better (one bad number, a limit counted differently, a mixed-up 412)."""
    return isinstance(error, PermanentError) or error.code == "412"


def delivery_state(status: object) -> DeliveryState:
    """Translate a message status; anything new or unreadable is UNKNOWN."""
    return state_from(_DELIVERY, status)
