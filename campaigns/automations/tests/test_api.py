"""``/api/crm/automations``: what is refused by name, two editors, deleting, runs and the dry run."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.automations import engine
from campaigns.automations.tests.helpers import automation, only_mine, recorded
from campaigns.models import Automation, AutomationRun
from feedback.tests.helpers import make_customer, make_visit
from segments.errors import SegmentInUse
from segments.models import Segment
from segments.services import delete_segment

URL = "/api/crm/automations"
GOOD = {"name": "بازگشت", "trigger": "segment.entered", "trigger_options": {"segment": "at_risk"},
        "template": "{{name}} عزیز"}  # fmt: skip


@pytest.fixture(autouse=True)
def at_risk(cafe: Any) -> Segment:
    return Segment.objects.get_or_create(
        key="at_risk", defaults={"name": "در خطر ریزش", "criteria": {"visit_count": {"min": 1}}}
    )[0]


def test_written_read_changed_and_said_in_one_sentence(cafe: Any) -> None:
    body = {**GOOD, "wait_minutes": 120, "condition": {"visit_count": {"min": 3}},
            "actions": [{"type": "points", "points": 50}]}  # fmt: skip
    answer = cafe.api("manager").post(URL, body, format="json")
    assert answer.status_code == 201, answer.json()
    made = answer.json()["data"]["automation"]
    assert (made["is_active"], made["version"], made["purpose"]) == (False, 1, "marketing")
    assert made["results"]["runs"] == 0
    for part in ("۲", "۳", "۵۰"):
        assert part in made["sentence"]
    url = f"{URL}/{made['id']}"
    changed = cafe.api("manager").patch(url, {"is_active": True}, format="json", headers={"If-Match": '"v1"'})
    assert (changed.status_code, changed["ETag"]) == (200, '"v2"')
    stale = cafe.api("manager").patch(url, {"name": "x"}, format="json", headers={"If-Match": '"v1"'})
    assert stale.status_code == 409
    assert cafe.api("manager").get(url).json()["data"]["automation"]["active_since"]


@pytest.mark.parametrize(("change", "field"), [
    ({"trigger": "moon.full"}, "trigger"),
    ({"trigger_options": {"segment": "nowhere"}}, "trigger_options.segment"),
    ({"trigger_options": {"segment": "at_risk", "days": 3}}, "trigger_options.days"),
    ({"trigger": "birthday", "trigger_options": {"days": 400}}, "trigger_options.days"),
    ({"trigger": "birthday", "trigger_options": []}, "trigger_options"),
    ({"template": "{{nmae}}"}, "template"),
    ({"template": "{{rating}}"}, "template"),
    ({"template": ""}, "template"),
    ({"template": "سلام " * 400}, "template"),
    ({"link_url": "https://example.com/"}, "template"),
    ({"purpose": "transactional"}, "purpose"),
    ({"actions": [{"type": "moonwalk"}]}, "actions.0.type"),
    ({"actions": [{"type": "points", "points": 0}]}, "actions.0.points"),
    ({"actions": [{"type": "points", "points": 5}, {"type": "points", "points": 5}]}, "actions.1.type"),
    ({"actions": [{"type": "coupon", "benefit": "percent", "value": 101}]}, "actions.0.value"),
    ({"actions": [{"type": "tag", "tag": "هیچ"}]}, "actions.0.tag"),
    ({"actions": [{"type": "webhook", "url": "https://10.0.0.1/"}]}, "actions.0.url"),
    ({"actions": "points"}, "actions"),
    ({"condition": []}, "condition"),
    ({"wait_minutes": -1}, "wait_minutes"),
    ({"at_time": "25:00"}, "at_time"),
    ({"colour": "red"}, "colour"),
])  # fmt: skip
def test_each_fault_is_named_and_nothing_is_written(cafe: Any, change: dict[str, Any], field: str) -> None:
    before = Automation.objects.count()
    answer = cafe.api("manager").post(URL, {**GOOD, **change}, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["error"]["details"], answer.json()
    assert Automation.objects.count() == before


def test_a_condition_that_cannot_be_read_is_refused_by_its_place(cafe: Any) -> None:
    body = {**GOOD, "condition": {"any": [{"visit_cuont": 3}]}}
    answer = cafe.api("manager").post(URL, body, format="json")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["details"]["path"]) == (
        "INVALID_SEGMENT_CRITERIA",
        "condition.any[0].visit_cuont",
    )


def test_the_secret_of_a_call_never_comes_back_and_stays(cafe: Any) -> None:
    hook = {"type": "webhook", "url": "https://hooks.example.com/a", "secret": "sixteen characters"}
    made = (
        cafe.api("manager").post(URL, {**GOOD, "actions": [hook]}, format="json").json()["data"]["automation"]
    )
    assert made["actions"] == [{"type": "webhook", "url": hook["url"]}]
    sealed = Automation.objects.get(pk=made["id"]).actions[0]["sealed"]
    cafe.api("manager").patch(f"{URL}/{made['id']}", {"actions": made["actions"]}, format="json")
    assert Automation.objects.get(pk=made["id"]).actions[0]["sealed"] == sealed


def test_one_with_a_past_is_kept_and_one_without_goes(cafe: Any) -> None:
    one, unused = automation(), automation(name="بی‌کار")
    only_mine(one)
    engine.hear("visit.recorded", recorded(make_visit(make_customer())))
    kept = cafe.api("manager").delete(f"{URL}/{one.pk}").json()["data"]["automation"]
    assert (kept["deleted"], kept["is_active"]) == (False, False)
    assert AutomationRun.objects.count() == 1
    assert cafe.api("manager").delete(f"{URL}/{unused.pk}").json()["data"]["automation"]["deleted"] is True
    assert cafe.api("manager").get(f"{URL}/{unused.pk}").status_code == 404


def test_runs_say_why_and_the_dry_run_who(cafe: Any) -> None:
    one = automation(purpose="marketing")
    only_mine(one)
    willing, unwilling = make_visit(make_customer("سارا")), make_visit(make_customer(allow_marketing=False))
    told = cafe.api("manager").post(f"{URL}/{one.pk}/dry-run", {}, format="json").json()["data"]["dry_run"]
    assert (told["count"], told["sample"][0]["text"]) == (1, "سارا عزیز، سلام\nلغو۱۱")
    assert [(row["reason"], row["count"]) for row in told["left_out"]] == [("no_consent", 1)]
    for visit in (willing, unwilling):
        engine.hear("visit.recorded", recorded(visit))
    runs = cafe.api("manager").get(f"{URL}/{one.pk}/runs?state=skipped").json()["data"]
    assert runs["pagination"]["total_items"] == 1
    assert (runs["runs"][0]["reason"], runs["runs"][0]["customer"]["id"]) == (
        "no_consent", str(unwilling.customer_id),
    )  # fmt: skip
    assert runs["runs"][0]["explanation"]
    later = make_visit(willing.customer)
    results = cafe.api("manager").get(f"{URL}/{one.pk}").json()["data"]["automation"]["results"]
    assert (results["runs"], results["messages"], results["attributed_visits"]) == (2, 1, 1), later


def test_lists_cost_the_same_for_one_and_for_many(cafe: Any, django_assert_max_num_queries: Any) -> None:
    api = cafe.api("manager")
    with django_assert_max_num_queries(12) as few:
        api.get(URL)
    for number in range(5):
        automation(name=f"آزمون {number}")
    with django_assert_max_num_queries(len(few)):
        api.get(URL)


def test_a_segment_in_use_stays(cafe: Any) -> None:
    for key in ("waited", "asked"):
        Segment.objects.create(key=key, name=key, criteria={"visit_count": {"min": 1}})
    automation("segment.left", trigger_options={"segment": "waited"}, template="{{name}}")
    automation(condition={"not": {"in_segment": ["asked"]}})
    for key in ("waited", "asked"):
        with pytest.raises(SegmentInUse):
            delete_segment(actor=cafe.manager.actor, segment_id=Segment.objects.get(key=key).pk)


def test_the_neighbour_sees_nothing(cafe: Any, other_cafe: Any) -> None:
    one = automation()
    assert other_cafe.api("owner").get(f"{URL}/{one.pk}").status_code == 404
    assert cafe.api("staff").get(URL).status_code == 403
