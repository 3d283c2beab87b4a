"""Web push (RFC 8030): an encrypted message to the push service that a guest's browser named.

The encryption and the signature are pywebpush's; the call is our own, because a redirect must not be followed and an
address must not be logged. A push service says that it took a message and nothing more, and knows no numbers of ours.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

import httpx
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging.gateways.base import (
    AccountInfo,
    AuthError,
    Gateway,
    GatewayConfig,
    GatewayError,
    OutgoingMessage,
    PermanentError,
    RetryableError,
    SendResult,
    Setting,
)
from servaan_crm.messaging.gateways.batches import with_error
from servaan_crm.messaging.gateways.http import SHORT_PAUSE, HttpClient, error_for_status, retry_after
from servaan_crm.messaging.gateways.web_push.endpoints import is_allowed, origin
from servaan_crm.messaging.gateways.web_push.keys import are_browser_keys, new_private_key, read_private_key

TTL = 24 * 3600  # seconds a push service keeps a message for a phone that is off
TIMEOUT = httpx.Timeout(10.0, connect=5.0, pool=10.0)
WORKERS = 8
MAX_SERVICES = 32
# 4096 bytes is what every push service takes; 103 of them are head, padding and seal of the encryption.
LONGEST_PAYLOAD = 4096 - 103
# How services say that a subscription belongs to another key, which no repair of the account changes (unsourced
# beyond their answers): Google's sentence, Apple's reason.
_FOREIGN = ("do not correspond", "VapidPkHashMismatch")


class WebPushGateway(Gateway):
    """Adapter for one key pair.

    ``api_key`` is the private VAPID key, made by us when an account is; a message's ``recipient`` the JSON of a
    subscription: ``{"endpoint", "keys": {"p256dh", "auth"}}``.
    """

    name: ClassVar[str] = "web_push"
    label: ClassVar[str | Promise] = _("Push messages to phones and browsers")
    channels: ClassVar[frozenset[str]] = frozenset({"push"})
    needs_api_key: ClassVar[bool] = False
    takes_api_key: ClassVar[bool] = False
    has_polling: ClassVar[bool] = False
    has_credit: ClassVar[bool] = False
    batch_size: ClassVar[int] = 50
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "contact",
            _("Contact for the push services"),
            help_text=_(
                "An e-mail address or a web address by which they reach you when something goes wrong."
            ),
        ),
    )

    def __init__(self, config: GatewayConfig) -> None:
        super().__init__(config)
        self._lock = threading.Lock()
        self._clients: dict[str, HttpClient] = {}

    @classmethod
    def first_api_key(cls) -> str:
        """A fresh private key: push services know us by nothing else."""
        return new_private_key()

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            client.close()

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[SendResult]:
        """Send up to 50 messages, several at a time; every message gets a result."""
        try:
            pair = self._pair()
        except GatewayError as error:
            return with_error(messages, error)
        with ThreadPoolExecutor(max_workers=min(WORKERS, len(messages) or 1)) as pool:
            return _settle(list(pool.map(lambda message: self._send(pair, message), messages)))

    def account_info(self) -> AccountInfo:
        """Check the key and the contact; there is no service to ask about an account."""
        pair = self._pair()
        self._headers(pair, "https://fcm.googleapis.com")
        return AccountInfo(credit=None, kind="VAPID", is_proven=False)

    # -- inside ----------------------------------------------------------------------------------------------

    def _pair(self) -> Any:
        try:
            return read_private_key(self._config.api_key)
        except ValueError:
            raise AuthError("the VAPID key is not readable", code="key") from None

    def _headers(self, pair: Any, audience: str) -> dict[str, str]:
        from py_vapid import VapidException

        contact = self._config.option("contact").strip()
        if "@" in contact and ":" not in contact:
            contact = f"mailto:{contact}"
        try:
            signed = pair.sign({"sub": contact, "aud": audience})
        except VapidException:
            raise AuthError("the contact is neither an e-mail nor a web address", code="contact") from None
        return {**signed, "TTL": str(TTL), "Content-Encoding": "aes128gcm", "Urgency": "normal"}

    def _send(self, pair: Any, message: OutgoingMessage) -> SendResult:
        try:
            endpoint, body = _sealed(message)
            headers = self._headers(pair, origin(endpoint)) | {"Content-Type": "application/octet-stream"}
            client = self._client(origin(endpoint))
            path = endpoint.removeprefix(client.root).removeprefix("/")
            response = client.post(path, content=body, headers=headers, timeout=TIMEOUT)
        except GatewayError as error:
            return SendResult(message.local_id, error=error, address_is_gone=error.code == "subscription")
        if response.is_success:
            # The service's own number is an address that says who the guest is: ours does as well.
            return SendResult(message.local_id, provider_id=str(message.local_id))
        refusal, is_gone = _refusal(response)
        return SendResult(message.local_id, error=refusal, address_is_gone=is_gone)

    def _client(self, root: str) -> HttpClient:
        with self._lock:
            client = self._clients.get(root)
            if client is None:
                if len(self._clients) >= MAX_SERVICES:
                    self._clients.clear()  # those in use live until their calls are done
                client = self._clients[root] = HttpClient(root, timeout=TIMEOUT)
            return client


def _sealed(message: OutgoingMessage) -> tuple[str, bytes]:
    """Return the address and the encrypted content. Raises ``PermanentError``; code "subscription" when the
    subscription can never be used."""
    from pywebpush import WebPusher

    try:
        given = json.loads(message.recipient)
        endpoint, keys = str(given["endpoint"]), given["keys"]
        p256dh, auth = str(keys["p256dh"]), str(keys["auth"])
    except (ValueError, KeyError, TypeError):
        raise PermanentError("subscription is not readable", code="subscription") from None
    if not is_allowed(endpoint) or not are_browser_keys(p256dh, auth):
        raise PermanentError("subscription of no public push service", code="subscription")
    content = {
        "title": message.subject,
        "body": message.body,
        "url": message.url,
        # A second copy of the same message takes the place of the first on the phone.
        "tag": str(message.local_id),
    }
    payload = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    if len(payload) > LONGEST_PAYLOAD:
        raise PermanentError("text too long for a push message", code="length")
    pusher = WebPusher({"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}})
    return endpoint, bytes(pusher.encode(payload)["body"])


def _refusal(response: httpx.Response) -> tuple[GatewayError, bool]:
    """Return what a refusal means, and whether the subscription is gone. The service's words are not repeated."""
    status, code = response.status_code, str(response.status_code)
    if status in (404, 410):
        return PermanentError("the browser takes no messages any more", code=code), True
    if status in (400, 401, 403) and any(word in response.text for word in _FOREIGN):
        return PermanentError("the subscription belongs to another key", code=code), True
    if status == 503:
        pause = retry_after(response, SHORT_PAUSE)
        return RetryableError("the push service cannot take it now", code=code, pause=pause), False
    if 300 <= status < 400:
        return PermanentError("the push service sends us elsewhere", code=code), False
    return error_for_status(response), False


def _settle(results: list[SendResult]) -> list[SendResult]:
    """A refused signature beside accepted messages is a matter of that subscription, not of our key."""
    if not any(result.error is None for result in results):
        return results
    return [
        replace(result, error=PermanentError(result.error.text, code=result.error.code))
        if isinstance(result.error, AuthError) and result.error.code in {"401", "403"}
        else result
        for result in results
    ]
