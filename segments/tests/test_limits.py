"""What must never be stored, because one segment that PostgreSQL cannot run stops every checkout."""

from __future__ import annotations

from decimal import Decimal

import pytest

from checkout.services import VisitRequest, record_visit
from segments.errors import InvalidCriteria
from segments.language import compile_segments, compiler, new_plan, plan, read_criteria
from segments.language.compiler import fetch
from segments.models import Segment, SegmentMembership
from segments.services import calculate, save_segment
from segments.tests.test_segments_api import data, error, send


@pytest.mark.parametrize(
    ("criteria", "path"),
    [
        ({"points": {"min": "1e-20000"}}, "criteria.points.min"),
        ({"city": "a\x00b"}, "criteria.city"),
        ({"city": {"contains": "\x00"}}, "criteria.city.contains"),
        ({"bought": {"item": ["\x00"]}}, "criteria.bought.item"),
        ({"city": ["تهران", "رشت"]}, "criteria.city"),
        ({"city": {"contains": " "}}, "criteria.city.contains"),
        ({"visits": {"min": 1, "weekday": []}}, "criteria.visits.weekday"),
        ({"visits": {"min": 1, "weekday": [1] * 201}}, "criteria.visits.weekday"),
        ({"birthday_month": [1] * 201}, "criteria.birthday_month"),
        ({"any": [{"points": number} for number in range(10_000)]}, "criteria.any[200].points"),
        ({"all": [{"not": {"any": [{"foo": 1}]}}]}, "criteria.all[0].not.any[0].foo"),
    ],
)
def test_what_cannot_be_run_is_refused_by_its_path(cafe, criteria, path):
    made = send(cafe, "post", body={"name": "x", "criteria": criteria})
    assert error(made, "INVALID_SEGMENT_CRITERIA", 400)["path"] == path
    assert not Segment.objects.filter(is_system=False).exists()
    assert data(send(cafe, "get"))["segments"]


def test_criteria_too_deep_are_refused_in_the_api_and_on_the_page(cafe):
    deep = {"points": 1}
    for _ in range(12):
        deep = {"not": deep}
    assert error(send(cafe, "post", "/preview", {"criteria": deep}), "INVALID_SEGMENT_CRITERIA", 400)["path"]
    text = '{"not":' * 2500 + '{"points":1}' + "}" * 2500
    browser = cafe.browser("manager")
    assert browser.post("/segments/preview/", {"criteria": text}).status_code == 200
    for wrong in (text, "[1]", "5", '{"points": NaN}', '{"city": "\\u0000"}', '{"city": "\\ud800"}'):
        answer = browser.post("/segments/new/", {"name": "x", "kind": "dynamic", "criteria": wrong})
        assert answer.status_code == 422, wrong[:30]


def test_numbers_as_people_type_them(cafe):
    for typed, meant in (
        ("۱٬۲۰۰", 1200),
        ("1,200", 1200),
        ("۱۲۰۰", 1200),
        ("0E+999999", 0),
        ("2.50", Decimal("2.5")),
    ):
        tree = read_criteria({"points": {"min": typed}}, new_plan())
        assert meant in tree.leaves()[0].test.holds.params, typed


def test_what_the_database_refuses_is_not_saved(cafe, monkeypatch):
    """The last gate: values that read well and still make the query fail."""
    from segments.language.sql import Sql

    segment = Segment(key="bad", name="bad", criteria={"points": 1})
    with monkeypatch.context() as patched:
        patched.setattr(compiler, "condition", lambda _tree: Sql("(1 = %s::int)", ("x",)))
        with pytest.raises(InvalidCriteria):
            save_segment(actor=cafe.owner.actor, segment=segment)
    assert not Segment.objects.filter(key="bad").exists()
    record_visit(actor=cafe.owner.actor, request=VisitRequest(total_amount=Decimal(1), phone="+989121110001"))


def test_a_change_may_not_make_another_segment_unreadable(cafe):
    actor = cafe.owner.actor
    save_segment(actor=actor, segment=Segment(key="inner", name="inner", criteria={"points": {"min": 1}}))
    many = [{"in_segment": "inner"}, *({"points": {"min": number}} for number in range(150))]
    save_segment(actor=actor, segment=Segment(key="outer", name="outer", criteria={"any": many}))
    inner = Segment.objects.get(key="inner")
    inner.criteria = {"any": [{"points": {"min": number}} for number in range(100)]}
    with pytest.raises(InvalidCriteria, match="outer"):
        save_segment(actor=actor, segment=inner)
    inner.criteria = {"any": [{"points": {"min": number}} for number in range(20)]}
    save_segment(actor=actor, segment=inner)
    assert calculate().status == "completed"
    assert not Segment.objects.exclude(problem="").exists()


def test_more_windows_than_one_select_list_holds(cafe, monkeypatch):
    monkeypatch.setattr(plan, "MOST_COLUMNS", 7)
    guest = record_visit(
        actor=cafe.owner.actor, request=VisitRequest(total_amount=Decimal(900), phone="+989121110001")
    ).visit.customer_id
    segments = [
        Segment(key=f"w{days}", name="x", criteria={"visits": {"within_days": days, "min": least}})
        for days, least in [(day, 1) for day in range(1, 30)] + [(day, 2) for day in range(31, 40)]
    ]
    compiled = compile_segments(segments)
    assert "v_5.a" in compiled.verdicts().text
    inside = {row[0]: set(row[2]) for row in fetch(compiled.verdicts())}
    assert inside[guest] == {segment.pk for segment in segments[:29]}
    assert not SegmentMembership.objects.filter(segment__key="w1").exists()
