"""Identifiers: time-ordered, so that a ten-million-row index grows at its end."""

import os
import secrets
import threading
import time
import uuid

from uuid_utils.compat import uuid7 as _uuid7

_SNOWFLAKE_EPOCH_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
_SNOWFLAKE_RANDOM_BITS = 22


def uuid7() -> uuid.UUID:
    """Return a new time-ordered UUID (version 7, RFC 9562)."""
    return _uuid7()


_snowflake_lock = threading.Lock()
_last_snowflake = 0


def snowflake() -> int:
    """Return a positive 63-bit number: 41 bits of milliseconds since 2024, then 22 bits that begin at random.

    Cafés that share one provider account also share its name space for client-side message numbers,
    so the number must not repeat across schemas; a per-schema sequence would. Within a process numbers only
    grow: thousands are drawn in one millisecond for a campaign, where random bits alone would collide.
    """
    global _last_snowflake
    milliseconds = time.time_ns() // 1_000_000 - _SNOWFLAKE_EPOCH_MS
    fresh = milliseconds << _SNOWFLAKE_RANDOM_BITS | secrets.randbits(_SNOWFLAKE_RANDOM_BITS)
    with _snowflake_lock:
        same_moment = fresh >> _SNOWFLAKE_RANDOM_BITS <= _last_snowflake >> _SNOWFLAKE_RANDOM_BITS
        _last_snowflake = _last_snowflake + 1 if same_moment else fresh
        return _last_snowflake


def _forget_last_snowflake() -> None:
    global _last_snowflake
    _last_snowflake = 0


# A forked worker would otherwise count on from its parent's number, side by side with its siblings.
os.register_at_fork(after_in_child=_forget_last_snowflake)
