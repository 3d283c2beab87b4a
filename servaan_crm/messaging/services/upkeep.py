"""What is asked of every account from time to time: its credit, the numbers it may not write to, what guests wrote."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal

from django.db import connection

from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, parse_phone
from servaan_crm.messaging.gateways.base import AccountInfo, ErrorKind, Gateway, GatewayError
from servaan_crm.messaging.models import BlockedNumber, Channel, GatewayState, ProviderAccount
from servaan_crm.messaging.services.accounts import Account, clear_problem, list_accounts, note_problem
from servaan_crm.messaging.services.inbound import record_inbound

log = logging.getLogger(__name__)

_NOTE_CREDIT = """
INSERT INTO messaging_gatewaystate AS s
    (account, problem_class, problem_code, problem_text, credit, credit_at, low_since)
VALUES (%s, '', '', '', %s, now(), CASE WHEN %s THEN now() END)
ON CONFLICT (account) DO UPDATE SET
    credit = excluded.credit, credit_at = excluded.credit_at,
    low_since = CASE WHEN excluded.low_since IS NULL THEN NULL ELSE COALESCE(s.low_since, excluded.low_since) END
"""


def watch_balances() -> int:
    """Ask every account for its credit and note it; returns how many answered.

    A credit below the account's ``low_credit`` is a warning; none at all lets the account rest as a refused call does,
    and money in an account that rested for want of it wakes it up.
    """
    answered = 0
    lines = dict(ProviderAccount.objects.values_list("pk", "low_credit"))
    low = {str(key): value for key, value in lines.items()}
    for account in _all_accounts():
        if not account.gateway.has_credit:
            continue
        try:
            info = account.gateway.account_info()
        except GatewayError as error:
            if error.kind in {ErrorKind.AUTH, ErrorKind.CREDIT}:
                note_problem(account, error)
            log.info("account %s did not tell its credit: %s %s", account.key, error.kind, error.code)
            continue
        note_credit(account, info, low_credit=low.get(account.key))
        answered += 1
    return answered


def note_credit(account: Account, info: AccountInfo, *, low_credit: Decimal | None = None) -> None:
    """Write down what the provider said of the credit, in the account's currency."""
    if info.credit is None:
        return
    is_low = info.credit < (low_credit or 0) or info.credit <= 0
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_CREDIT, [account.key, info.credit, is_low])
    if info.credit <= 0:
        return
    stopped = GatewayState.objects.filter(account=account.key, problem_class=ErrorKind.CREDIT.value)
    rise = low_credit is None or info.credit >= low_credit
    if rise and stopped.exists() and clear_problem(account.key):
        log.info("account %s has credit again", account.key)


def sync_blocked_numbers() -> int:
    """Take over each provider's list of numbers that refuse the line; returns how many are listed.

    Numbers no longer listed leave our list too. Nothing is removed at the provider: a guest who wants messages again
    has to say so to the line itself.
    """
    total = 0
    for account in _all_accounts():
        if type(account.gateway).blocked_numbers is Gateway.blocked_numbers:
            continue
        try:
            found = account.gateway.blocked_numbers()
        except GatewayError as error:
            log.info("account %s did not tell its blocked numbers: %s", account.key, error.code)
            continue
        numbers = {number for raw in found if (number := _as_e164(raw))}
        rows = [BlockedNumber(account=account.key, recipient=number) for number in sorted(numbers)]
        BlockedNumber.objects.bulk_create(rows, batch_size=5_000, ignore_conflicts=True)
        BlockedNumber.objects.filter(account=account.key).exclude(recipient__in=numbers).delete()
        total += len(numbers)
    return total


def receive_messages() -> int:
    """Fetch what guests wrote from providers that can be asked; returns how many texts were new.

    The back-up of the providers' calls: a text that came both ways is kept once.
    """
    new = 0
    for account in _all_accounts():
        if type(account.gateway).receive is Gateway.receive:
            continue
        try:
            texts = account.gateway.receive()
        except GatewayError as error:
            log.info("account %s could not be asked for messages: %s", account.key, error.code)
            continue
        for text in texts:
            if text.sender:
                new += record_inbound(provider=account.adapter, message=text, channel=account.config.channel)
    return new


def _all_accounts() -> Iterator[Account]:
    for channel in Channel:
        yield from list_accounts(channel)


def _as_e164(raw: str) -> str | None:
    try:
        return parse_phone(raw, get_locale().phone_region)
    except PhoneError:
        log.info("a blocked number could not be read")
        return None
