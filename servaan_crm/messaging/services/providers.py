"""The café's provider accounts: made, changed, tried out, removed. Keys go in and never come out."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from servaan_crm.core.actors import Actor
from servaan_crm.core.context import request_id
from servaan_crm.core.db import write
from servaan_crm.core.errors import DomainError, NotFound
from servaan_crm.core.models import AuditEntry
from servaan_crm.messaging.gateways.base import Gateway, GatewayError, Setting
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import (
    BlockedNumber,
    Channel,
    EarlyReport,
    GatewayState,
    Message,
    ProviderAccount,
    new_callback_secret,
)
from servaan_crm.messaging.provider_templates import LABELS, OPTION
from servaan_crm.messaging.services.accounts import account_of, clear_problem
from servaan_crm.messaging.services.health import note_problem
from servaan_crm.messaging.services.upkeep import note_credit
from servaan_crm.messaging.tariff import OPERATORS

FIELDS = (
    "name", "base_url", "sender", "priority", "is_active", "tariff_persian", "tariff_latin", "operator_tariffs",
    "rate_per_minute", "daily_limit", "monthly_limit", "low_credit",
)  # fmt: skip
_LIMITS = ("rate_per_minute", "daily_limit", "monthly_limit")
_LONGEST_OPTION = 4000


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying an account out. ``text`` is the provider's own sentence when it refused.

    ``is_proven`` False: nothing speaks against it, but the provider has no question by which a key is tested.
    """

    ok: bool
    credit: Decimal | None = None
    is_proven: bool = True
    code: str = ""
    text: str = ""


def settings_of(adapter: str, channel: str) -> list[Setting]:
    """The fields of an account's form: the adapter's own, and the names of its templates for service messages."""
    gateway = ADAPTERS[adapter]
    own = list(gateway.settings)
    if gateway.has_templates and channel == Channel.SMS:
        own += [
            Setting(
                OPTION + name,
                label,
                is_required=False,
                help_text=_("Its name in the provider's panel. Left empty, a plain text is sent."),
            )
            for name, label in LABELS.items()
        ]
    return own


def get_provider(provider_id: UUID) -> ProviderAccount:
    """Raises NotFound."""
    row = ProviderAccount.objects.filter(pk=provider_id).first()
    if row is None:
        raise NotFound(details={"provider_id": str(provider_id)})
    return row


def create_provider(
    *, actor: Actor, adapter: str, channel: str, values: Mapping[str, Any], options: Mapping[str, str]
) -> ProviderAccount:
    """Make an account.

    Args:
        adapter: a key of ``ADAPTERS``; ``channel``: one it serves.
        values: some of ``FIELDS``, and ``api_key``. options: the adapter's own settings by key.

    Raises ValidationError; what belongs to an option is named ``options.<key>``.
    """
    row = ProviderAccount(adapter=adapter, channel=channel)
    return _save(actor, row, values, options, action="INSERT")


def update_provider(
    *, actor: Actor, provider_id: UUID, values: Mapping[str, Any], options: Mapping[str, str]
) -> ProviderAccount:
    """Change an account; what is not given stays, and so does a secret that is given empty.

    Provider and channel stay: an account elsewhere is another account. Raises NotFound, ValidationError.
    """
    return _save(actor, get_provider(provider_id), values, options, action="UPDATE")


def delete_provider(*, actor: Actor, provider_id: UUID) -> ProviderAccount:
    """Remove an account. Raises NotFound, and DomainError while it has messages whose outcome only it can tell."""
    with write(actor):
        row = get_provider(provider_id)
        key = str(row.pk)
        held = Message.objects.filter(provider_account=key, state__in=["claimed", "unknown"])
        pinned = Message.objects.filter(provider_account=key, state="queued", pinned=True)
        if held.exists() or pinned.exists():
            raise DomainError(
                _("Messages of this account are still being checked. Switch it off now and remove it later."),
                details={"provider_id": key},
            )
        _note(actor, row, "DELETE", ["name"])
        row.delete()
        for model in (GatewayState, BlockedNumber, EarlyReport):
            model.objects.filter(account=key).delete()
        row.id = provider_id
    return row


def renew_callback_secret(*, actor: Actor, provider_id: UUID) -> ProviderAccount:
    """Give the account new addresses for the provider's calls; the old ones stop at once. Raises NotFound."""
    with write(actor):
        row = get_provider(provider_id)
        row.callback_secret = new_callback_secret()
        row.save(update_fields=["callback_secret", "updated_at"])
        _note(actor, row, "UPDATE", ["callback_secret"])
    return row


def test_provider(*, provider_id: UUID) -> Trial:
    """Ask the provider who we are; sends nothing. A right answer ends the account's rest. Raises NotFound."""
    row = get_provider(provider_id)
    account = account_of(row)
    try:
        info = account.gateway.account_info()
    except GatewayError as error:
        note_problem(account, error)
        return Trial(False, code=error.code, text=error.text)
    if account.gateway.has_credit:  # else nobody asks again, and a warning would stand for ever
        note_credit(account, info, low_credit=row.low_credit)
    if info.is_proven and (info.credit is None or info.credit > 0):
        clear_problem(account.key)
    return Trial(True, info.credit, info.is_proven)


test_provider.__test__ = False  # type: ignore[attr-defined]  # a service, not a test


def _save(
    actor: Actor,
    row: ProviderAccount,
    values: Mapping[str, Any],
    options: Mapping[str, str],
    *,
    action: str,
) -> ProviderAccount:
    errors = _check_kind(row)
    changed = [name for name in FIELDS if name in values and getattr(row, name) != values[name]]
    for name in FIELDS:
        if name in values:
            setattr(row, name, values[name])
    if key := str(values.get("api_key") or "").strip():
        row.api_key = key
        changed.append("api_key")
    elif action == "INSERT" and not errors:
        row.api_key = ADAPTERS[row.adapter].first_api_key()
    if not errors:
        row.api_key = row.api_key or ADAPTERS[row.adapter].first_api_key()
        changed += _set_options(row, options, errors)
        _check_values(row, errors)
    if errors:
        raise ValidationError(errors)
    row.full_clean(validate_constraints=False, exclude=["id", "options"])
    with write(actor):
        row.save()
        _note(actor, row, action, changed)
    return row


def _check_kind(row: ProviderAccount) -> dict[str, list[str]]:
    gateway = ADAPTERS.get(row.adapter)
    if gateway is None:
        return {"adapter": [_("Choose one of: %(values)s.") % {"values": ", ".join(ADAPTERS)}]}
    if row.channel not in gateway.channels:
        legal = ", ".join(sorted(gateway.channels))
        return {"channel": [_("Choose one of: %(values)s.") % {"values": legal}]}
    return {}


def _set_options(row: ProviderAccount, given: Mapping[str, str], errors: dict[str, list[str]]) -> list[str]:
    """Put the given settings into the row; returns the names of those that changed."""
    known = {setting.key: setting for setting in settings_of(row.adapter, row.channel)}
    stored: dict[str, str] = json.loads(row.options or "{}")
    before = dict(stored)
    for key, value in given.items():
        setting = known.get(key)
        text = str(value).strip()
        if setting is None:
            errors[f"options.{key}"] = [_("This provider has no such setting.")]
        elif len(text) > _LONGEST_OPTION:
            errors[f"options.{key}"] = [_("This is too long.")]
        elif setting.choices and text and text not in {choice for choice, _label in setting.choices}:
            errors[f"options.{key}"] = [_("Choose one of the list.")]
        elif text or not setting.is_secret:
            stored[key] = text
    stored = {key: value for key, value in stored.items() if value and key in known}
    for key, setting in known.items():
        if setting.is_required and not stored.get(key):
            errors.setdefault(f"options.{key}", [_("This is needed.")])
    row.options = json.dumps(stored, ensure_ascii=False, sort_keys=True) if stored else ""
    return [
        f"options.{key}"
        for key in sorted(before.keys() | stored.keys())
        if before.get(key) != stored.get(key)
    ]


def _check_values(row: ProviderAccount, errors: dict[str, list[str]]) -> None:
    gateway = ADAPTERS[row.adapter]
    if gateway.needs_api_key and not row.api_key:
        errors["api_key"] = [_("Enter the API key.")]
    if gateway.needs_sender and not row.sender.strip():
        errors["sender"] = [_("Enter the line messages come from.")]
    for name in _LIMITS:
        if getattr(row, name) == 0:
            errors[name] = [_("At least 1, or empty for no limit.")]
    if row.base_url and not _is_public(row.base_url):
        errors["base_url"] = [_("Only public addresses that begin with https://.")]
    if problem := _operator_problem(row.operator_tariffs):
        errors["operator_tariffs"] = [problem]


def _is_public(url: str) -> bool:
    """Whether a server of ours may be sent there: not into our own network, and not in clear."""
    if settings.LOCAL_GATEWAYS:
        return True
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" and ipaddress.ip_address(host).is_global
    except ValueError:
        return (
            parts.scheme == "https"
            and "." in host
            and not host.endswith((".local", ".internal", ".localhost"))
        )


def _operator_problem(tariffs: Any) -> str:
    if not isinstance(tariffs, dict) or set(tariffs) - set(OPERATORS):
        return _("Operators are: %(names)s.") % {"names": ", ".join(OPERATORS)}
    for prices in tariffs.values():
        if not isinstance(prices, dict) or set(prices) - {"persian", "latin"}:
            return _("Prices are “persian” and “latin”.")
        for price in prices.values():
            try:
                is_good = 0 <= Decimal(str(price)) < 10**9
            except ArithmeticError:
                is_good = False
            if not is_good:
                return _("Prices are numbers from 0.")
    return ""


def _note(actor: Actor, row: ProviderAccount, action: str, changed: list[str]) -> None:
    """Leave a trace that names what changed; values of keys and addresses stay out of it."""
    AuditEntry.objects.create(
        table_name=ProviderAccount._meta.db_table,
        row_id=str(row.pk),
        action=action,
        new={"name": row.name, "adapter": row.adapter, "channel": row.channel, "changed": changed},
        actor_id=str(actor.user_id or ""),
        actor_name=actor.name,
        request_id=request_id.get(),
    )


def reached_countries(adapter: str) -> frozenset[str]:
    """ISO codes of the countries an adapter reaches; empty: everywhere, "-IR": everywhere but there."""
    return ADAPTERS[adapter].countries


def reaches(adapter: type[Gateway], country: str) -> bool:
    """Whether guests of ``country`` (ISO code) get messages through this adapter."""
    if f"-{country}" in adapter.countries:
        return False
    within = {name for name in adapter.countries if not name.startswith("-")}
    return not within or country in within
