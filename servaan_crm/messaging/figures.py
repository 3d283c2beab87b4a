"""How the café's accounts fare: credit, rest, limits, what they sent today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count
from django.utils import timezone

from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, Channel, GatewayState, Message, ProviderAccount
from servaan_crm.messaging.services.accounts import Account, account_of, list_accounts
from servaan_crm.messaging.services.caps import first_id
from servaan_crm.messaging.services.limits import Count as Counters
from servaan_crm.messaging.services.limits import count_of
from servaan_crm.messaging.services.providers import reaches

# Messages wait at most so long between being written and being sent that day.
_WAIT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """One account as it fares now.

    ``status``: ok, off, trying (its rest is over, one batch finds out), resting, or limit.
    ``limit_reached``: minute, day, month or "". Credit is in the account's currency.
    """

    account: Account
    name: str
    status: str
    sent_today: int
    credit: Decimal | None = None
    credit_at: datetime | None = None
    is_low: bool = False
    problem: str = ""
    problem_text: str = ""
    problem_since: datetime | None = None
    resting_until: datetime | None = None
    limit_reached: str = ""
    counters: Counters | None = None
    reaches_guests: bool = True


def list_account_figures(*, channel: str | None = None) -> list[AccountFigures]:
    """The accounts in use, of one ``channel`` when given, in the order they are tried."""
    wanted = [channel] if channel else list(Channel)
    accounts = [account for name in wanted for account in list_accounts(name)]
    keys = [account.key for account in accounts if account.key != DEFAULT_ACCOUNT]
    names = {
        str(pk): name for pk, name in ProviderAccount.objects.filter(pk__in=keys).values_list("pk", "name")
    }
    return _figures([(account, names.get(account.key, ""), True) for account in accounts])


def figures_of(rows: Sequence[ProviderAccount]) -> dict[str, AccountFigures]:
    """The figures of these accounts by their key, of inactive ones too; three queries."""
    known = [(account_of(row), row.name, row.is_active) for row in rows if row.adapter in ADAPTERS]
    return {figures.account.key: figures for figures in _figures(known)}


def low_credits() -> list[AccountFigures]:
    """Accounts in use whose credit is low or used up, for the warning on the home page."""
    if not GatewayState.objects.filter(low_since__isnull=False).exists():
        return []
    return [row for row in list_account_figures() if row.is_low]


def _figures(accounts: Sequence[tuple[Account, str, bool]]) -> list[AccountFigures]:
    keys = [account.key for account, _name, _active in accounts]
    states = GatewayState.objects.in_bulk(keys)
    sent = _sent_today(keys)
    return [
        _one(account, name, is_active, states.get(account.key), sent.get(account.key, 0))
        for account, name, is_active in accounts
    ]


def _one(
    account: Account, name: str, is_active: bool, state: GatewayState | None, sent_today: int
) -> AccountFigures:
    counters = count_of(state, account.key)
    limit = counters.reached(account.limits)
    until = state.blocked_until if state else None
    rests = until is not None and until > timezone.now()
    has_problem = state is not None and state.problem_since is not None
    status = "ok"
    if not is_active:
        status = "off"
    elif rests:
        status = "resting"
    elif has_problem:
        status = "trying"
    elif limit:
        status = "limit"
    return AccountFigures(
        account=account,
        name=name,
        status=status,
        sent_today=sent_today,
        credit=state.credit if state else None,
        credit_at=state.credit_at if state else None,
        is_low=bool(state and state.low_since),
        problem=state.problem_class if state and has_problem else "",
        problem_text=state.problem_text if state and has_problem else "",
        problem_since=state.problem_since if state else None,
        resting_until=until if rests else None,
        limit_reached=limit,
        counters=counters if account.limits else None,
        reaches_guests=reaches(type(account.gateway), get_locale().country),
    )


def _sent_today(keys: Sequence[str]) -> dict[str, int]:
    """Messages per account since the café's midnight; ids are ordered by time, so this is a range of the key."""
    midnight = local_day_bounds(local_date(timezone.now()), get_locale().tz)[0]
    rows = Message.objects.filter(
        pk__gte=first_id(midnight - _WAIT), sent_at__gte=midnight, provider_account__in=keys
    )
    return dict(rows.order_by().values_list("provider_account").annotate(count=Count("pk")))
