"""Figures of large campaigns: shown from memory, counted anew by a worker, and at once when a person decides."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import services
from campaigns.automations.selectors import results_of
from campaigns.automations.tasks import count_results_again
from campaigns.models import Automation, Campaign
from campaigns.selectors import get_figures, kept
from campaigns.selectors.pages import GROUPS, count_recipients_of, list_recipients
from campaigns.tasks import count_campaign_again
from campaigns.tests.helpers import make_campaign, send_now, set_rules
from feedback.tests.helpers import make_customer, make_visit
from servaan_crm.messaging.models import Message


@pytest.fixture
def large(cafe: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign being sent to six guests, where two are many."""
    settings.KAVENEGAR_API_KEY = "test-key"
    cache.clear()
    monkeypatch.setattr(kept, "LARGE", 2)
    set_rules()
    for number in range(6):
        make_customer(allow_marketing=number > 0)
    return send_now(make_campaign(content="{{link}}", link_url="https://example.com/"))


def deliver(campaign: Campaign, count: int) -> None:
    keys = Message.objects.filter(group_id=campaign.pk, state="queued").order_by("pk").values("pk")[:count]
    Message.objects.filter(pk__in=list(keys.values_list("pk", flat=True))).update(
        state="delivered", sent_at=campaign.started_at, provider_message_id="1", cost=100
    )


def orders(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is handed to workers."""
    found: list[tuple[Any, ...]] = []
    monkeypatch.setattr(kept, "enqueue", lambda _task, *args: found.append(args))
    return found


def test_a_page_counts_once_a_worker_again_and_a_decision_at_once(large, monkeypatch):
    ordered = orders(monkeypatch)
    assert kept.kept(large, "figures").waiting == 5
    deliver(large, 2)
    with CaptureQueriesContext(connection) as queries:
        assert kept.kept(large, "figures").waiting == 5
    assert (len(queries), ordered) == (0, [])
    monkeypatch.setattr(kept, "FRESH_MOVING", 0)
    for _look in range(3):  # shown once more, and counted anew by one of those who look
        assert kept.kept(large, "figures").waiting == 5
    assert ordered == [(str(large.pk), "figures")]
    count_campaign_again(*ordered[0], schema_name=connection.schema_name)
    assert kept.kept(large, "figures").waiting == 3
    deliver(large, 1)
    services.pause_campaign(actor=large_actor(), campaign_id=large.pk)
    assert kept.kept(Campaign.objects.get(pk=large.pk), "figures").waiting == 2


def large_actor() -> Any:
    from servaan_crm.core.actors import system

    return system("test")


def test_a_small_campaign_is_counted_each_time(large, monkeypatch):
    monkeypatch.setattr(kept, "LARGE", 6)
    assert kept.kept(large, "figures").waiting == 5
    deliver(large, 2)
    assert kept.kept(large, "figures").waiting == 3


def test_pages_of_a_large_campaign_say_what_those_of_a_small_one_say(cafe, large, monkeypatch):
    deliver(large, 3)
    guest = large.deliveries.filter(state="queued").order_by("message_id").first().customer
    make_visit(guest)
    filters = [
        {"status": status} for status in ("", "not_reached", "delivered", "queued", "skipped", *GROUPS)
    ]
    filters.append({"reason": "no_consent"})
    for asked in filters:
        assert count_recipients_of(large, asked) == list_recipients(large, **asked).count(), asked
    for asked in ({"search": "مریم"}, {"variant": "A"}):
        assert count_recipients_of(large, asked) is None
    browser = cafe.browser("manager")
    for path in ("/campaigns/", *(f"/campaigns/{large.pk}/{part}" for part in ("", "live/", "guests/"))):
        cache.clear()
        pages = [_figures_of(browser.get(path)) for _look in range(2)]
        monkeypatch.setattr(kept, "LARGE", 100)
        pages.append(_figures_of(browser.get(path)))
        monkeypatch.setattr(kept, "LARGE", 2)
        assert pages[0] == pages[1] == pages[2], path


def _figures_of(answer: Any) -> Any:
    assert answer.status_code == 200
    names = ("figures", "results", "lift", "waiting", "done", "rows")
    return {name: answer.context[name] for name in names if name in answer.context}


def test_what_very_many_runs_brought_is_kept_too(cafe, monkeypatch):
    from campaigns.automations import selectors

    cache.clear()
    one = Automation.objects.get(key="welcome")
    monkeypatch.setattr(selectors, "has_many_rows", lambda _table: True)
    monkeypatch.setattr(selectors, "enqueue", lambda *_args: None)
    assert results_of([one])[one.pk].runs == 0
    guest = make_customer()
    one.runs.create(customer=guest, occurrence="created", due_at=guest.created_at)
    assert results_of([one])[one.pk].runs == 0
    count_results_again([str(one.pk)], schema_name=connection.schema_name)
    assert results_of([one])[one.pk].runs == 1


def test_the_database_knows_a_table_of_few_rows(cafe):
    assert not kept.has_many_rows("campaigns_automationrun")
    assert get_figures(make_campaign()).targeted == 0
