"""Ghasedak's codes, sorted into what to do about them.

Its documents explain ``statusCode`` by HTTP's meanings; the rest (402, 412 …) is from its older service and unsourced
for this one. A refusal with a 4xx sent nothing, so a wrong guess here costs time, never a second text.
"""

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
from servaan_crm.messaging.gateways.http import LONG_PAUSE, SHORT_PAUSE, clean, retry_after

OK = 200

# 401, 403 key or account; 404, 405 address; 407, 416 access or address of ours; 412 line.
_ACCOUNT = frozenset({401, 403, 404, 405, 407, 412, 416})

_DELIVERY = {
    0: DeliveryState.ACCEPTED,
    1: DeliveryState.CANCELLED,
    2: DeliveryState.BLOCKED,
    3: DeliveryState.ACCEPTED,
    4: DeliveryState.UNDELIVERED,
    5: DeliveryState.DELIVERED,
    6: DeliveryState.FAILED,
    7: DeliveryState.FAILED,  # the account is in debugging mode: nothing goes out
    8: DeliveryState.UNKNOWN,
}


def error_for(code: int, message: object, response: httpx.Response) -> GatewayError:
    """The typed error for an answer without ``isSuccess``. ``message`` is the provider's own sentence."""
    text, label = clean(message) or f"code {code}", str(code)
    if code in {402, 418}:
        return CreditError(text, code=label)
    if code in _ACCOUNT:
        return AuthError(text, code=label)
    if code == 409:
        return RetryableError(text, code=label, pause=SHORT_PAUSE)
    if code in {429, 451}:
        return RetryableError(text, code=label, pause=retry_after(response, LONG_PAUSE))
    if 400 <= code < 500:
        return PermanentError(text, code=label)
    return UnknownOutcomeError(text, code=label)


def delivery_state(status: object) -> DeliveryState:
    """Translate a status of CheckSmsStatus; anything new or unreadable is UNKNOWN."""
    return state_from(_DELIVERY, status)
