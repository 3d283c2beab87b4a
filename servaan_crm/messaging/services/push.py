"""Browsers of guests that take push messages: which key they subscribe to, who comes and who goes."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from servaan_crm.messaging.gateways.web_push.adapter import WebPushGateway
from servaan_crm.messaging.gateways.web_push.endpoints import is_allowed
from servaan_crm.messaging.gateways.web_push.keys import are_browser_keys, public_key
from servaan_crm.messaging.models import Channel, PushSubscription
from servaan_crm.messaging.services.accounts import list_accounts

MOST_BROWSERS = 10  # of one guest; the oldest makes room


def push_key() -> str:
    """Return the public key browsers subscribe with: the first push account's. "" when the café has none."""
    for account in list_accounts(Channel.PUSH):
        if account.adapter == WebPushGateway.name:
            try:
                return public_key(account.config.api_key)
            except ValueError:
                continue
    return ""


def has_browser(customer_id: UUID) -> bool:
    """Say whether any browser of the guest takes messages."""
    return PushSubscription.objects.filter(customer_id=customer_id, failed_at=None).exists()


def save_browser(*, customer_id: UUID, endpoint: str, p256dh: str, auth: str) -> PushSubscription:
    """Keep a subscription; the same browser again is the same row, and works again if it had failed.

    Args:
        endpoint: address at a public push service; ``p256dh`` and ``auth``: the browser's keys, base64url.

    Raises ValidationError for anything but a usable subscription.
    """
    if not is_allowed(endpoint) or not are_browser_keys(p256dh, auth):
        raise ValidationError({"endpoint": [_("This browser's push service is not supported.")]})
    values = {"customer_id": customer_id, "p256dh": p256dh, "auth": auth, "failed_at": None}
    with transaction.atomic():
        row, _created = PushSubscription.objects.update_or_create(endpoint=endpoint, defaults=values)
        older = PushSubscription.objects.filter(customer_id=customer_id).order_by("-updated_at", "-id")
        drop = [pk for pk in older.values_list("pk", flat=True)[MOST_BROWSERS:] if pk != row.pk]
        if drop:
            PushSubscription.objects.filter(pk__in=drop).delete()
    return row


def drop_browser(*, customer_id: UUID, endpoint: str) -> bool:
    """Forget one browser of the guest; False when it was none of this guest's."""
    deleted, _by_model = PushSubscription.objects.filter(customer_id=customer_id, endpoint=endpoint).delete()
    return bool(deleted)


def drop_browsers(customer_ids: Iterable[UUID]) -> int:
    """Forget all browsers of these guests; returns how many."""
    return PushSubscription.objects.filter(customer_id__in=list(customer_ids)).delete()[0]
