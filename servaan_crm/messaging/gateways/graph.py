"""What Meta's platforms (WhatsApp, Instagram) have in common: how they sign, introduce themselves and refuse."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import Any

import httpx

from servaan_crm.messaging.gateways.base import CallbackCall, GatewayError
from servaan_crm.messaging.gateways.http import clean, error_for_status, read_object
from servaan_crm.messaging.gateways.reading import is_signed, number

ID_LENGTH = 200  # as much of Meta's numbers as the outbox keeps
_CHALLENGE = re.compile(r"[0-9A-Za-z_\-]{1,200}")

# Code and subcode of an error, its sentence and the answer it stood in.
Sorter = Callable[[int, int, str, httpx.Response], GatewayError]


def is_known(call: CallbackCall, *, app_secret: str, verify_token: str) -> bool:
    """Whether a call is Meta's: the question at the set-up (GET) by our token, everything else by its signature."""
    if call.method == "GET":
        given = call.query.get("hub.verify_token", "")
        return bool(verify_token) and hmac.compare_digest(given.encode(), verify_token.encode())
    return is_signed(call, app_secret, "x-hub-signature-256")


def challenge(call: CallbackCall) -> str | None:
    """The word Meta wants back at the set-up; None for every other call."""
    word = call.query.get("hub.challenge", "")
    is_set_up = call.method == "GET" and call.query.get("hub.mode") == "subscribe"
    return word if is_set_up and _CHALLENGE.fullmatch(word) else None


def read_answer(response: httpx.Response, sort: Sorter) -> dict[str, Any]:
    """Return the object of a good answer; raise what ``sort`` makes of an error."""
    payload = read_object(response)
    error = payload.get("error")
    if isinstance(error, dict):
        code, subcode = number(error.get("code")), number(error.get("error_subcode"))
        raise sort(code, subcode, clean(error.get("message")), response)
    if not response.is_success:
        raise error_for_status(response)
    return payload
