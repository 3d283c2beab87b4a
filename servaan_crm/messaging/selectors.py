"""Reads of the messaging room."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from django.db.models import Count, QuerySet

from servaan_crm.messaging.models import GatewayState, Message
from servaan_crm.messaging.services.accounts import list_accounts

_LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class PhoneText:
    """A text as one phone shows it, with what our outbox knows of it."""

    message: Message
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone of the loopback gateway and its texts, newest first."""

    number: str
    texts: list[PhoneText]


class LoopbackSilent(Exception):
    """The loopback gateway does not answer."""


def list_messages(*, customer_id: UUID | None = None) -> QuerySet[Message]:
    """The outbox, newest first; of one customer when given."""
    messages = Message.objects.order_by("-id")
    return messages if customer_id is None else messages.filter(customer_id=customer_id)


def count_messages_by_state() -> dict[str, int]:
    """How many messages are in each state; states without any are absent."""
    rows = Message.objects.order_by().values_list("state").annotate(count=Count("id"))
    return dict(rows)


def list_gateway_problems() -> QuerySet[GatewayState]:
    """Accounts that have a problem now: no credit, refused key, asked to pause."""
    return GatewayState.objects.filter(problem_since__isnull=False).order_by("problem_since")


def get_outbox_health() -> dict[str, Any]:
    """For the readiness page and the dashboard: waiting messages, since when the oldest could have gone, whether
    there is an account to send with, and the problems of accounts."""
    waiting = Message.objects.filter(state=Message.State.QUEUED)
    return {
        "waiting": waiting.count(),
        "has_account": bool(list_accounts()),
        "oldest_due": waiting.order_by("not_before").values_list("not_before", flat=True).first(),
        "problems": [
            {
                "account": row.account,
                "class": row.problem_class,
                "code": row.problem_code,
                "since": row.problem_since,
            }
            for row in list_gateway_problems()
        ],
    }


def loopback_url() -> str | None:
    """Base URL of the gateway in use if it is one on this machine, else None."""
    accounts = list_accounts()
    url = accounts[0].config.base_url if accounts else ""
    return url if url and urlsplit(url).hostname in _LOCAL_HOSTS else None


def list_test_phones(url: str, *, limit: int = 24) -> list[Phone]:
    """The phones that got texts of *this* café, the one with the newest text first.

    The gateway serves all cafés; only numbers of our own outbox rows are shown. Raises LoopbackSilent.
    """
    try:
        payload = httpx.get(f"{url.rstrip('/')}/_phones", timeout=2.0, trust_env=False).json()
        rows = [row for texts in payload["phones"].values() for row in texts]
    except (httpx.HTTPError, ValueError, KeyError, AttributeError) as error:
        raise LoopbackSilent(type(error).__name__) from None
    by_local = {row["localid"]: row for row in rows if row.get("localid")}
    phones: dict[str, Phone] = {}
    for message in Message.objects.filter(local_id__in=list(by_local)).order_by("-local_id"):
        phone = phones.setdefault(message.recipient, Phone(message.recipient, []))
        received_at = datetime.fromtimestamp(by_local[message.local_id]["date"], tz=UTC)
        phone.texts.append(PhoneText(message, received_at))
    return list(phones.values())[:limit]
