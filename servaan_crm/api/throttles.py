"""Rate limits of seed 000, counted in the shared cache.

One Redis ``INCR`` per limit and request in a fixed window; with the cache gone nothing is limited,
because a café must be able to record visits then too.
"""

import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle


def _limit(name: str) -> int:
    cafe_settings = getattr(connection.tenant, "settings", None) or {}
    limits = cafe_settings.get("rate_limits") or {}
    return int(limits.get(name, settings.RATE_LIMITS[name]))


def _who(request: Request) -> str:
    user = request.user
    return str(user.pk) if user and user.is_authenticated else f"ip-{request.META.get('REMOTE_ADDR', '')}"


class WindowThrottle(BaseThrottle):
    """Counts requests per caller in windows of ``seconds``."""

    seconds = 60
    _wait = 1

    def area(self, request: Request, view: Any) -> str | None:
        """Return the name of the limit that applies to this view, or None."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        area = self.area(request, view)
        if area is None:
            return True
        now = int(time.time())
        window = now // self.seconds
        key = f"rate:{area}:{_who(request)}:{window}"
        count = self._count(key)
        self._wait = (window + 1) * self.seconds - now
        return count <= _limit(area)

    def _count(self, key: str) -> int:
        if cache.add(key, 1, timeout=self.seconds + 5):
            return 1
        try:
            return cache.incr(key)
        except ValueError:  # evicted, or Redis was emptied, since it was found a moment ago
            return 1

    def wait(self) -> int:
        return self._wait


class AreaThrottle(WindowThrottle):
    """Per minute and area; a view names its area in ``rate_area``."""

    def area(self, request: Request, view: Any) -> str | None:
        return getattr(view, "rate_area", None)


class UserHourlyThrottle(WindowThrottle):
    """The overall limit per user and hour."""

    seconds = 3600

    def area(self, request: Request, view: Any) -> str | None:
        return "user_hour"
