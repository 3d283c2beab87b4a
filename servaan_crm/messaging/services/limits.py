"""How many messages may still leave: per account in a minute, a day and a month; for advertising in a minute.

The counters stand in one row per account. It is locked while a worker claims, and only where there is a limit, so that
any number of workers together never pass it. A day and a month are the café's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from servaan_crm.l10n.jalali import local_date, month_bounds
from servaan_crm.messaging.models import GatewayState
from servaan_crm.messaging.services.accounts import Account, Limits

# The row that counts the café's advertising of all accounts together.
MARKETING = "marketing"
MINUTE = timedelta(minutes=1)

_CREATE = """
INSERT INTO messaging_gatewaystate (account, problem_class, problem_code, problem_text) VALUES (%s, '', '', '')
ON CONFLICT (account) DO NOTHING
"""
_LOCK = """
SELECT minute_from, minute_count, day_from, day_count, month_from, month_count, clock_timestamp()
  FROM messaging_gatewaystate WHERE account = %s FOR UPDATE
"""
_GIVE_BACK = """
UPDATE messaging_gatewaystate SET
       minute_count = GREATEST(minute_count - CASE WHEN minute_from = %s THEN %s ELSE 0 END, 0),
       day_count = GREATEST(day_count - CASE WHEN day_from = %s THEN %s ELSE 0 END, 0),
       month_count = GREATEST(month_count - CASE WHEN month_from = %s THEN %s ELSE 0 END, 0)
 WHERE account = %s
"""


@dataclass(frozen=True, slots=True)
class Count:
    """The windows an account is in (minute since its first message, day, month) and what was taken in each."""

    account: str
    minute_from: datetime
    minute: int
    day_from: date
    day: int
    month_from: date
    month: int

    def room(self, limits: Limits) -> int | None:
        """How many more may leave now; None: as many as there are."""
        pairs = ((limits.minute, self.minute), (limits.day, self.day), (limits.month, self.month))
        rooms = [most - taken for most, taken in pairs if most is not None]
        return max(min(rooms), 0) if rooms else None

    def reached(self, limits: Limits) -> str:
        """Which limit is used up: "month", "day", "minute", or "" while there is room."""
        pairs = (
            ("month", limits.month, self.month),
            ("day", limits.day, self.day),
            ("minute", limits.minute, self.minute),
        )
        return next((name for name, most, taken in pairs if most is not None and taken >= most), "")


def lock_count(account: str) -> Count:
    """The counters of an account, locked until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE, [account])
        cursor.execute(_LOCK, [account])
        row = cursor.fetchone()
    return _count(account, *row)


def count_of(state: GatewayState | None, account: str) -> Count:
    """The counters as they stand now, for reading."""
    if state is None:
        return _count(account, None, 0, None, 0, None, 0, timezone.now())
    return _count(
        account,
        state.minute_from,
        state.minute_count,
        state.day_from,
        state.day_count,
        state.month_from,
        state.month_count,
        timezone.now(),
    )


def take(count: Count, number: int) -> None:
    """Note that ``number`` messages were claimed; the row is locked by ``lock_count``."""
    GatewayState.objects.filter(account=count.account).update(
        minute_from=count.minute_from,
        minute_count=count.minute + number,
        day_from=count.day_from,
        day_count=count.day + number,
        month_from=count.month_from,
        month_count=count.month + number,
    )


def give_back(count: Count, number: int) -> None:
    """Undo ``take`` for messages that did not leave, in those windows that have not ended since."""
    if not number:
        return
    values: list[Any] = [
        count.minute_from,
        number,
        count.day_from,
        number,
        count.month_from,
        number,
        count.account,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, values)


def limit_reached(account: Account, state: GatewayState | None) -> str:
    """Which limit keeps ``account`` from sending now: "month", "day", "minute" or "" for none."""
    return count_of(state, account.key).reached(account.limits)


def _count(
    account: str,
    minute_from: datetime | None,
    minute: int,
    day_from: date | None,
    day: int,
    month_from: date | None,
    month: int,
    now: datetime,
) -> Count:
    today = local_date(now)
    first = month_bounds(today)[0]
    if minute_from is None or not minute_from <= now < minute_from + MINUTE:
        minute_from, minute = now, 0
    return Count(
        account,
        minute_from,
        minute,
        today,
        day if day_from == today else 0,
        first,
        month if month_from == first else 0,
    )
