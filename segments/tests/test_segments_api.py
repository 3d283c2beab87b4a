"""Segments over HTTP: writing and deleting them, fixed lists, why, previews, and the language."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from checkout.services import VisitRequest, record_visit
from customers.models import Customer
from customers.services import create_customer
from segments.models import Segment, SegmentChange, SegmentMembership, SegmentRun
from segments.selectors import explain
from segments.selectors import preview as previews
from segments.selectors.preview import preview
from segments.services import calculate, work_off_runs
from segments.tests.test_calculation import fill
from segments.uses import Use, _finders, register_uses

URL = "/api/crm/segments"


def send(cast, method, path="", body=None, role="manager", **headers):
    return getattr(cast.api(role), method)(URL + path, body, format="json", **headers)


def data(answer, status=200):
    assert answer.status_code == status, answer.content.decode()
    return answer.json()["data"]


def error(answer, code, status):
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.content.decode()
    return answer.json()["error"]["details"]


def test_a_segment_from_creation_to_deletion(cafe):
    fill(cafe, guests=25)
    calculate()
    made = data(send(cafe, "post", body={"name": "Come often", "criteria": {"visit_count": {"min": 2}}}), 201)
    segment = made["segment"]
    matching = Customer.objects.filter(summary__total_visits__gte=2).count()
    assert (segment["id"], segment["count"], segment["is_up_to_date"]) == ("come_often", matching, False)
    assert SegmentRun.objects.filter(status="pending").exists(), "a worker will be asked to calculate"
    assert work_off_runs() == 1
    found = data(send(cafe, "get", f"/{segment['uuid']}"))["segment"]
    assert (found["count"], found["is_up_to_date"]) == (matching, True)
    page = data(send(cafe, "get", "/come_often/customers?sort=lifetime_spent&order=asc&limit=3"))
    assert page["pagination"]["total_items"] == matching
    spent = [row["loyalty"]["lifetime_spent"] for row in page["customers"]]
    assert spent == sorted(spent)
    assert all(row["entered_at"] for row in page["customers"])

    changed = send(cafe, "patch", "/come_often", {"criteria": {"visit_count": {"min": 1}}, "version": 1})
    everybody = Customer.objects.filter(summary__total_visits__gte=1).count()
    assert data(changed)["segment"]["count"] == everybody, "visible at once"
    assert error(send(cafe, "patch", "/come_often", {"name": "Old"}, HTTP_IF_MATCH='"v1"'), "CONFLICT", 409)
    work_off_runs()
    came = data(send(cafe, "get", "/come_often/changes?entered=true&limit=100"))["changes"]
    assert len(came) == everybody - matching
    assert [row["count"] for row in data(send(cafe, "get", "/come_often/history"))["days"]] == [everybody]
    assert data(send(cafe, "delete", "/come_often"))["segment"]["deleted"]
    assert not SegmentMembership.objects.filter(segment_id=segment["uuid"]).exists()
    error(send(cafe, "get", "/come_often"), "NOT_FOUND", 404)


def test_built_in_segments_are_locked_and_can_be_copied(cafe):
    error(send(cafe, "patch", "/vip_customers", {"name": "Mine"}), "CONFLICT", 409)
    error(send(cafe, "delete", "/vip_customers"), "CONFLICT", 409)
    copy = data(send(cafe, "post", "/vip_customers/duplicate", {"name": "Mine"}), 201)["segment"]
    assert (copy["is_system"], copy["name"]) == (False, "Mine")
    assert copy["criteria"] == Segment.objects.get(key="vip_customers").criteria
    assert data(send(cafe, "patch", f"/{copy['id']}", {"criteria": {"points": {"min": 1}}}))


def test_what_is_used_stays_and_says_where(cafe):
    first = data(send(cafe, "post", body={"name": "First", "criteria": {"points": {"min": 1}}}), 201)[
        "segment"
    ]
    second = {"name": "Second", "criteria": {"any": [{"not": {"in_segment": ["first"]}}]}}
    data(send(cafe, "post", body=second), 201)
    finder = register_uses(
        lambda segment: [Use("campaign", "Yalda", "/campaigns/1/")] if segment.key == "first" else []
    )
    try:
        used = error(send(cafe, "delete", "/first"), "CONFLICT", 409)["used_by"]
        assert [(use["kind"], use["name"]) for use in used] == [("segment", "Second"), ("campaign", "Yalda")]
        assert data(send(cafe, "get", "/first"))["segment"]["used_by"] == used
    finally:
        _finders.remove(finder)
    circle = send(cafe, "patch", f"/{first['id']}", {"criteria": {"in_segment": ["second"]}})
    details = error(circle, "INVALID_SEGMENT_CRITERIA", 400)
    assert "first → second → first" in details["problem"]
    data(send(cafe, "delete", "/second"))
    data(send(cafe, "delete", "/first"))


@pytest.mark.parametrize("path", ["", "/preview"])
def test_bad_criteria_name_path_and_what_is_allowed(cafe, path):
    body = {"criteria": {"all": [{"visit_count": {"least": 3}}]}} | ({} if path else {"name": "x"})
    details = error(send(cafe, "post", path, body), "INVALID_SEGMENT_CRITERIA", 400)
    assert details["path"] == "criteria.all[0].visit_count.least"
    assert "min" in details["allowed"]
    assert not Segment.objects.filter(is_system=False).exists()


def test_a_fixed_list_from_ids_numbers_and_a_file(cafe):
    actor = cafe.owner.actor
    guests = [create_customer(actor=actor, phone=f"0912555000{n}", name=f"Guest {n}") for n in range(5)]
    body = {
        "name": "Opening night", "kind": "static",
        "members": {"customer_ids": [str(guests[0].pk)], "phones": ["۰۹۱۲۵۵۵۰۰۰۱", "09120009999"]},
    }  # fmt: skip
    key = data(send(cafe, "post", body=body), 201)["segment"]["id"]
    assert data(send(cafe, "get", f"/{key}"))["segment"]["count"] == 2
    assert not SegmentChange.objects.exists(), "the first guests of a list did not enter it"
    file = SimpleUploadedFile("list.csv", "نام,موبایل\nعلی,09125550002\n,+98 912 555 0001\nx,123\n".encode())
    answer = cafe.api("manager").post(f"{URL}/{key}/file", {"file": file}, format="multipart")
    assert data(answer)["add"] == {"changed": 1, "already": 1, "unknown_count": 1, "unknown": ["x"]}
    gone = data(send(cafe, "post", f"/{key}/customers", {"remove": {"customer_ids": [str(guests[0].pk)]}}))
    assert (gone["remove"]["changed"], gone["count"]) == (1, 2)
    left = SegmentChange.objects.filter(segment__key=key, entered=False)
    assert [row.customer_id for row in left] == [guests[0].pk]
    calculate()
    assert data(send(cafe, "get", f"/{key}"))["segment"]["count"] == 2, "a calculation leaves lists alone"
    error(
        send(cafe, "post", "/vip_customers/customers", {"add": {"phones": ["09125550001"]}}), "CONFLICT", 409
    )


PARTS = [
    {"visit_count": {"min": 2}}, {"lifetime_spent": {"max": 900_000}}, {"last_visit_days": {"min": 10}},
    {"visits": {"within_days": 30, "min": 1}}, {"tier_level": ["gold", "silver"]}, {"lifecycle": "active"},
    {"largest_bill": {"above": 800_000}}, {"accepts_marketing": True}, {"in_segment": ["helper"]},
]  # fmt: skip


def criteria_of(rng, depth=0):
    found = dict(rng.choice(PARTS))
    if depth < 3 and rng.random() < 0.6:
        kind = rng.choice(["all", "any", "not"])
        inner = [criteria_of(rng, depth + 1) for _ in range(rng.randint(1, 3))]
        found[kind] = inner[0] if kind == "not" else inner
    return found


def test_why_agrees_with_membership_for_random_criteria(cafe):
    fill(cafe, guests=12)
    Segment.objects.create(
        key="helper", name="Helper", criteria={"any": [{"visit_count": 1}, {"points": {"min": 900}}]}
    )
    rng = random.Random(11)
    for number in range(25):
        Segment.objects.create(key=f"r{number}", name=f"r{number}", criteria=criteria_of(rng))
    calculate()
    verdicts = set()
    for segment in Segment.objects.filter(key__startswith="r", is_system=False).exclude(
        key__startswith="risk"
    ):
        for customer in Customer.objects.all():
            found = explain(segment, customer)
            assert found.verdict == found.is_member == judged(found.tree), segment.criteria
            verdicts.add(found.verdict)
    assert verdicts == {True, False}
    answer = data(send(cafe, "get", f"/helper/explain/{Customer.objects.first().pk}"))
    leaf = answer["explanation"]["parts"][0]["parts"][0]["parts"][0]
    assert (leaf["path"], leaf["required"]) == ("criteria.any[0].visit_count", 1)
    assert {"label", "actual", "verdict"} <= set(leaf)


def judged(part):
    """The verdict of a tree from those of its conditions."""
    if part["type"] == "condition":
        return part["verdict"]
    inner = [judged(child) for child in part["parts"]]
    found = {"all": all(inner), "any": any(inner), "not": not all(inner)}[part["type"]]
    assert part["verdict"] == found
    return found


def test_a_preview_is_exact_or_says_that_it_is_not(cafe, monkeypatch):
    fill(cafe, guests=30)
    criteria = {"visits": {"within_days": 90, "min": 1}}
    wanted = Customer.objects.filter(summary__total_visits__gte=1).count()
    exact = data(send(cafe, "post", "/preview", {"criteria": criteria, "sample": 2}))
    assert (exact["count"], exact["is_estimate"], len(exact["sample"])) == (wanted, False, 2)
    module = previews.__globals__
    monkeypatch.setitem(module, "MOST_COST", 0)
    guess = preview(criteria)
    assert (guess.count, guess.is_estimate) == (wanted, True), "so few guests are all in the sample"
    monkeypatch.setitem(module, "MOST_COST", 10**9)
    monkeypatch.setitem(module, "EXACT_TIMEOUT_MS", 1)
    slow = {"not": {"bought": {"item": "x" * 50, "max": 0}}}
    monkeypatch.setitem(module, "condition", lambda _node: slept())
    stopped = preview(slow)
    assert (stopped.is_estimate, stopped.sample) == (True, [])


def slept():
    from segments.language.sql import Sql

    return Sql("(pg_sleep(0.05) IS NULL)")


def test_the_language_is_served_once(cafe):
    first = cafe.api("manager").get(f"{URL}/schema")
    assert "visit_count" in first.json()["data"]["schema"]["$defs"]["criteria"]["properties"]
    again = cafe.api("manager").get(f"{URL}/schema", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")


def test_guests_are_listed_with_as_many_queries_for_many_as_for_few(cafe, django_assert_max_num_queries):
    fill(cafe, guests=20)
    calculate()
    api = cafe.api("manager")
    for limit in (2, 20):
        with django_assert_max_num_queries(12):
            assert api.get(f"{URL}/inactive_30/customers?limit={limit}").status_code == 200


def test_money_of_the_ready_made_follows_the_currency(cafe, indian_cafe):
    from django_tenants.utils import tenant_context

    least = []
    for cast in (cafe, indian_cafe):
        with tenant_context(cast.cafe):
            least.append(Segment.objects.get(key="high_spenders").criteria["lifetime_spent"]["min"])
    assert least == [50_000_000, 50_000]
    visit = VisitRequest(total_amount=Decimal(60_000_000), phone="+989121110001")
    record_visit(actor=cafe.owner.actor, request=visit)
    keys = set(SegmentMembership.objects.values_list("segment__key", flat=True))
    assert {"high_spenders", "first_time", "lifecycle_new"} <= keys
