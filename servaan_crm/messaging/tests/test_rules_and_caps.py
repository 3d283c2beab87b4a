"""Quiet window, frequency cap, tariffs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from servaan_crm.core import actors
from servaan_crm.messaging.models import Message, SendingRules
from servaan_crm.messaging.services import caps, rules, tariffs
from servaan_crm.messaging.tariff import Tariff
from servaan_crm.messaging.tests.helpers import queue
from servaan_crm.messaging.tests.loopback import Loopback

TEHRAN = ZoneInfo("Asia/Tehran")


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 2, 10, hour, minute, tzinfo=TEHRAN)


def capped() -> set[Any]:
    sql, params = caps.capped_customer_ids_sql()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize(
    ("begin", "end", "quiet", "loud"),
    [
        ((21, 0), (9, 0), [(21, 0), (23, 59), (0, 0), (8, 59)], [(9, 0), (20, 59), (12, 0)]),
        ((13, 0), (16, 0), [(13, 0), (15, 59)], [(16, 0), (12, 59), (0, 0)]),
        ((10, 0), (10, 0), [], [(10, 0), (9, 59), (0, 0)]),
    ],
)
def test_quiet_window_in_the_cafes_zone(begin: Any, end: Any, quiet: Any, loud: Any) -> None:
    window = SendingRules(quiet_from=dt.time(*begin), quiet_to=dt.time(*end))
    for clock in quiet:
        moment = at(*clock)
        assert rules.is_quiet(moment.astimezone(dt.UTC), window), clock
        until = rules.quiet_until(moment, window)
        assert until is not None
        assert until.astimezone(TEHRAN).time() == dt.time(*end)
        assert dt.timedelta(0) < until - moment <= dt.timedelta(hours=12)
    for clock in loud:
        assert not rules.is_quiet(at(*clock), window), clock
        assert rules.quiet_until(at(*clock), window) is None


def test_rules_are_one_row_and_checked(outbox: Loopback) -> None:
    owner = actors.system("test")
    SendingRules.objects.all().delete()
    assert rules.get_rules().cap_messages == 4
    rules.update_rules(actor=owner, changes={"cap_messages": 2, "cap_days": 30})
    rules.update_rules(actor=owner, changes={"quiet_to": dt.time(8)})
    stored = SendingRules.objects.get()
    assert (stored.cap_messages, stored.cap_days, stored.quiet_to) == (2, 30, dt.time(8))
    for wrong in ({"cap_days": 0}, {"cap_messages": 0}, {"cap_weeks": 1}, {"quiet_from": "soon"}):
        with pytest.raises(ValidationError):
            rules.update_rules(actor=owner, changes=wrong)
    SendingRules.objects.all().delete()


def test_cap_counts_what_a_guest_got_gets_and_will_get(outbox: Loopback) -> None:
    guest, other = uuid4(), uuid4()
    queue(4, purpose="marketing", customer_id=guest)
    queue(3, purpose="marketing", customer_id=other)
    queue(5, customer_id=other)  # service messages do not count
    assert capped() == {guest}
    theirs = Message.objects.filter(customer_id=guest)
    long_ago = timezone.now() - dt.timedelta(days=8)
    first = theirs.first()
    assert first is not None
    sent = {"state": "sent", "sent_at": long_ago, "provider_message_id": "1", "claimed_at": long_ago}
    Message.objects.filter(pk=first.pk).update(**sent)
    assert capped() == set()
    Message.objects.filter(pk=first.pk).update(sent_at=timezone.now())
    assert capped() == {guest}
    Message.objects.filter(pk=first.pk).update(state="blocked")
    assert capped() == set()


def test_price_by_script_parts_and_operator() -> None:
    tariff = Tariff(Decimal(1000), Decimal(2500), {"irancell": {"persian": "1100"}})
    rows = [("+989121234567", "س" * 71), ("+989351234567", "س"), ("+989351234567", "abc")]
    found = tariffs.estimate(rows, tariff=tariff)
    assert (found.messages, found.parts, found.cost) == (3, 4, Decimal(2000 + 1100 + 2500))
    assert tariffs.estimate(rows, tariff=Tariff(persian=Decimal(1))).cost is None
    assert tariffs.estimate([], tariff=tariff).cost == 0
