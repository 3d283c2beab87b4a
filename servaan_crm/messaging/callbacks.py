"""What providers call us with, translated. How they call is mostly unsourced, so every form is accepted."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.encoding import force_bytes

from servaan_crm.messaging.gateways.base import CallbackCall, CallbackContent
from servaan_crm.messaging.gateways.kavenegar import KavenegarGateway
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, ProviderAccount
from servaan_crm.messaging.services.accounts import Account, account_by_key, default_account
from servaan_crm.messaging.services.inbound import record_inbound
from servaan_crm.messaging.services.outcomes import record_reports
from servaan_crm.tenancy.current import get_cafe

_MAX_IDS = 500


@dataclass(frozen=True, slots=True)
class CallbackSource:
    """Whose callback it is, proven by the secret in its path."""

    account: Account


def default_callback_secret(key: str | bytes = "") -> str:
    """The secret of this café's callbacks while it uses the account of the settings. ``key``: an older secret key."""
    text = f"messaging.callback:{get_cafe().schema_name}"
    return hmac.new(force_bytes(key or settings.SECRET_KEY), text.encode(), hashlib.sha256).hexdigest()


def identify_source(provider: str, secret: str) -> CallbackSource | None:
    """The café's account with this secret, or None. All candidates are compared, each in constant time."""
    if provider not in ADAPTERS:
        return None
    rows = ProviderAccount.objects.filter(adapter=provider).values_list("pk", "callback_secret")
    candidates = [(str(key), own) for key, own in rows]
    if provider == KavenegarGateway.name:
        # Addresses entered before the key was renewed go on working as long as the old key does.
        keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        candidates += [(DEFAULT_ACCOUNT, default_callback_secret(key)) for key in keys]
    given = secret.encode()
    matches = [key for key, own in candidates if hmac.compare_digest(own.encode(), given)]
    if not matches:
        return None
    account = default_account() if matches[0] == DEFAULT_ACCOUNT else account_by_key(matches[0])
    return CallbackSource(account) if account else None


def read_call(request: HttpRequest) -> CallbackCall:
    """Everything the call carries, from query, form or JSON (an object or a list of objects)."""
    body = request.body
    query, form = request.GET.dict(), request.POST.dict()
    rows: list[dict[str, Any]] = [{**query, **form}]
    if request.content_type == "application/json":
        try:
            data = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            data = {}
        rows = [
            {**query, **row}
            for row in (data if isinstance(data, list) else [data])[:_MAX_IDS]
            if isinstance(row, dict)
        ]
    return CallbackCall(
        method=request.method or "",
        url=request.build_absolute_uri(),
        headers={name.lower(): value for name, value in request.headers.items()},
        query={key: str(value) for key, value in query.items()},
        form={key: str(value) for key, value in form.items()},
        body=body,
        rows=rows,
    )


def handle_call(source: CallbackSource, kind: str, call: CallbackCall) -> tuple[int, CallbackContent] | None:
    """Record what a provider's call says; returns how much was new and what it said.

    None: its signature does not fit.
    """
    gateway = source.account.gateway
    if not gateway.verify(call):
        return None
    content = gateway.read_callback(kind, call)
    changed = record_reports(content.reports, account=source.account) if content.reports else 0
    for text in content.inbound:
        changed += record_inbound(
            provider=source.account.adapter, message=text, channel=source.account.config.channel
        )
    return changed, content
