"""The shared cache. It may vanish at any time; then everything is a miss, and nothing fails."""

import logging
import time
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
_PAUSE_SECONDS = 2.0


class CafeRedisCache(RedisCache):
    """Redis cache whose outage reads as an empty cache.

    After an error Redis is left alone for two seconds, so that a dead host does not cost a connection
    time-out per request.
    """

    _down_until = 0.0

    def _try(self, fallback: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < CafeRedisCache._down_until:
            return fallback
        try:
            return getattr(super(), method)(*args, **kwargs)
        except RedisError as error:
            CafeRedisCache._down_until = time.monotonic() + _PAUSE_SECONDS
            log.warning("cache unavailable: %s", type(error).__name__)
            return fallback

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._try(default, "get", key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._try(None, "set", *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return self._try(False, "add", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return self._try(False, "delete", *args, **kwargs)

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        return self._try(0, "incr", key, delta, version)

    def get_many(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return self._try({}, "get_many", *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> list[str]:
        return self._try([], "set_many", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return self._try(False, "touch", *args, **kwargs)
