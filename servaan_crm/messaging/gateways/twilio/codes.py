"""Twilio's codes and statuses, sorted into what to do about them."""

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
from servaan_crm.messaging.gateways.http import SHORT_PAUSE, clean, error_for_status, retry_after

# Key or account, then the sender: not ours, not able to send, or its messaging service unknown; 21608 is a trial
# account, which writes to numbers of its owner alone.
_ACCOUNT = frozenset(
    {20003, 20005, 20008, 20404, 21212, 21603, 21606, 21608, 21659, 21660, 21701, 21703, 21704, 21705}
    | {63007, 90010}
)
_CREDIT = frozenset({30002})  # suspended, which is what an empty balance ends in
# 14107 and 20429 calls, 21611 the sender's queue, 63018 WhatsApp's own limit.
_THROTTLED = frozenset({14107, 20429, 21611, 63018})

_STATES = {
    "accepted": DeliveryState.ACCEPTED,
    "scheduled": DeliveryState.ACCEPTED,
    "queued": DeliveryState.ACCEPTED,
    "sending": DeliveryState.ACCEPTED,
    "sent": DeliveryState.ACCEPTED,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.UNDELIVERED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.CANCELLED,
}
_REFUSES_US = frozenset({"21610", "63051"})  # the guest answered STOP, or blocked the number on WhatsApp


def error_for(code: int, message: object, response: httpx.Response) -> GatewayError:
    """The typed error of a refused call. ``message`` is Twilio's own sentence, which repeats the number.

    Any other 4xx is about this one message: number (21211, 21614), country (21408), STOP (21610), text (21617),
    WhatsApp's window or template (63016, 21656). A 5xx is an unknown outcome whatever its body says.
    """
    text, label = clean(message) or f"HTTP {response.status_code}", str(code or response.status_code)
    if response.status_code >= 500:
        return UnknownOutcomeError(text, code=label)
    if code in _CREDIT:
        return CreditError(text, code=label)
    if code in _ACCOUNT:
        return AuthError(text, code=label)
    if code in _THROTTLED:
        return RetryableError(text, code=label, pause=retry_after(response, SHORT_PAUSE))
    if code and response.status_code in {400, 403, 404}:
        return PermanentError(text, code=label)
    return error_for_status(response, str(message or ""), code=label)


def delivery_state(status: object, error_code: object = None) -> DeliveryState:
    """Translate a status; some failures mean that the guest refuses us. Anything new is UNKNOWN."""
    state = _STATES.get(str(status or "").lower(), DeliveryState.UNKNOWN)
    is_failure = state in {DeliveryState.FAILED, DeliveryState.UNDELIVERED}
    return DeliveryState.BLOCKED if is_failure and str(error_code or "") in _REFUSES_US else state
