"""The end of messages whose validity is over, and why they had to wait so long.

The reason is decided by what holds a message back in the moment it ends: one statement for a thousand messages.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone, translation

from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging import reasons
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, Channel, GatewayState, Message, ProviderAccount
from servaan_crm.messaging.services.accounts import Account, account_of, list_accounts
from servaan_crm.messaging.services.claims import reach_of
from servaan_crm.messaging.services.limits import limit_reached
from servaan_crm.messaging.services.rules import get_rules

_BATCH = 1000
_EXPIRE = """
WITH account AS MATERIALIZED (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS a(key, channel, reach, trouble)),
due AS MATERIALIZED (
    SELECT id, channel, purpose, recipient, group_id, pinned, provider_account, expires_at, error_class
      FROM messaging_message WHERE state = 'queued' AND expires_at <= now()
     ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED),
fact AS (
    SELECT d.*, a.*, (d.expires_at AT TIME ZONE %s)::time AS clock,
           EXISTS (SELECT 1 FROM messaging_messagehold AS h WHERE h.group_id = d.group_id) AS is_held
      FROM due AS d CROSS JOIN LATERAL (
           SELECT count(*) AS accounts,
                  count(*) FILTER (WHERE fits) AS fitting,
                  count(*) FILTER (WHERE fits AND trouble = '') AS able,
                  count(DISTINCT trouble) FILTER (WHERE fits) AS troubles,
                  min(trouble) FILTER (WHERE fits) AS trouble
             FROM (SELECT a.trouble, (a.reach = '' OR d.recipient ~ a.reach)
                          AND (NOT d.pinned OR a.key = d.provider_account) AS fits
                     FROM account AS a WHERE a.channel = d.channel) AS f) AS a),
told AS (
    SELECT id, CASE
        WHEN is_held THEN 'paused'
        WHEN accounts = 0 THEN 'no_account'
        WHEN fitting = 0 THEN CASE WHEN pinned THEN 'off' ELSE 'no_reach' END
        WHEN able = 0 THEN CASE WHEN troubles = 1 THEN trouble ELSE 'accounts' END
        WHEN purpose = 'marketing' AND CASE WHEN %s < %s THEN clock >= %s AND clock < %s
             ELSE %s <> %s AND (clock >= %s OR clock < %s) END THEN 'quiet'
        WHEN error_class <> '' THEN 'tries'
        ELSE 'late' END AS code
      FROM fact)
UPDATE messaging_message AS m
   SET state = 'expired', error_class = 'expired', error_code = t.code, error_text = w.words, updated_at = now()
  FROM told AS t JOIN unnest(%s::text[], %s::text[]) AS w(code, words) USING (code)
 WHERE m.id = t.id
"""


class _Trouble(NamedTuple):
    """An account as it is now. ``reach``: a regular expression of the numbers it reaches; ``trouble`` why it cannot
    send, a code of ``reasons``, "" where nothing keeps it."""

    key: str
    channel: str
    reach: str
    trouble: str


def expire_overdue() -> int:
    """End the wait of messages whose validity is over, and note what they waited for; returns how many."""
    overdue = Message.objects.filter(state=Message.State.QUEUED, expires_at__lte=timezone.now())
    if not overdue.exists():
        return 0
    values = _values()
    total, ended = 0, _BATCH
    with connection.cursor() as cursor:
        while ended == _BATCH:
            cursor.execute(_EXPIRE, values)
            ended = int(cursor.rowcount)
            total += ended
    return total


def _values() -> list[Any]:
    columns = list(zip(*_troubles(), strict=True)) or [(), (), (), ()]
    rules, locale = get_rules(), get_locale()
    begin, end = rules.quiet_from, rules.quiet_to
    with translation.override(locale.language):
        words = {code: str(text) for code, text in reasons.EXPIRED.items()}
    return [
        *(list(column) for column in columns), _BATCH, str(locale.tz),
        begin, end, begin, end, begin, end, begin, end,
        list(words), list(words.values()),
    ]  # fmt: skip


def _troubles() -> list[_Trouble]:
    """Every account of the café, those switched off as well, and what keeps each from sending."""
    rows = [row for row in ProviderAccount.objects.all() if row.adapter in ADAPTERS]
    shared = [account for account in list_accounts(Channel.SMS) if account.key == DEFAULT_ACCOUNT]
    known = [(account_of(row), row.is_active) for row in rows] + [(account, True) for account in shared]
    states = GatewayState.objects.in_bulk([account.key for account, _active in known])
    return [
        _Trouble(
            account.key,
            account.config.channel,
            reach_of(account),
            _trouble(account, states.get(account.key)) if is_active else reasons.OFF,
        )
        for account, is_active in known
    ]


def _trouble(account: Account, state: GatewayState | None) -> str:
    if state is not None and state.problem_since is not None:
        by_class = {"credit": reasons.CREDIT, "auth": reasons.AUTH}
        return by_class.get(state.problem_class, reasons.REST)
    return reasons.LIMIT if limit_reached(account, state) else ""
