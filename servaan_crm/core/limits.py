"""How often a page without a login may be asked for; counted in the shared cache.

A fixed window (a minute, unless said otherwise) per area and caller. With the cache gone nothing is limited: a guest
who wants no more messages must be able to say so then, too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from hashlib import sha256

from django.conf import settings
from django.core.cache import cache
from django.db import connection

WINDOW = 60


def seconds_to_wait(callers: Mapping[str, str], *, window: int = WINDOW) -> int:
    """Count one request of each caller; return the seconds to wait once one is over its limit, else 0.

    Each is counted whatever the others say: one who changes addresses still meets the limit of the link.

    Args:
        callers: area (a key of ``settings.RATE_LIMITS``, requests per window) → who asks.
        window: its length in seconds.
    """
    now = int(time.time())
    number = now // window
    over = [
        _count(f"rate:{area}:{_mark(who)}:{number}", window) > _limit(area) for area, who in callers.items()
    ]
    return (number + 1) * window - now if any(over) else 0


def _mark(who: str) -> str:
    """A link is a key to somebody's page: the cache needs to tell links apart, not to know them."""
    return sha256(who.encode(errors="replace")).hexdigest()[:24]


def _limit(area: str) -> int:
    limits = (getattr(getattr(connection, "tenant", None), "settings", None) or {}).get("rate_limits") or {}
    return int(limits.get(area, settings.RATE_LIMITS[area]))


def _count(key: str, window: int) -> int:
    if cache.add(key, 1, timeout=window + 5):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # evicted, or Redis was emptied, since it was found a moment ago
        return 1
