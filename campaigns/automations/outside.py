"""Calling another system's address: signed, tried until it is answered, and never one inside the house.

The address comes from a person, so it must not make this machine talk to its own network: https only, and the name is
resolved here, refused if any of its numbers is not public, and the connection goes to the very number that was
checked. ``HOOKS_ALLOW_LOOPBACK`` (tests) allows http to 127.0.0.1.

At least once: a call whose answer got lost is made again with the same ``delivery_id``, which the other side keeps to
tell. The signature is ``HMAC-SHA256(secret, "<timestamp>.<body>")`` in hexadecimal; the timestamp keeps old calls
from being played again.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
import socket
import ssl
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import HookCall

log = logging.getLogger(__name__)

TIMEOUT = 10  # seconds for the connection and for each read
LONGEST_TURN = 60  # seconds; slow addresses must not keep a worker from everybody else's work
MAX_ATTEMPTS = 10
LONGEST_PAUSE = timedelta(hours=6)
# A worker that has not recorded an outcome by then is dead, and the call is made again.
CLAIM = timedelta(minutes=2)


class AddressRefused(Exception):
    """The address does not lead to the public network."""


def check_address(url: str) -> None:
    """Raise ValidationError (key ``url``) unless ``url`` could be called at all; names are looked up when it is."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if _is_loopback(parts.scheme, host):
        return
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if parts.scheme != "https" or not host or not plain or len(url) > 500 or parts.username or port == 0:
        raise ValidationError({"url": [_("Give a whole address that begins with https://.")]})
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        local = "." not in host or host.endswith((".localhost", ".local", ".internal"))
    else:
        local = not _is_public(number)
    if local:
        raise ValidationError({"url": [_("This address is not on the public network.")]})


def _is_loopback(scheme: str, host: str) -> bool:
    return getattr(settings, "HOOKS_ALLOW_LOOPBACK", False) and scheme == "http" and host == "127.0.0.1"


# Translated to the IPv4 network of the house, where there is a translator.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def _is_public(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if number in _TRANSLATED:
        return False
    inner = getattr(number, "ipv4_mapped", None) or getattr(number, "sixtofour", None)
    return number.is_global and not number.is_multicast and (inner is None or inner.is_global)


def _resolve(host: str, port: int) -> str:
    """Return one number of ``host``. Raises AddressRefused when any of them is not public, OSError without any."""
    found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    if not all(_is_public(ipaddress.ip_address(number.split("%")[0])) for number in found):
        raise AddressRefused
    return sorted(found)[0]


class _Pinned(http.client.HTTPSConnection):
    """A connection to the number that was checked, with the certificate of the name."""

    def __init__(self, host: str, number: str, port: int) -> None:
        super().__init__(host, port, timeout=TIMEOUT, context=ssl.create_default_context())
        self._number = number

    def connect(self) -> None:
        plain = socket.create_connection((self._number, self.port), self.timeout)
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(plain, server_hostname=self.host)


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a call, in hexadecimal."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _post(call: HookCall) -> int:
    """Make the call and return the status of the answer; what it says is not read. Redirects are not followed."""
    parts = urlsplit(call.url)
    host = parts.hostname or ""
    body = json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode()
    stamp = int(timezone.now().timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Servaan-CRM",
        "X-Servaan-Delivery": str(call.pk),
        "X-Servaan-Timestamp": str(stamp),
        "X-Servaan-Signature": f"v1={sign(call.secret, stamp, body)}",
    }
    connection: http.client.HTTPConnection
    if _is_loopback(parts.scheme, host):
        connection = http.client.HTTPConnection(host, parts.port or 80, timeout=TIMEOUT)
    elif parts.scheme == "https":
        port = parts.port or 443
        connection = _Pinned(host, _resolve(host, port), port)
    else:
        raise AddressRefused
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def call_due(limit: int = 50) -> int:
    """Make the calls that are due, each outside any transaction; returns how many were answered well.

    A call is claimed by moving its next try behind the longest time it can take, so a dead worker's call is made
    again by another one.
    """
    done, until = 0, time.monotonic() + LONGEST_TURN
    for _turn in range(limit):
        call = _claim() if time.monotonic() < until else None
        if call is None:
            break
        done += _record(call, _try(call))
    return done


def _claim() -> HookCall | None:
    now = timezone.now()
    with transaction.atomic():
        rows = HookCall.objects.select_for_update(skip_locked=True).filter(
            state=HookCall.State.WAITING, next_at__lte=now
        )
        call = rows.order_by("next_at").first()
        if call is not None:
            call.attempts, call.next_at = call.attempts + 1, now + CLAIM
            call.save(update_fields=["attempts", "next_at", "updated_at"])
    return call


def _try(call: HookCall) -> str:
    """Return the status of the answer, or why there was none."""
    try:
        return str(_post(call))
    except AddressRefused:
        return "refused: not a public address"
    except (OSError, http.client.HTTPException, ValueError) as error:
        log.info("call %s: %s", call.pk, type(error).__name__)
        return f"no answer: {type(error).__name__}"


def _record(call: HookCall, outcome: str) -> bool:
    now, well = timezone.now(), outcome.startswith("2")
    values: dict[str, Any] = {"last_status": outcome[:100], "updated_at": now}
    if well:
        values["state"] = HookCall.State.DONE
    elif call.attempts >= MAX_ATTEMPTS or outcome == "410" or outcome.startswith("refused"):
        values["state"] = HookCall.State.FAILED
    else:
        values["next_at"] = now + pause_after(call.attempts)
    # Whoever came back late must not undo what the next worker has recorded.
    HookCall.objects.filter(pk=call.pk, state=HookCall.State.WAITING).update(**values)
    return well


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: half a minute, then twice as long each time, at most six hours."""
    return min(timedelta(seconds=30 * 2 ** (attempts - 1)), LONGEST_PAUSE)
