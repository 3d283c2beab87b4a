"""What providers call us with, translated. How they call is mostly unsourced, so every form is accepted."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from servaan_crm.messaging.gateways.base import InboundSms
from servaan_crm.messaging.gateways.kavenegar import KavenegarGateway
from servaan_crm.messaging.gateways.kavenegar_codes import delivery_state
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, SmsProvider
from servaan_crm.messaging.services.inbound import record_inbound
from servaan_crm.messaging.services.outcomes import record_delivery_reports
from servaan_crm.tenancy.current import get_cafe

PROVIDERS = frozenset({KavenegarGateway.name})
_MAX_IDS = 500


@dataclass(frozen=True, slots=True)
class CallbackSource:
    """Whose callback it is, proven by the secret in its path."""

    provider: str
    account: str


def default_callback_secret() -> str:
    """The secret of this café's callbacks while it uses the account of the settings."""
    text = f"messaging.callback:{get_cafe().schema_name}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def identify_source(provider: str, secret: str) -> CallbackSource | None:
    """The café's account with this secret, or None. All candidates are compared, each in constant time."""
    if provider not in PROVIDERS:
        return None
    rows = SmsProvider.objects.filter(adapter=provider).values_list("pk", "callback_secret")
    candidates = [(DEFAULT_ACCOUNT, default_callback_secret()), *((str(key), own) for key, own in rows)]
    given = secret.encode()
    matches = [key for key, own in candidates if hmac.compare_digest(own.encode(), given)]
    return CallbackSource(provider, matches[0]) if matches else None


def read_parameters(request: HttpRequest) -> list[dict[str, Any]]:
    """Everything the call carries, from query, form or JSON (an object or a list of objects)."""
    query = request.GET.dict()
    if request.content_type == "application/json":
        try:
            data = json.loads(request.body or b"{}")
        except (ValueError, RecursionError):
            data = {}
        rows = data if isinstance(data, list) else [data]
        return [{**query, **row} for row in rows[:_MAX_IDS] if isinstance(row, dict)]
    return [{**query, **request.POST.dict()}]


def handle_status(source: CallbackSource, rows: list[dict[str, Any]]) -> int:
    """Record delivery reports; ids may come as a comma-separated list. Returns how many messages changed."""
    reports = []
    for row in rows:
        status = str(row.get("status") or "")
        ids = str(row.get("messageid") or "").split(",")[:_MAX_IDS]
        reports += [(key.strip(), delivery_state(status), status) for key in ids]
    return record_delivery_reports(provider=source.provider, reports=reports, account=source.account)


def handle_receive(source: CallbackSource, rows: list[dict[str, Any]]) -> int:
    """Store inbound texts; returns how many were new. One without a number of its own cannot be told from its
    repetition, so it gets one made of its content."""
    stored = 0
    for row in rows:
        sender = str(row.get("from") or row.get("sender") or "")
        receiver = str(row.get("to") or row.get("receptor") or "")
        body = str(row.get("message") or "").replace("\x00", "")
        if not sender:
            continue
        content = hashlib.sha256("\n".join([sender, receiver, body]).encode()).hexdigest()
        message = InboundSms(str(row.get("messageid") or content), sender, receiver, body)
        stored += record_inbound(provider=source.provider, message=message)
    return stored
