"""SMS.ir's codes, sorted into what to do about them."""

from __future__ import annotations

import httpx

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
from servaan_crm.messaging.gateways.http import LONG_PAUSE, clean, error_for_status, retry_after

OK = 1
FAULT = 0  # "internal problem, call us": nothing says whether before or after taking the texts
THROTTLED = 20

# 10-14 key, address of ours or account; 101, 123 line; 119 the plan lacks the template: no text is at fault.
_ACCOUNT = frozenset({10, 11, 12, 13, 14, 101, 119, 123})
# One bad entry makes the whole call fail with one of these.
_CONTENT = frozenset({*range(103, 111), *range(113, 119)})

_DELIVERY = {
    1: DeliveryState.DELIVERED,
    2: DeliveryState.UNDELIVERED,
    3: DeliveryState.ACCEPTED,
    4: DeliveryState.FAILED,
    5: DeliveryState.ACCEPTED,
    6: DeliveryState.FAILED,
    7: DeliveryState.BLOCKED,
}


def error_for(code: int, message: object, response: httpx.Response) -> GatewayError:
    """The typed error for a body ``status`` other than 1. ``message`` is the provider's own sentence."""
    text, label = clean(message) or f"code {code}", str(code)
    if code == 102:
        return CreditError(text, code=label)
    if code in _ACCOUNT:
        return AuthError(text, code=label)
    if code == THROTTLED:
        return RetryableError(text, code=label, pause=retry_after(response, LONG_PAUSE))
    if code in _CONTENT:
        return PermanentError(text, code=label)
    if code != FAULT and 400 <= response.status_code < 500:
        return error_for_status(response, str(message or ""), code=label)
    return UnknownOutcomeError(text, code=label)


def delivery_state(status: object) -> DeliveryState:
    """Translate a ``deliveryState``. None is a text still on its way; anything new is UNKNOWN."""
    if status in (None, ""):
        return DeliveryState.ACCEPTED
    return state_from(_DELIVERY, status)
