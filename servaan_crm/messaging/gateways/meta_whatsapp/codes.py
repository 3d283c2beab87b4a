"""Error codes of the WhatsApp Cloud API, sorted into what to do about them.

Meta asks to go by the code and not by the HTTP status or the words.
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
)
from servaan_crm.messaging.gateways.http import LONG_PAUSE, SHORT_PAUSE, error_for_status, retry_after

# Token, permission, number or account: no message is at fault. 200-299 are permissions too.
_ACCOUNT = frozenset({0, 3, 10, 190, 368, 131005, 131031, 131045, 133010, 134011})
_PAYMENT = frozenset({131042})
# The app, the account or the number sends too fast. 131048: too many guests complained lately.
_THROTTLED = frozenset({4, 80007, 130429, 131048, 133016})
_PAIR = 131056  # too many to this one guest: nobody else has to wait
_DOWN = frozenset({131016, 131057})
_TRY_AGAIN = 131000
# 131026 cannot be reached, 131049 gets enough advertising already, 131050 wants none, 131047 wrote too long ago,
# 130472 takes part in Meta's experiment, 130497 lives where our line may not write to.
_GUEST = frozenset({130472, 130497, 131021, 131026, 131047, 131049, 131050})
_CONTENT = frozenset({33, 100, 130403, 131008, 131009, 131051, 131052, 131053, 133004})
_REFUSED_BY_GUEST = frozenset({131050})
_PARAMETER_TEMPLATE = range(132000, 132100)


def error_for(code: int, subcode: int, message: str, response: httpx.Response) -> GatewayError:
    """The typed error for ``error.code`` of an answer; anything new goes by the HTTP status."""
    text, label = message or f"code {code}", str(code)
    if code in _PAYMENT:
        return CreditError(text, code=label)
    if code in _ACCOUNT or 200 <= code < 300:
        return AuthError(text, code=label)
    if code in _THROTTLED:
        return RetryableError(text, code=label, pause=retry_after(response, LONG_PAUSE))
    if code == _PAIR:
        return RetryableError(text, code=label)
    if code in _DOWN:
        return RetryableError(text, code=label, pause=SHORT_PAUSE)
    if code == _TRY_AGAIN:
        return RetryableError(text, code=label, max_attempts=3)
    if code in _GUEST or code in _CONTENT or code in _PARAMETER_TEMPLATE:
        return PermanentError(text, code=label)
    return error_for_status(response, message, code=label if code >= 0 else "")


def delivery_state(status: str, code: int = -1) -> DeliveryState:
    """Translate a status of the webhook; ``code`` of its first error, where it failed."""
    if status == "failed":
        return DeliveryState.BLOCKED if code in _REFUSED_BY_GUEST else DeliveryState.FAILED
    return {
        "sent": DeliveryState.ACCEPTED,
        "delivered": DeliveryState.DELIVERED,
        "read": DeliveryState.DELIVERED,
        "played": DeliveryState.DELIVERED,
    }.get(status, DeliveryState.UNKNOWN)
