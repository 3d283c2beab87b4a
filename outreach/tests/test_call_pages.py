"""The call list in the browser: one tap per call, and always the same number of queries."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.tests.helpers import make_customer, without_feature
from outreach.models import CallTask, Interaction
from outreach.tests.test_call_tasks import call, today

PART = {"HX-Request": "true", "HX-Target": "call-results"}


def text(answer: Any) -> str:
    return answer.content.decode()


def test_who_finds_it_in_the_menu(cafe: Any) -> None:
    link = 'href="/calls/"'
    for role, status in (
        ("agent", 200),
        ("manager", 200),
        ("owner", 200),
        ("staff", 200),
        ("integrator", 403),
    ):
        assert cafe.browser(role).get("/calls/").status_code == status, role
        home = cafe.browser(role).get("/", follow=True)  # staff begin at the counter
        assert (link in text(home)) == (status == 200), role
    with without_feature(cafe, "outreach"):
        assert cafe.browser("agent").get("/calls/").status_code == 403
        assert link not in text(cafe.browser("agent").get("/"))


def test_as_many_queries_for_many_calls_as_for_one(cafe: Any) -> None:
    browser = cafe.browser("manager")
    call(make_customer(), agent_id=cafe.agent.pk)
    browser.get("/calls/")
    with CaptureQueriesContext(connection) as one:
        browser.get("/calls/")
    for _more in range(5):
        call(make_customer(), agent_id=cafe.agent.pk)
    with CaptureQueriesContext(connection) as many:
        assert text(browser.get("/calls/")).count("call-dial") == 6
    assert len(one) == len(many)


def test_filters_and_pages(cafe: Any) -> None:
    for number in range(21):
        call(make_customer(f"نفر {number}"))
    late = call(make_customer("دیرکرده"), days=-2, agent_id=cafe.manager.pk, priority="hot")
    later = call(make_customer("آینده"), days=2, agent_id=cafe.agent.pk)
    browser = cafe.browser("manager")

    def shown(**query: Any) -> list[str]:
        answer = browser.get("/calls/", query)
        return [row["task"].customer.name for row in answer.context["rows"]]

    assert shown()[0] == "دیرکرده"
    assert (len(shown()), len(shown(page="۲"))) == (20, 2)
    assert shown(show="overdue") == shown(priority="hot") == shown(agent="mine") == ["دیرکرده"]
    assert shown(show="later") == shown(date=str(later.task_date)) == ["آینده"]
    assert shown(show="open", agent=str(cafe.agent.pk)) == ["آینده"]
    assert len(shown(agent="none", page="2")) == 1
    assert shown(show="completed") == []
    assert len(shown(show="nonsense", agent="x", priority="y", date="z")) == 20
    assert [row["task"] for row in cafe.browser("agent").get("/calls/?show=open&page=2").context["rows"]][
        -1
    ] == later
    assert late not in [row["task"] for row in cafe.browser("agent").get("/calls/").context["rows"]]


def test_one_tap_notes_the_call_and_another_takes_it_back(cafe: Any) -> None:
    task = call(make_customer("سارا"))
    browser = cafe.browser("agent")
    answer = browser.post(f"/calls/{task.pk}/?show=open", {"outcome": "no_answer", "note": ""}, headers=PART)
    assert answer.status_code == 200
    assert text(answer).lstrip().startswith('<div id="call-results"')
    told = json.loads(answer["HX-Trigger"])["servaan:toast"]
    assert (told["undo"], told["level"]) == (f"/calls/{task.pk}/reopen/", "ok")
    again = CallTask.objects.get(status="pending")
    assert (again.type, again.task_date) == ("follow_up", today() + timedelta(days=1))
    assert [row["task"] for row in answer.context["rows"]] == [again]

    late = cafe.browser("manager").post(f"/calls/{task.pk}/", {"outcome": "busy"}, headers=PART)
    assert json.loads(late["HX-Trigger"])["servaan:toast"]["level"] == "warn"
    assert Interaction.objects.count() == 1

    assert browser.post(told["undo"]).status_code == 204
    assert CallTask.objects.get() == task
    assert (CallTask.objects.get().status, Interaction.objects.count()) == ("pending", 0)


def test_what_is_wrong_stands_on_the_card_and_nothing_is_lost(cafe: Any) -> None:
    task = call(make_customer())
    browser = cafe.browser("agent")
    posted = {"outcome": "no_answer", "note": "زنگ خورد", "follow_up_date": "1380/01/01"}
    answer = browser.post(f"/calls/{task.pk}/", posted, headers=PART)
    assert answer.status_code == 422
    assert "زنگ خورد" in text(answer)
    assert "field-error" in text(answer) or "errorlist" in text(answer)
    assert browser.post(f"/calls/{task.pk}/", {"outcome": "nonsense"}, headers=PART).status_code == 422
    assert browser.post(f"/calls/{task.pk}/", {}, headers=PART).status_code == 422
    task.refresh_from_db()
    assert (task.status, Interaction.objects.count()) == ("pending", 0)


def test_a_colleagues_call_is_nobody_elses(cafe: Any) -> None:
    task = call(make_customer("سارا"), agent_id=cafe.manager.pk)
    browser = cafe.browser("agent")
    assert "سارا" not in text(browser.get("/calls/"))
    assert browser.post(f"/calls/{task.pk}/", {"outcome": "busy"}).status_code == 404
    assert browser.post(f"/calls/{task.pk}/reopen/").status_code == 404
    assert CallTask.objects.get().status == "pending"


def test_an_empty_list_helps(cafe: Any) -> None:
    assert "/automations/" in text(cafe.browser("manager").get("/calls/", headers=PART))
    assert "/automations/" not in text(cafe.browser("agent").get("/calls/", headers=PART))
    call(make_customer(), days=2)
    assert 'href="?show=later"' in text(cafe.browser("agent").get("/calls/"))
    task = call(make_customer())
    cafe.browser("agent").post(f"/calls/{task.pk}/", {"status": "skipped"})
    page = cafe.browser("agent").get("/calls/")
    assert (page.context["counts"].ended, page.context["rows"]) == (1, [])
    assert [row["task"] for row in cafe.browser("agent").get("/calls/?show=skipped").context["rows"]] == [
        task
    ]
