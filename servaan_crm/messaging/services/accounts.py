"""Which provider accounts send for this café, in which order, and which of them rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from servaan_crm.messaging.gateways.base import Gateway, GatewayConfig
from servaan_crm.messaging.gateways.kavenegar import KavenegarGateway
from servaan_crm.messaging.gateways.registry import ADAPTERS, get_gateway
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, Channel, GatewayState, ProviderAccount
from servaan_crm.messaging.services.health import begin_probe, clear_problem, end_probe, note_problem
from servaan_crm.messaging.tariff import Tariff
from servaan_crm.tenancy.current import get_cafe
from servaan_crm.tenancy.selectors import public_origin

__all__ = [
    "Account",
    "Limits",
    "account_by_key",
    "begin_probe",
    "clear_problem",
    "default_account",
    "end_probe",
    "list_accounts",
    "note_problem",
    "usable_account",
    "usable_accounts",
]


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
    """A usable provider account. ``key`` is what ``Message.provider_account`` holds.

    ``has_problem``: it rested and nobody knows whether it is well again; ``failures``: calls that failed in a row.
    """

    key: str
    adapter: str
    config: GatewayConfig
    has_problem: bool = False
    failures: int = 0
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
    own = [account_of(row) for row in rows if row.adapter in ADAPTERS]
    if own or channel != Channel.SMS or not settings.KAVENEGAR_API_KEY:
        return own
    return [default_account()]


def default_account() -> Account:
    """The account of the settings; without a key it can send nothing."""
    config = GatewayConfig(
        settings.KAVENEGAR_BASE_URL,
        settings.KAVENEGAR_API_KEY,
        settings.KAVENEGAR_SENDER,
        options=tuple(sorted((f"template:{name}", own) for name, own in settings.SMS_TEMPLATES.items())),
    )
    return Account(DEFAULT_ACCOUNT, KavenegarGateway.name, config)


def account_of(row: ProviderAccount) -> Account:
    """The account a row describes."""
    options = tuple(sorted(json.loads(row.options or "{}").items()))
    config = GatewayConfig(
        row.base_url, row.api_key, row.sender, row.channel, options, callback_url=_callback_url(row)
    )
    return Account(
        str(row.pk),
        row.adapter,
        config,
        tariff=Tariff(row.tariff_persian, row.tariff_latin, row.operator_tariffs),
        limits=Limits(row.rate_per_minute, row.daily_limit, row.monthly_limit),
    )


def callback_path(row: ProviderAccount, kind: str) -> str:
    """The path of an account's address for what the provider tells of itself. ``kind``: see ``callback_kinds``."""
    return reverse("callbacks:provider", args=[row.adapter, kind, row.callback_secret])


def _callback_url(row: ProviderAccount) -> str:
    """The address for delivery reports of providers that want it with every message; "" where nobody can call it."""
    adapter = ADAPTERS.get(row.adapter)
    if adapter is None or not adapter.hands_over_callback:
        return ""
    origin = public_origin(get_cafe())
    return f"{origin}{callback_path(row, 'status')}" if origin.startswith("https://") else ""


def usable_accounts(channel: str = Channel.SMS) -> list[Account]:
    """The accounts of ``channel`` that are not resting, in order, with what is known of their health."""
    accounts = list_accounts(channel)
    states = _states(accounts)
    now = timezone.now()
    usable = []
    for account in accounts:
        state = states.get(account.key)
        if state is None:
            usable.append(account)
        elif state.blocked_until is None or state.blocked_until <= now:
            has_problem = state.problem_since is not None
            usable.append(replace(account, has_problem=has_problem, failures=state.failures))
    return usable


def usable_account(channel: str = Channel.SMS) -> Account | None:
    """The first of ``usable_accounts``."""
    return next(iter(usable_accounts(channel)), None)


def account_by_key(key: str) -> Account | None:
    """The account that once sent a message; an inactive one may still be asked about it."""
    if key == DEFAULT_ACCOUNT:
        return default_account() if settings.KAVENEGAR_API_KEY else None
    row = ProviderAccount.objects.filter(pk=key).first()
    if row is None or row.adapter not in ADAPTERS:
        return None
    return account_of(row)


def _states(accounts: Sequence[Account]) -> dict[str, GatewayState]:
    return GatewayState.objects.in_bulk([account.key for account in accounts]) if accounts else {}
