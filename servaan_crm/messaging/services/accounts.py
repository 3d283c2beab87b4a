"""Which provider account sends for this café, and how that account fares."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from servaan_crm.messaging.gateways.base import ErrorKind, Gateway, GatewayConfig, GatewayError
from servaan_crm.messaging.gateways.kavenegar import KavenegarGateway
from servaan_crm.messaging.gateways.registry import ADAPTERS, get_gateway
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, Channel, GatewayState, ProviderAccount
from servaan_crm.messaging.tariff import Tariff

log = logging.getLogger(__name__)

# How long an account rests before one batch tries again whether it was repaired.
_REST = {ErrorKind.CREDIT: timedelta(minutes=5), ErrorKind.AUTH: timedelta(minutes=15)}


@dataclass(frozen=True, slots=True)
class Limits:
    """Most messages of an account in a minute, a day and a month; None: no limit."""

    minute: int | None = None
    day: int | None = None
    month: int | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in (self.minute, self.day, self.month))


@dataclass(frozen=True, slots=True)
class Account:
    """A usable provider account. ``key`` is what ``Message.provider_account`` holds."""

    key: str
    adapter: str
    config: GatewayConfig
    has_problem: bool = False
    tariff: Tariff = field(default=Tariff(), repr=False)
    limits: Limits = Limits()

    @property
    def gateway(self) -> Gateway:
        """The live adapter of this process."""
        return get_gateway(self.adapter, self.config)


def list_accounts(channel: str = Channel.SMS) -> list[Account]:
    """The café's accounts for a channel in the order they are to be tried.

    A café without any SMS account uses the one in the settings.
    """
    rows = ProviderAccount.objects.filter(is_active=True, channel=channel).order_by("priority", "id")
    own = [_account(row) for row in rows if row.adapter in ADAPTERS]
    if own or channel != Channel.SMS or not settings.KAVENEGAR_API_KEY:
        return own
    return [default_account()]


def default_account() -> Account:
    """The account of the settings; without a key it can send nothing."""
    config = GatewayConfig(settings.KAVENEGAR_BASE_URL, settings.KAVENEGAR_API_KEY, settings.KAVENEGAR_SENDER)
    return Account(DEFAULT_ACCOUNT, KavenegarGateway.name, config)


def _account(row: ProviderAccount) -> Account:
    options = tuple(sorted(json.loads(row.options or "{}").items()))
    return Account(
        str(row.pk),
        row.adapter,
        GatewayConfig(row.base_url, row.api_key, row.sender, row.channel, options),
        tariff=Tariff(row.tariff_persian, row.tariff_latin, row.operator_tariffs),
        limits=Limits(row.rate_per_minute, row.daily_limit, row.monthly_limit),
    )


def usable_account(channel: str = Channel.SMS) -> Account | None:
    """The first account of ``channel`` that is not resting; ``has_problem`` tells whether it was in trouble before."""
    accounts = list_accounts(channel)
    if not accounts:
        return None
    troubled = dict(
        GatewayState.objects.filter(
            account__in=[account.key for account in accounts], problem_since__isnull=False
        ).values_list("account", "blocked_until")
    )
    now = timezone.now()
    for account in accounts:
        until = troubled.get(account.key)
        if until is None or until <= now:
            return replace(account, has_problem=account.key in troubled)
    return None


def account_by_key(key: str) -> Account | None:
    """The account that once sent a message; an inactive one may still be asked about it."""
    if key == DEFAULT_ACCOUNT:
        return default_account() if settings.KAVENEGAR_API_KEY else None
    row = ProviderAccount.objects.filter(pk=key).first()
    if row is None or row.adapter not in ADAPTERS:
        return None
    return _account(row)


def note_problem(account: Account, error: GatewayError) -> None:
    """Let the account rest if ``error`` is about the account rather than about a message."""
    pause = getattr(error, "pause", None)
    rest = _REST.get(error.kind) or (timedelta(seconds=pause) if pause else None)
    if rest is None:
        return
    log.warning("gateway account %s rests for %s: %s %s", account.key, rest, error.kind, error.code)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO messaging_gatewaystate AS s
                (account, blocked_until, problem_class, problem_code, problem_text, problem_since)
            VALUES (%s, now() + make_interval(secs => %s), %s, %s, %s, now())
            ON CONFLICT (account) DO UPDATE SET
                blocked_until = excluded.blocked_until,
                problem_class = excluded.problem_class,
                problem_code = excluded.problem_code,
                problem_text = excluded.problem_text,
                problem_since = COALESCE(s.problem_since, excluded.problem_since)
            """,
            [account.key, rest.total_seconds(), error.kind.value, error.code[:20], error.text[:200]],
        )


def clear_problem(account_key: str) -> bool:
    """Forget an account's problem, because it sends again or somebody says it is repaired. Returns whether
    there was one."""
    changed = GatewayState.objects.filter(account=account_key, problem_since__isnull=False).update(
        blocked_until=None, problem_class="", problem_code="", problem_text="", problem_since=None
    )
    return bool(changed)
