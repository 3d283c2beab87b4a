"""A low rating puts the guest on the call list, once, and what comes of the call is on the timeline."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone, translation

from campaigns.automations import engine
from campaigns.automations.sentences import say
from campaigns.automations.tests.helpers import automation, only_mine, run_of
from campaigns.models import Automation, AutomationRun
from customers.models import Customer
from feedback.services import record_feedback
from feedback.tests.helpers import make_customer, without_feature
from outreach.models import CallTask, Interaction
from servaan_crm.core.actors import system
from servaan_crm.core.events import dispatch_pending
from servaan_crm.l10n.jalali import local_date

LOW = Automation.Trigger.LOW_RATING
HOT = {"type": "call_task", "priority": "hot", "days": 0, "hint": "دلجویی کنید"}


def low_rating(*actions: dict[str, Any], **more: Any) -> Automation:
    """An automation for low ratings that does nothing but ``actions``."""
    values = {"trigger_options": {"most": 2}, "template": "", "actions": [*actions] or [HOT], **more}
    one = automation(LOW, **values)
    only_mine(one)
    return one


def rate(guest: Customer, rating: int = 1, comment: str = "قهوه سرد بود") -> None:
    record_feedback(
        actor=system("test"), rating=rating, source="manual", customer_id=guest.pk, comment=comment
    )
    dispatch_pending()


def test_from_the_rating_to_the_timeline_by_page_and_by_api(cafe: Any) -> None:
    low_rating()
    for guest, by in ((make_customer("سارا"), "page"), (make_customer("مینا"), "api")):
        rate(guest, rating=5)
        assert not CallTask.objects.filter(customer=guest).exists()
        rate(guest)
        task = CallTask.objects.get(customer=guest)
        assert (task.type, task.priority, task.task_date) == ("automation", "hot", local_date(timezone.now()))
        asked, rated, said = task.hint.splitlines()
        assert (asked, said) == ("دلجویی کنید", "«قهوه سرد بود»")
        assert "۱" in rated
        run = run_of(guest)
        assert (run.state, run.results["call_task"]["task_id"]) == ("done", str(task.pk))
        assert task.source_reference == f"automation:{run.pk}"
        if by == "page":
            page = cafe.browser("agent").get("/calls/").content.decode()
            assert f'href="tel:{guest.phone}"' in page
            assert "قهوه سرد بود" in page
            posted = {"outcome": "successful", "note": "راضی شد"}
            assert cafe.browser("agent").post(f"/calls/{task.pk}/", posted).status_code == 302
        else:
            body = {"status": "completed", "outcome": "successful", "notes": "راضی شد"}
            url = f"/api/crm/call-tasks/{task.pk}/status"
            assert cafe.api("agent").put(url, body, format="json").status_code == 200
        contact = Interaction.objects.get(customer=guest)
        assert (contact.outcome, contact.details, contact.agent_id) == (
            "successful",
            "راضی شد",
            cafe.agent.pk,
        )
        timeline = cafe.api("agent").get(f"/api/crm/customers/{guest.pk}/communications").json()["data"]
        assert [row["text"] for row in timeline["communications"] if row["kind"] == "contact"] == ["راضی شد"]


def test_the_same_run_twice_and_another_low_rating_make_one_task(cafe: Any) -> None:
    low_rating()
    guest = make_customer()
    rate(guest)
    AutomationRun.objects.update(state="waiting", finished_at=None, due_at=timezone.now())
    assert engine.work_off() == 1
    rate(guest, comment="باز هم سرد بود")
    assert CallTask.objects.count() == 1
    assert sorted(
        run.results["call_task"]["was_open"] for run in AutomationRun.objects.filter(customer=guest)
    ) == [True, True]
    assert set(AutomationRun.objects.values_list("state", flat=True)) == {"done"}


def test_without_outreach_the_run_says_so_and_nothing_is_done(cafe: Any) -> None:
    one = low_rating({"type": "points", "points": 5}, HOT)
    guest = make_customer()
    with without_feature(cafe, "outreach"):
        rate(guest)
        shown = cafe.api("manager").get(f"/api/crm/automations/{one.pk}/runs").json()["data"]["runs"][0]
    run = run_of(guest)
    assert (run.state, run.reason, run.results["code"]) == ("skipped", "refused", "FEATURE_DISABLED")
    assert run.results["refusal"] in shown["explanation"]
    guest.summary.refresh_from_db()
    assert (CallTask.objects.count(), guest.summary.points) == (0, 0)


def test_the_dry_run_and_the_sentence_tell_of_the_call(cafe: Any) -> None:
    one = low_rating({**HOT, "days": 3})
    rate(make_customer(), rating=5)
    guest = make_customer("سارا")
    Automation.objects.update(is_active=False)
    rate(guest)
    told = (
        cafe.api("manager").post(f"/api/crm/automations/{one.pk}/dry-run", {}, format="json").json()["data"]
    )
    assert told["dry_run"]["count"] == 1
    assert not CallTask.objects.exists()
    with translation.override("en"):
        assert "put an urgent call on the call list for 3 days later" in say(one).replace("۳", "3")
    assert "دلجویی کنید" in say(one)


@pytest.mark.parametrize(("change", "field"), [
    ({"priority": "boiling"}, "priority"),
    ({"priority": None}, "priority"),
    ({"days": 61}, "days"),
    ({"days": "1"}, "days"),
    ({"days": True}, "days"),
    ({"hint": "x" * 501}, "hint"),
    ({"hint": 5}, "hint"),
    ({"agent": "sara"}, "agent"),
])  # fmt: skip
def test_parameters_are_taken_strictly(cafe: Any, change: dict[str, Any], field: str) -> None:
    body = {"name": "x", "trigger": "visit.recorded", "actions": [{**HOT, **change}]}
    answer = cafe.api("manager").post("/api/crm/automations", body, format="json")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [f"actions.0.{field}"]


def test_the_editor_offers_the_call_and_saves_it(cafe: Any) -> None:
    browser = cafe.browser("manager")
    new = browser.get("/automations/new/").content.decode()
    assert 'name="do.call_task"' in new
    form = {
        "name": "تماس پس از امتیاز پایین", "trigger": LOW, f"{LOW}.most": "2", "channel": "sms", "purpose": "marketing",
        "do.call_task": "on", "call_priority": "warm", "call_days": "۲", "call_hint": " حال و احوال ",
    }  # fmt: skip
    assert browser.post("/automations/new/", form).status_code == 302
    saved = Automation.objects.get(name=form["name"])
    assert saved.actions == [{"type": "call_task", "priority": "warm", "days": 2, "hint": "حال و احوال"}]
    edit = browser.get(f"/automations/{saved.pk}/edit/").content.decode()
    assert 'value="حال و احوال"' in edit
    refused = browser.post("/automations/new/", {**form, "call_days": "صد"})
    assert refused.status_code == 422
    with without_feature(cafe, "outreach"):
        assert 'name="do.call_task"' not in browser.get("/automations/new/").content.decode()
        assert 'name="do.call_task"' in browser.get(f"/automations/{saved.pk}/edit/").content.decode()
