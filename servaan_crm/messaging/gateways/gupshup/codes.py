"""Gupshup's refusals: an HTTP status with a sentence when it is asked, a code in its reports afterwards.

The sentences are not sourced word for word, so a few telling words decide only where the status says too little.
"""

from __future__ import annotations

import re

import httpx

from servaan_crm.messaging.gateways.base import (
    AuthError,
    CreditError,
    DeliveryState,
    GatewayError,
)
from servaan_crm.messaging.gateways.http import clean, error_for_status

_CREDIT = re.compile(r"balance|wallet|credit", re.IGNORECASE)
_ACCOUNT = re.compile(r"api ?key|portal user|authenticat|source|app ?name|app details", re.IGNORECASE)
# 1012 opted out, 131050 wants no advertising.
_REFUSED_BY_GUEST = frozenset({1012, 131050})


def error_for(response: httpx.Response, message: str) -> GatewayError:
    """The typed error of an answer that is none of success."""
    text = clean(message)
    if 400 <= response.status_code < 500 and response.status_code != 429:
        if _CREDIT.search(message):
            return CreditError(text, code=str(response.status_code))
        if _ACCOUNT.search(message):
            return AuthError(text, code=str(response.status_code))
    return error_for_status(response, message)


def delivery_state(kind: str, code: int = -1) -> DeliveryState:
    """Translate the type of a message event; ``code`` of a failed one."""
    if kind == "failed":
        return DeliveryState.BLOCKED if code in _REFUSED_BY_GUEST else DeliveryState.FAILED
    return {
        "enqueued": DeliveryState.ACCEPTED,
        "sent": DeliveryState.ACCEPTED,
        "delivered": DeliveryState.DELIVERED,
        "read": DeliveryState.DELIVERED,
    }.get(kind, DeliveryState.UNKNOWN)
