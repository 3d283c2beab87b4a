"""The pages of segments: list, builder, one segment, "why", deletion; and the builder in a real browser."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from checkout.services import VisitRequest, record_visit
from customers.models import Customer
from segments.models import Segment, SegmentRun
from segments.services import calculate
from servaan_crm.l10n.locale import use_locale
from servaan_crm.l10n.money import format_number

PAGES = ("/segments/", "/segments/new/", "/segments/rfm/", "/segments/often/", "/segments/often/changes/",
         "/segments/often/explain/", "/segments/often/edit/", "/segments/often/delete/")  # fmt: skip


@pytest.fixture
def often(cafe):
    for number, visits in ((1, 3), (2, 1)):
        for _ in range(visits):
            request = VisitRequest(total_amount=Decimal(2_500_000), phone=f"+98912111000{number}")
            record_visit(actor=cafe.owner.actor, request=request)
    criteria = {"visits": {"within_days": 30, "min": 2, "item": "لاته"}, "any": [{"points": {"min": 1}}]}
    segment = Segment.objects.create(key="often", name="پرتکرار", criteria=criteria)
    calculate()
    return segment


def test_every_page_answers_with_few_queries(cafe, often, django_assert_max_num_queries):
    browser = cafe.browser("manager")
    for address in PAGES:
        with django_assert_max_num_queries(30):
            answer = browser.get(address)
        assert answer.status_code == 200, address
    assert "لاته" in browser.get("/segments/often/").content.decode()
    assert cafe.browser("staff").get("/segments/").status_code == 403


def test_the_list_shows_how_far_a_calculation_is(cafe, often):
    browser = cafe.browser("manager")
    assert "hx-trigger" not in browser.get("/segments/").content.decode().split('id="segments-run"')[1][:200]
    started = timezone.now() - timedelta(seconds=20)
    SegmentRun.objects.create(status="running", total=400, processed=100, started_at=started)
    with use_locale(cafe.cafe.locale):
        shown = format_number(400)
    page = browser.get("/segments/").content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert '<rect width="25' in page
    assert shown in page.split('id="segments-run"')[1].split("</div>")[0]


def test_saving_from_the_builder(cafe, often):
    browser = cafe.browser("manager")
    form = {"name": "بازگشتی‌ها", "criteria": json.dumps({"visit_count": {"min": 2}}), "kind": "dynamic"}
    made = browser.post("/segments/new/", form)
    segment = Segment.objects.get(name="بازگشتی‌ها")
    assert (made.status_code, made["Location"]) == (302, f"/segments/{segment.key}/")
    wrong = browser.post("/segments/new/", {**form, "criteria": '{"visit_cuont": 1}'})
    assert wrong.status_code == 422
    assert "criteria.visit_cuont" in wrong.content.decode()
    broken = browser.post("/segments/new/", {**form, "criteria": "{"})
    assert broken.status_code == 422
    segment.refresh_from_db()
    stale = {**form, "version": segment.version, "criteria": json.dumps({"visit_count": 9})}
    assert browser.post(f"/segments/{segment.key}/edit/", stale).status_code == 302
    late = browser.post(
        f"/segments/{segment.key}/edit/", {**stale, "criteria": json.dumps({"visit_count": 8})}
    )
    assert late.status_code == 409, "somebody else saved meanwhile"
    segment.refresh_from_db()
    assert segment.criteria == {"visit_count": 9}


def test_preview_counts_and_says_it_in_words(cafe, often):
    answer = cafe.browser("manager").post(
        "/segments/preview/", {"criteria": json.dumps({"visit_count": {"min": 2}})}
    )
    text = answer.content.decode()
    assert "۱" in text
    assert "۲" in text
    problem = cafe.browser("manager").post("/segments/preview/", {"criteria": '{"no": 1}'}).content.decode()
    assert "criteria.no" in problem


def test_why_agrees_with_membership(cafe, often):
    browser = cafe.browser("manager")
    for phone, inside in (("+989121110001", False), ("+989121110002", False)):
        guest = Customer.objects.get(phone=phone)
        assert guest.segment_memberships.filter(segment=often).exists() == inside
        page = browser.get(f"/segments/often/explain/?guest={guest.pk}").content.decode()
        assert "why-mark is-bad" in page
    found = browser.get("/segments/often/explain/?q=1110001").content.decode()
    assert "?guest=" in found


def test_built_in_segments_are_copied_not_changed(cafe):
    browser = cafe.browser("manager")
    assert browser.get("/segments/vip_customers/edit/").status_code == 302
    made = browser.post("/segments/vip_customers/duplicate/")
    copy = Segment.objects.get(is_system=False)
    assert made["Location"] == f"/segments/{copy.key}/edit/"
    assert browser.post(f"/segments/{copy.key}/delete/").status_code == 302
    assert not Segment.objects.filter(pk=copy.pk).exists()


def test_a_fixed_list_takes_phone_numbers(cafe, often):
    browser = cafe.browser("manager")
    browser.post("/segments/new/", {"name": "مهمان‌های جشن", "kind": "static", "criteria": "{}"})
    segment = Segment.objects.get(kind="static")
    browser.post(f"/segments/{segment.key}/guests/", {"phones": "۰۹۱۲۱۱۱۰۰۰۱، 09129999999", "action": "add"})
    assert list(segment.memberships.values_list("customer__phone", flat=True)) == ["+989121110001"]
    browser.post(f"/segments/{segment.key}/guests/", {"phones": "09121110001", "action": "remove"})
    assert not segment.memberships.exists()


def test_sentences_of_every_field_read_well(cafe):
    """No placeholder is left open, no Latin digit in a Persian sentence."""
    from segments.sentences import sentence
    from segments.tests.generator import Generator
    from segments.tests.world import World

    with use_locale(cafe.cafe.locale):
        world = World(5, guests=1)
        generator = Generator(world, 5, ["handmade"])
        for field in generator.fields:
            for _ in range(6):
                words = sentence(field.name, generator.value(field))
                assert "%" not in words, (field.name, words)
                assert words.strip()
