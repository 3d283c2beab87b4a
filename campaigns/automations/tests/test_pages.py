"""The pages of automations: sentences, switch, editor, runs, and who would get it."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.automations import engine
from campaigns.automations.tests.helpers import automation, only_mine, recorded
from campaigns.models import Automation
from customers.models import Tag
from feedback.tests.helpers import make_customer, make_visit

FORM = {
    "name": "بازگشت", "trigger": "absent", "absent.days": "۴۵", "absent.own_rhythm": "on", "wait": "۲",
    "wait_unit": "hours", "at_time": "۹:۳۰", "rest_days": "۶۰", "criteria": '{"visit_count": {"min": 3}}',
    "template": "{{name}} عزیز، کد {{code}}", "channel": "sms", "purpose": "marketing", "do.points": "on",
    "points": "۵۰", "do.coupon": "on", "benefit": "amount", "value.amount": "۵۰٬۰۰۰", "coupon_days": "۱۴",
}  # fmt: skip


def test_written_in_the_editor_read_back_and_changed(cafe: Any) -> None:
    tag = Tag.objects.create(name="وفادار")
    browser = cafe.browser("manager")
    answer = browser.post("/automations/new/", {**FORM, "do.tag": "on", "tag": str(tag.pk)})
    one = Automation.objects.get(name="بازگشت")
    assert (answer.status_code, answer["Location"]) == (302, f"/automations/{one.pk}/")
    assert one.trigger_options == {"days": 45, "own_rhythm": True}
    assert (one.wait_minutes, one.at_time.isoformat(), one.rest_days) == (120, "09:30:00", 60)
    assert [params["type"] for params in one.actions] == ["points", "coupon", "tag"]
    assert one.actions[1]["value"] == "500000", "the screen takes toman"
    assert not one.is_active
    page = browser.get(f"/automations/{one.pk}/edit/").content.decode()
    for shown in ("۴۵", "۰۹:۳۰", "۶۰", "۵۰۰۰۰", "visit_count", "{{code}}"):
        assert shown in page, shown
    again = browser.post(f"/automations/{one.pk}/edit/", {**FORM, "version": "1", "wait": ""})
    assert again.status_code == 302
    stale = browser.post(f"/automations/{one.pk}/edit/", {**FORM, "version": "1"})
    assert stale.status_code == 409
    assert Automation.objects.get(pk=one.pk).wait_minutes == 0


@pytest.mark.parametrize(("change", "shown"), [
    ({"template": "{{rating}}"}, "{{points}}"), ({"criteria": "{"}, ""), ({"points": "همه"}, ""),
    ({"at_time": "۲۵"}, ""),
    ({"criteria": '{"visit_cuont": 1}'}, "visit_cuont"), ({"absent.days": "۱"}, ""), ({"value.amount": "x"}, ""),
])  # fmt: skip
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    cafe: Any, change: dict[str, str], shown: str
) -> None:
    before = Automation.objects.count()
    answer = cafe.browser("manager").post("/automations/new/", {**FORM, **change})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "بازگشت" in page
    assert shown in page
    assert "field-error" in page or "alert-line" in page
    assert Automation.objects.count() == before


def test_the_list_switches_and_says_what_it_brought(cafe: Any) -> None:
    one = automation(name="سپاس", template="{{name}}")
    only_mine(one)
    visit = make_visit(make_customer("سارا"))
    engine.hear("visit.recorded", recorded(visit))
    browser = cafe.browser("manager")
    page = browser.get("/automations/").content.decode()
    assert page.index("سپاس") < page.index("auto-card is-off")
    browser.post(f"/automations/{one.pk}/switch/", {"on": "0", "back": "list"})
    assert not Automation.objects.get(pk=one.pk).is_active
    assert "سارا" in browser.get(f"/automations/{one.pk}/?state=done").content.decode()
    assert "سارا" not in browser.get(f"/automations/{one.pk}/?state=skipped").content.decode()
    assert cafe.browser("staff").get("/automations/").status_code == 403


def test_a_built_in_one_cannot_be_deleted_and_the_dry_run_page_shows_texts(cafe: Any) -> None:
    one = automation(template="{{name}} جان")
    only_mine(one)
    make_visit(make_customer("سارا"))
    browser = cafe.browser("manager")
    page = browser.get(f"/automations/{one.pk}/dry-run/").content.decode()
    assert "سارا جان" in page
    browser.post(f"/automations/{one.pk}/delete/")
    assert not Automation.objects.filter(pk=one.pk).exists()
    built_in = Automation.objects.get(key="birthday")
    browser.post(f"/automations/{built_in.pk}/delete/")
    assert Automation.objects.filter(pk=built_in.pk).exists()


def test_the_sentence_and_the_condition_follow(cafe: Any) -> None:
    browser = cafe.browser("manager")
    said = browser.post("/automations/sentence/", FORM).content.decode()
    assert "۴۵" in said
    assert "۲" in said
    wrong = browser.post("/automations/sentence/", {**FORM, "template": "{{x}}"}).content.decode()
    assert "{{name}}" in wrong
    assert browser.post("/automations/condition/", {"criteria": "{}"}).status_code == 200
    assert (
        "visit_cuont"
        in browser.post("/automations/condition/", {"criteria": '{"visit_cuont": 1}'}).content.decode()
    )
