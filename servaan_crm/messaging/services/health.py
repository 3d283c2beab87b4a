"""How an account fares: the circuit breaker of each provider account.

An account with a problem rests. Calls that fail one after the other let it rest longer and longer; when its rest is
over, one small batch of one worker finds out whether it is well again.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from servaan_crm.messaging.gateways.base import ErrorKind, GatewayError
from servaan_crm.messaging.models import GatewayState

if TYPE_CHECKING:
    from servaan_crm.messaging.services.accounts import Account

log = logging.getLogger(__name__)

# How long an account rests before one small batch tries again whether it was repaired.
_REST = {ErrorKind.CREDIT: timedelta(minutes=5), ErrorKind.AUTH: timedelta(minutes=15)}
FIRST_REST = 15  # seconds after calls without an answer; doubles with every failure
LONGEST_REST = 900  # unless the provider itself asks for more
# A lost answer happens on any network; so many in a row do not.
UNANSWERED_ALLOWED = 2
# Longer than one slow call: nobody else tries while somebody finds out.
PROBE_TIME = timedelta(seconds=90)

_FAIL = """
INSERT INTO messaging_gatewaystate AS s (account, failures, problem_class, problem_code, problem_text)
VALUES (%s, 1, '', '', '')
ON CONFLICT (account) DO UPDATE SET
    failures = LEAST(s.failures + CASE WHEN %s OR s.blocked_until IS NULL OR s.blocked_until <= now()
                                       THEN 1 ELSE 0 END, 1000)
RETURNING failures
"""
_PAUSE = """
INSERT INTO messaging_gatewaystate AS s
    (account, blocked_until, problem_class, problem_code, problem_text, problem_since)
VALUES (%s, now() + make_interval(secs => %s), %s, %s, %s, now())
ON CONFLICT (account) DO UPDATE SET
    blocked_until = CASE WHEN %s THEN excluded.blocked_until
                         ELSE GREATEST(s.blocked_until, excluded.blocked_until) END,
    problem_class = excluded.problem_class,
    problem_code = excluded.problem_code,
    problem_text = excluded.problem_text,
    problem_since = COALESCE(s.problem_since, excluded.problem_since)
"""


def note_problem(account: Account, error: GatewayError, *, probed: bool = False) -> bool:
    """Let the account rest if ``error`` is about the account rather than about a message; returns whether it rests.

    No credit and a refused key rest for a fixed time. A plea for a pause, no connection and no answer count as
    failures: each one in a row doubles the rest. ``probed``: the call was the try after a rest.
    """
    pause = getattr(error, "pause", None)
    fixed = _REST.get(error.kind)
    if fixed is None and pause is None and error.kind is not ErrorKind.UNKNOWN:
        return False
    with transaction.atomic(), connection.cursor() as cursor:
        if fixed is not None:
            seconds = fixed.total_seconds()
        else:
            cursor.execute(_FAIL, [account.key, probed])
            seconds = _rest(int(cursor.fetchone()[0]), pause)
        if not seconds:
            return False
        told = [error.kind.value, error.code[:20], error.text[:200]]
        cursor.execute(_PAUSE, [account.key, seconds, *told, probed])
    log.warning("gateway account %s rests for %d s: %s %s", account.key, seconds, error.kind, error.code)
    return True


def _rest(failures: int, pause: int | None) -> float:
    """Seconds of rest after so many failures in a row. ``pause``: what the provider or the adapter asked for."""
    if pause is None:
        steps = failures - UNANSWERED_ALLOWED - 1
        return 0.0 if steps < 0 else float(min(FIRST_REST * 2 ** min(steps, 10), LONGEST_REST))
    return float(max(pause, min(pause * 2 ** min(failures - 1, 10), LONGEST_REST)))


def clear_problem(account_key: str) -> bool:
    """Forget an account's problem, because it sends again or somebody says it is repaired. Returns whether
    there was one."""
    states = GatewayState.objects.filter(account=account_key)
    states.filter(failures__gt=0).update(failures=0)
    changed = states.filter(problem_since__isnull=False).update(
        blocked_until=None, problem_class="", problem_code="", problem_text="", problem_since=None
    )
    return bool(changed)


def begin_probe(account: Account) -> bool:
    """Take the one try after a rest; False when somebody else has it."""
    now = timezone.now()
    rested = GatewayState.objects.filter(
        account=account.key, problem_since__isnull=False, blocked_until__lte=now
    )
    return bool(rested.update(blocked_until=now + PROBE_TIME))


def end_probe(account_key: str) -> None:
    """Give the try back: there was nothing to send, or it proved nothing."""
    resting = GatewayState.objects.filter(account=account_key, problem_since__isnull=False)
    resting.update(blocked_until=timezone.now())
