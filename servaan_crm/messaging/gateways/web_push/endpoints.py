"""Which addresses a browser may name as its push service. A subscription comes from a stranger, so it must never
make this machine call an address of the house."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings

# The services behind the browsers; a name that begins with a dot stands for every host below it.
PUBLIC_SERVICES = (
    "fcm.googleapis.com",
    "android.googleapis.com",
    "updates.push.services.mozilla.com",
    ".push.services.mozilla.com",
    ".notify.windows.com",
    ".push.apple.com",
)
LONGEST = 1000
_SAFE = re.compile(r"[\x21-\x7e]+")


def is_allowed(endpoint: str) -> bool:
    """Whether ``endpoint`` is an https address of a public push service, or of this machine where the settings allow
    gateways there (``LOCAL_GATEWAYS``)."""
    if len(endpoint) > LONGEST or not _SAFE.fullmatch(endpoint) or "\\" in endpoint:
        return False
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.fragment:
        return False
    if settings.LOCAL_GATEWAYS and parts.scheme == "http" and host == "127.0.0.1":
        return True
    fits = any(host.endswith(name) if name.startswith(".") else host == name for name in PUBLIC_SERVICES)
    return parts.scheme == "https" and port in (None, 443) and fits


def origin(endpoint: str) -> str:
    """Scheme, host and port: whom a VAPID signature is for."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"
