"""Limits that many workers keep together, the quiet window at sending, and accounts that rest and come back."""

from __future__ import annotations

import datetime as dt
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from servaan_crm.messaging import services
from servaan_crm.messaging.models import BlockedNumber, GatewayState, Message, ProviderAccount, SendingRules
from servaan_crm.messaging.services import claims, limits
from servaan_crm.messaging.services.accounts import account_of, list_accounts, usable_accounts
from servaan_crm.messaging.tests.helpers import draft, due_now, queue, run_in_threads, states
from servaan_crm.messaging.tests.loopback import Loopback, start_loopback


def own_account(url: str, name: str = "first", **fields: Any) -> ProviderAccount:
    values = {"adapter": "kavenegar", "base_url": url, "api_key": f"key-{name}", "sender": "1000"}
    return ProviderAccount.objects.create(name=name, **(values | fields))


@pytest.mark.parametrize("limit", ["rate_per_minute", "daily_limit", "monthly_limit"])
def test_workers_together_never_pass_a_limit(outbox: Loopback, limit: str) -> None:
    own_account(outbox.url, **{limit: 330})
    queue(900)
    for _ in range(2):
        run_in_threads(services.dispatch_until_idle, 4)
    assert outbox.counters["accepted"] == 330
    assert states() == {"delivered": 330, "queued": 570}
    (account,) = list_accounts()
    reached = limits.limit_reached(account, GatewayState.objects.get(account=account.key))
    assert reached == limit.split("_")[0].replace("daily", "day").replace("monthly", "month").replace(
        "rate", "minute"
    )


def test_a_minute_later_the_next_ones_go(outbox: Loopback) -> None:
    account = own_account(outbox.url, rate_per_minute=10)
    queue(25)
    services.dispatch_until_idle()
    assert outbox.counters["accepted"] == 10
    GatewayState.objects.update(minute_from=timezone.now() - timedelta(seconds=61))
    services.dispatch_until_idle()
    assert outbox.counters["accepted"] == 20
    assert GatewayState.objects.get(account=str(account.pk)).day_count == 20


def test_the_next_account_takes_what_is_over_the_limit(outbox: Loopback) -> None:
    with start_loopback(pace=0.0) as reserve:
        own_account(outbox.url, priority=1, daily_limit=30)
        own_account(reserve.url, "second", priority=2)
        queue(100)
        run_in_threads(services.dispatch_until_idle, 2)
        assert states() == {"delivered": 100}
        assert (outbox.counters["accepted"], reserve.counters["accepted"]) == (30, 70)


def test_refused_and_unsent_messages_use_up_no_limit(outbox: Loopback) -> None:
    own_account(outbox.url, daily_limit=50)
    outbox.control("fail", code=451)
    queue(40)
    services.dispatch_until_idle()
    assert states() == {"queued": 40}
    assert GatewayState.objects.get().day_count == 0


def test_advertising_has_a_rate_of_its_own(outbox: Loopback) -> None:
    SendingRules.objects.update(rate_per_minute=20)
    queue(100, purpose="marketing")
    queue_messages = [draft(number + 500) for number in range(40)]
    services.queue_messages(queue_messages)
    run_in_threads(services.dispatch_until_idle, 3)
    sent = Message.objects.filter(state="delivered")
    assert sent.filter(purpose="marketing").count() == 20
    assert sent.filter(purpose="transactional").count() == 40


def test_quiet_window_holds_advertising_and_lets_it_go_afterwards(outbox: Loopback) -> None:
    now = timezone.now().astimezone(dt.timezone(timedelta(hours=3, minutes=30)))
    around = [(now + timedelta(hours=hours)).time().replace(microsecond=0) for hours in (-1, 1)]
    SendingRules.objects.update(quiet_from=around[0], quiet_to=around[1])
    queue(30, purpose="marketing")
    thanks = services.queue_message(**{**_fields(draft(99)), "purpose": "transactional"})
    services.dispatch_until_idle()
    thanks.refresh_from_db()
    assert thanks.state == "delivered"
    assert states() == {"queued": 30, "delivered": 1}
    SendingRules.objects.update(quiet_to=around[0])
    services.dispatch_until_idle()
    assert states() == {"delivered": 31}


def test_held_group_waits_and_the_rest_goes(outbox: Loopback) -> None:
    campaign = uuid4()
    queue(10, group_id=campaign, purpose="marketing")
    services.queue_messages([draft(number + 50) for number in range(5)])
    services.hold_group(campaign)
    services.dispatch_until_idle()
    assert states() == {"queued": 10, "delivered": 5}
    services.resume_group(campaign)
    services.dispatch_until_idle()
    assert states() == {"delivered": 15}


def test_frequency_cap_holds_across_campaigns_and_workers(outbox: Loopback) -> None:
    SendingRules.objects.update(cap_messages=3, cap_days=7)
    guests = [uuid4() for _ in range(60)]
    for _campaign in range(5):
        services.queue_messages(
            [
                draft(number, customer_id=guest, purpose="marketing", group_id=uuid4())
                for number, guest in enumerate(guests)
            ]
        )
    run_in_threads(services.dispatch_until_idle, 3)
    assert max(len(texts) for texts in outbox.received().values()) <= 3
    blocked = Message.objects.filter(state="blocked")
    assert states() == {"delivered": 300 - blocked.count(), "blocked": blocked.count()}
    assert blocked.count() >= 120
    assert set(blocked.values_list("error_code", flat=True)) == {"cap"}


def test_numbers_on_the_providers_list_get_no_advertising(outbox: Loopback) -> None:
    queue(3, purpose="marketing")
    BlockedNumber.objects.create(account="default", recipient="+989120000001")
    BlockedNumber.objects.create(account="another", recipient="+989120000002")
    services.dispatch_until_idle()
    assert states() == {"delivered": 2, "blocked": 1}
    assert Message.objects.get(state="blocked").recipient == "+989120000001"


def test_rest_grows_with_every_failure_and_ends_with_one_small_batch(outbox: Loopback) -> None:
    account = own_account(outbox.url)
    queue(300)
    rests = []
    for _ in range(9):
        outbox.control("fail", code=409)
        services.dispatch_until_idle()
        state = GatewayState.objects.get(account=str(account.pk))
        assert state.blocked_until is not None
        rests.append(round((state.blocked_until - timezone.now()).total_seconds()))
        GatewayState.objects.update(blocked_until=timezone.now())
    assert rests == sorted(rests)
    assert rests[0] <= 61
    assert 850 < rests[-1] <= 900
    before = outbox.counters["calls"]
    (probing,) = usable_accounts()
    claim = claims.claim_batch(probing)
    assert (len(claim.rows), claim.is_probe) == (claims.PROBE, True)
    assert usable_accounts() == []  # one worker finds out, the others wait
    claims.release(claim)
    run_in_threads(services.dispatch_until_idle, 2)
    services.dispatch_until_idle()
    assert states() == {"delivered": 300}
    assert outbox.counters["repeated"] == 0
    assert outbox.counters["calls"] > before
    assert GatewayState.objects.get().problem_since is None


def test_lost_answers_in_a_row_rest_the_account(outbox: Loopback) -> None:
    own_account(outbox.url, sender="")
    outbox.control("cut-after", times=50)
    for number in range(3):
        services.queue_messages([draft(number)])
        services.dispatch_until_idle()
    assert states() == {"unknown": 3}
    state = GatewayState.objects.get()
    assert (state.failures, state.problem_class) == (3, "unknown")
    assert state.blocked_until is not None
    services.queue_messages([draft(9)])
    services.dispatch_until_idle()
    assert states() == {"unknown": 3, "queued": 1}


def test_pinned_messages_of_a_reserve_are_sent_while_the_first_is_well(outbox: Loopback) -> None:
    with start_loopback(pace=0.0) as reserve:
        first = own_account(outbox.url, priority=1)
        own_account(reserve.url, "second", priority=2)
        GatewayState.objects.create(
            account=str(first.pk),
            blocked_until=timezone.now() + timedelta(hours=1),
            problem_since=timezone.now(),
        )
        queue(4)
        reserve.control("cut-before")
        services.dispatch_until_idle()
        services.clear_problem(str(first.pk))
        due_now()
        services.reconcile_unknown()
        services.dispatch_until_idle()
        assert states() == {"delivered": 4}
        assert (outbox.counters["accepted"], reserve.counters["accepted"]) == (0, 4)


def test_every_channel_goes_out_by_its_own_account(outbox: Loopback, monkeypatch: Any) -> None:
    from servaan_crm.messaging.gateways import registry
    from servaan_crm.messaging.tests.paper import PaperGateway

    monkeypatch.setitem(registry.ADAPTERS, "paper", PaperGateway)
    PaperGateway.sent.clear()
    ProviderAccount.objects.create(name="abroad", adapter="paper", channel="whatsapp", tariff_latin=3)
    queue(3)
    services.queue_messages(
        [
            draft(body="hello", channel="whatsapp", recipient=number)
            for number in ("+919876543210", "+989121234567")
        ]
    )
    services.dispatch_until_idle()
    assert [text.recipient for text in PaperGateway.sent] == ["+919876543210"]
    assert states() == {"delivered": 3, "sent": 1, "queued": 1}
    assert Message.objects.get(state="sent").cost == Decimal(3)


def test_template_goes_by_lookup_and_its_lost_answer_is_never_repeated(outbox: Loopback) -> None:
    options = json.dumps({"template:verification-code": "our-code"})
    own_account(outbox.url, options=options)
    code = {"template": "verification-code", "values": {"code": "12345"}, "body": "کد شما 12345"}
    queue(1, **code)
    services.dispatch_until_idle()
    ((text,),) = outbox.received().values()
    assert text["message"] == "our-code 12345"
    ProviderAccount.objects.update(options="")
    services.queue_messages([draft(2, **code)])
    services.dispatch_until_idle()
    assert outbox.received()["09120000002"][0]["message"] == "کد شما 12345"
    ProviderAccount.objects.update(options=options)
    outbox.control("cut-before")
    services.queue_messages([draft(3, **code)])
    services.dispatch_until_idle()
    due_now()
    assert services.reconcile_unknown()["given_up"] == 1
    services.dispatch_until_idle()
    assert states() == {"delivered": 2, "failed": 1}


def test_country_patterns() -> None:
    import re

    home, abroad = claims.country_pattern(frozenset({"IR"})), claims.country_pattern(frozenset({"-IR"}))
    both = claims.country_pattern(frozenset({"IN", "BD"}))
    assert claims.country_pattern(frozenset()) == ""
    for number, expected in (
        ("+989121234567", (1, 0, 0)),
        ("+919876543210", (0, 1, 1)),
        ("+88017", (0, 1, 1)),
    ):
        found = tuple(int(bool(re.match(pattern, number))) for pattern in (home, abroad, both))
        assert found == expected


def test_account_of_a_row_carries_limits_and_prices(outbox: Loopback) -> None:
    row = own_account(outbox.url, daily_limit=5, tariff_persian=Decimal("120.50"))
    account = account_of(row)
    assert (account.limits.day, account.limits.minute, account.tariff.persian) == (5, None, Decimal("120.50"))


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}
