"""A message that did not arrive says why, in words, in the reader's language."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from servaan_crm.messaging import services
from servaan_crm.messaging.gateways.base import DeliveryState
from servaan_crm.messaging.models import (
    Channel,
    GatewayState,
    Message,
    MessageHold,
    ProviderAccount,
    SendingRules,
)
from servaan_crm.messaging.reasons import EXPIRED
from servaan_crm.messaging.services.expiry import expire_overdue
from servaan_crm.messaging.services.reconcile import POLL_FOR
from servaan_crm.messaging.tests.helpers import draft, queue, states
from servaan_crm.messaging.tests.loopback import Loopback

LONG_AGO = timedelta(hours=2)


def overdue(**fields: Any) -> None:
    """One message whose time is over."""
    now = timezone.now()
    queue(1, **({"not_before": now - LONG_AGO, "expires_at": now - timedelta(seconds=1)} | fields))


def ended() -> str:
    """The code of the one message, after it ended."""
    assert expire_overdue() == 1
    row = Message.objects.get()
    assert (row.state, row.error_class) == ("expired", "expired")
    with translation.override("en"):
        assert row.reason == str(EXPIRED[row.error_code])
    return row.error_code


def own_account(**fields: Any) -> ProviderAccount:
    return ProviderAccount.objects.create(
        **({"name": "Kavenegar", "adapter": "kavenegar", "api_key": "k", "sender": "1000"} | fields)
    )


def unwell(account: ProviderAccount, problem: str) -> None:
    GatewayState.objects.create(account=str(account.pk), problem_class=problem, problem_since=timezone.now())


def test_nothing_kept_it_but_time(outbox: Loopback) -> None:
    overdue()
    assert ended() == "late"


def test_paused(outbox: Loopback) -> None:
    group = uuid4()
    MessageHold.objects.create(group_id=group)
    overdue(group_id=group, purpose="marketing")
    assert ended() == "paused"


def test_no_provider_for_the_channel(outbox: Loopback) -> None:
    own_account(channel="sms")
    overdue(channel=Channel.EMAIL, recipient="a@mail.example")
    assert ended() == "no_account"


def test_no_provider_for_that_country(outbox: Loopback, settings: Any) -> None:
    settings.KAVENEGAR_API_KEY = ""
    own_account(adapter="twilio")
    own_account(adapter="sms_ir", is_active=False)
    overdue(recipient="+14155550123")
    assert ended() == "late"
    Message.objects.all().delete()
    ProviderAccount.objects.filter(adapter="twilio").delete()
    overdue(recipient="+14155550123")
    assert ended() == "no_reach"


@pytest.mark.parametrize(
    ("problems", "code"),
    [
        (["credit"], "credit"),
        (["auth", "auth"], "auth"),
        (["unknown"], "rest"),
        (["retryable", "off"], "accounts"),
        (["limit"], "limit"),
        (["credit", ""], "late"),
    ],
)
def test_what_kept_the_accounts_from_sending(outbox: Loopback, problems: list[str], code: str) -> None:
    for problem in problems:
        account = own_account(is_active=problem != "off", daily_limit=5 if problem == "limit" else None)
        if problem == "limit":
            now = timezone.now()
            overdue_today = now.astimezone(ZoneInfo("Asia/Tehran")).date()
            GatewayState.objects.create(account=str(account.pk), day_from=overdue_today, day_count=5)
        elif problem not in {"off", ""}:
            unwell(account, problem)
    overdue()
    assert ended() == code


def test_all_switched_off(outbox: Loopback, settings: Any) -> None:
    settings.KAVENEGAR_API_KEY = ""
    own_account(is_active=False)
    overdue()
    assert ended() == "off"


def test_the_one_provider_that_may_know_it_is_off(outbox: Loopback) -> None:
    """Another account is well, but must not send what the first one may have sent already."""
    own_account()
    overdue()
    Message.objects.update(pinned=True, provider_account=str(uuid4()))
    assert ended() == "off"


@pytest.mark.parametrize(("purpose", "code"), [("marketing", "quiet"), ("transactional", "late")])
def test_quiet_hours(outbox: Loopback, purpose: str, code: str) -> None:
    """The clock of the moment it ended counts, in the café's zone, whenever that is noticed."""
    SendingRules.objects.update(quiet_from="21:00", quiet_to="09:00")
    night = datetime(2026, 3, 1, 3, 0, tzinfo=ZoneInfo("Asia/Tehran"))
    overdue(purpose=purpose, not_before=night - LONG_AGO, expires_at=night)
    assert ended() == code


def test_by_day_it_was_not_the_quiet_hours(outbox: Loopback) -> None:
    SendingRules.objects.update(quiet_from="21:00", quiet_to="09:00")
    noon = datetime(2026, 3, 1, 12, 0, tzinfo=ZoneInfo("Asia/Tehran"))
    overdue(purpose="marketing", not_before=noon - LONG_AGO, expires_at=noon)
    assert ended() == "late"


def test_a_provider_that_never_took_it(outbox: Loopback) -> None:
    overdue()
    Message.objects.update(error_class="retryable", error_code="409", error_text="try later")
    assert ended() == "tries"


def test_thousands_end_at_once_each_with_its_own_reason(outbox: Loopback) -> None:
    group = uuid4()
    MessageHold.objects.create(group_id=group)
    now = timezone.now()
    times = {"not_before": now - LONG_AGO, "expires_at": now - timedelta(seconds=1)}
    services.queue_messages([draft(n, group_id=group if n % 2 else None, **times) for n in range(2_100)])
    assert expire_overdue() == 2_100
    assert Message.objects.filter(error_code="paused").count() == 1_050
    assert Message.objects.filter(error_code="late").count() == 1_050


def test_the_reader_chooses_the_language(outbox: Loopback) -> None:
    overdue()
    expire_overdue()
    row = Message.objects.get()
    with translation.override("en"):
        assert row.reason == "Its turn did not come in time."
    # What is stored is in the café's own language, for everybody who reads it elsewhere.
    with translation.override("fa"):
        assert row.reason == row.error_text


def test_no_end_is_without_words(outbox: Loopback) -> None:
    """Whatever a provider reports, and when nobody knows."""
    queue(4)
    services.dispatch_until_idle()
    Message.objects.update(state="sent", delivered_at=None)
    ends = (DeliveryState.ACCEPTED, DeliveryState.DELIVERED, DeliveryState.UNDELIVERED, DeliveryState.FAILED)
    numbers = Message.objects.values_list("provider_message_id", flat=True)
    for provider_id, state in zip(numbers, ends, strict=True):
        services.record_delivery_report(provider="kavenegar", provider_message_id=provider_id, state=state)
    queue(1, recipient="+989120000999")
    lost = Message.objects.filter(state="queued")
    lost.update(state="unknown", claimed_at=timezone.now() - 2 * POLL_FOR, provider_account=str(uuid4()),
                next_check_at=timezone.now())  # fmt: skip
    services.reconcile_unknown()
    assert states() == {"delivered": 1, "undelivered": 1, "failed": 2, "sent": 1}
    for row in Message.objects.filter(state__in=["undelivered", "failed"]):
        assert row.reason
    assert {row.reason for row in Message.objects.filter(state__in=["sent", "delivered"])} == {""}
