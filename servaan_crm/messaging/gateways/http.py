"""The way to a provider over HTTP: one pooled client per account, and what its accidents mean.

Whether a message may be out after a failed call depends on how far the request came. Only errors that happen before
anything left this machine are ``RetryableError``; every other silence is ``UnknownOutcomeError``.

No address reaches a log line or an error text: keys, numbers and texts stand in some of them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from servaan_crm.messaging.gateways.base import (
    AuthError,
    CreditError,
    GatewayError,
    PermanentError,
    RetryableError,
    UnknownOutcomeError,
)

CONNECT_PAUSE = 15  # seconds of rest when nobody answers at all
SHORT_PAUSE = 60  # seconds of rest after "cannot answer now"
LONG_PAUSE = 300  # seconds of rest after "too many calls", where the provider names no time itself
LONGEST_PAUSE = 3600
TEXT_LENGTH = 200

TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)
LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8, keepalive_expiry=15.0)
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
# What a provider's sentence may echo: addresses, e-mail addresses, and numbers long enough to be a phone's or an id's.
_PRIVATE = re.compile(r"https?://\S+|\S+@\S+|\+?[0-9۰-۹٠-٩][0-9۰-۹٠-٩\-() ]{4,}[0-9۰-۹٠-٩]")


class _DropUrls(logging.Filter):
    """httpx and httpcore print full URLs and heads, and ours hold keys: only warnings may pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


for _name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_DropUrls())


class HttpClient:
    """The connections of one account. Safe to share between threads, not across a fork.

    Args:
        base_url: root of the provider, without a slash at its end.
        headers: sent with every call; may hold the key.
        auth: (user, password) for Basic authentication.
        timeout: seconds, instead of ``TIMEOUT``.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: httpx.Timeout | float | None = None,
    ) -> None:
        self.root = base_url.rstrip("/")
        headers = {name: value.strip() for name, value in (headers or {}).items()}
        # A key pasted with a Persian letter or a line break cannot be sent; that is said by the first call.
        self._has_bad_header = not all(_PRINTABLE.fullmatch(value) for value in headers.values())
        self._client = httpx.Client(
            headers={} if self._has_bad_header else headers,
            auth=auth,
            timeout=timeout or TIMEOUT,
            limits=LIMITS,
            trust_env=not is_local(self.root),
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close()

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Call ``<base_url>/<path>``; ``content`` as for httpx: params, data, json, headers, content.

        Raises:
            RetryableError: nothing left this machine.
            UnknownOutcomeError: the call ended without an answer, so it may have taken effect.
            AuthError: the address or a key cannot be sent as it is.
        """
        if self._has_bad_header:
            raise AuthError("the key holds characters that cannot be sent", code="key")
        try:
            return self._client.request(method, f"{self.root}/{path}", **content)
        except _NOTHING_SENT as error:
            text = f"no connection: {type(error).__name__}"
            raise RetryableError(text, code="connect", pause=CONNECT_PAUSE) from None
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(f"no answer: {type(error).__name__}", code="transport") from None
        except (httpx.InvalidURL, UnicodeError):
            raise AuthError("base URL or key is malformed", code="url") from None

    def get(self, path: str, **content: Any) -> httpx.Response:
        """``request`` with GET."""
        return self.request("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:
        """``request`` with POST."""
        return self.request("POST", path, **content)


def is_local(url: str) -> bool:
    """Whether ``url`` is on this machine, so that no proxy of the environment may stand in between."""
    try:
        return urlsplit(url).hostname in _LOCAL_HOSTS
    except ValueError:
        return False


def read_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer, whatever its HTTP status.

    Raises the error of the HTTP status when there is none to read; an unreadable 2xx or 5xx is an unknown outcome.
    """
    try:
        payload = response.json()
    except (ValueError, RecursionError):
        payload = None
    if isinstance(payload, dict):
        return payload
    if response.is_success:
        raise UnknownOutcomeError("answer is not readable", code=str(response.status_code))
    raise error_for_status(response)


def error_for_status(response: httpx.Response, message: str = "", *, code: str = "") -> GatewayError:
    """The typed error of an HTTP status other than 2xx, for providers whose own code says nothing better.

    Args:
        message: the provider's sentence; cleaned here. code: its own code, instead of the HTTP status.
    """
    status = response.status_code
    text, label = clean(message) or f"HTTP {status}", code or str(status)
    if status == 429:
        return RetryableError(text, code=label, pause=retry_after(response, LONG_PAUSE))
    if status == 402:
        return CreditError(text, code=label)
    # A moved or missing address, a refused key, a forbidden method: the set-up is at fault, no message is.
    if status in {401, 403, 404, 405, 407, 410} or 300 <= status < 400:
        return AuthError(text, code=label)
    if status in {408, 425}:
        return RetryableError(text, code=label, pause=SHORT_PAUSE)
    if 400 <= status < 500:
        return PermanentError(text, code=label)
    return UnknownOutcomeError(text, code=label)


def retry_after(response: httpx.Response, default: int) -> int:
    """Seconds the provider asks us to wait (``Retry-After``), at most an hour; ``default`` where it says nothing."""
    value = response.headers.get("retry-after", "")
    return max(1, min(int(value), LONGEST_PAUSE)) if value.isascii() and value.isdigit() else default


def clean(text: object) -> str:
    """A provider's sentence fit for logs and screens: without addresses and long numbers, at most 200 letters."""
    # Cut first: an answer may be a whole page, and the pattern is slow on long words.
    plain = " ".join(str(text or "")[: 5 * TEXT_LENGTH].replace("\x00", "").split())
    return _PRIVATE.sub("…", plain)[:TEXT_LENGTH]
