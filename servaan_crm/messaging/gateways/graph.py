"""What Meta's platforms (WhatsApp, Instagram) have in common: how they sign, introduce themselves and refuse."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import AuthError, CallbackCall, GatewayError, Setting
from servaan_crm.messaging.gateways.http import clean, error_for_status, read_object
from servaan_crm.messaging.gateways.reading import is_plain, is_signed, number
from servaan_crm.messaging.gateways.singles import SinglesGateway

DEFAULT_VERSION = "v25.0"
ID_LENGTH = 200  # as much of Meta's numbers as the outbox keeps
_CHALLENGE = re.compile(r"[0-9A-Za-z_\-]{1,200}")

VERIFY_TOKEN = Setting(
    "verify_token",
    _("Verify token"),
    is_secret=True,
    help_text=_("A word of your choice; write the same one beside the callback address at Meta."),
)
VERSION = Setting("version", _("API version"), is_required=False, help_text=_("Left empty: v25.0."))

# Code and subcode of an error, its sentence and the answer it stood in.
Sorter = Callable[[int, int, str, httpx.Response], GatewayError]


def is_known(call: CallbackCall, *, app_secret: str, verify_token: str) -> bool:
    """Whether a call is Meta's: the question at the set-up (GET) by our token, everything else by its signature."""
    if call.method == "GET":
        # The token proves nothing but the set-up: what a body says is signed.
        if call.body:
            return False
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


class GraphGateway(SinglesGateway):
    """Base of adapters for Meta's Graph. ``api_key`` is an access token; ``id_setting`` names the setting with the
    number of the account at Meta, "app_secret" and "verify_token" are settings too."""

    id_setting: ClassVar[str]
    callback_kinds: ClassVar[tuple[str, ...]] = ("all",)

    def headers(self) -> dict[str, str]:
        """The access token."""
        return {"Authorization": f"Bearer {self._config.api_key}"}

    def path(self, rest: str = "") -> str:
        """Return the path of the account, or of ``rest`` below it. Raises ``AuthError`` for settings that cannot be."""
        account, version = (
            self._config.option(self.id_setting),
            self._config.option("version", DEFAULT_VERSION),
        )
        if not is_plain(account) or not is_plain(version):
            raise AuthError("account number or version is malformed", code="settings")
        return f"{version}/{account}/{rest}".rstrip("/")

    def verify(self, call: CallbackCall) -> bool:
        """The verify token at the set-up, the signature of the raw body ever after."""
        secret, token = self._config.option("app_secret"), self._config.option("verify_token")
        return is_known(call, app_secret=secret, verify_token=token)
