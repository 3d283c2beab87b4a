"""The base segments: the language's errors, the whole café at night, and what time alone changes."""

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from checkout.services import VisitRequest, record_visit
from customers.models import Customer, CustomerSummary, Visit
from segments import services
from segments.errors import InvalidCriteria
from segments.language import new_plan, read_criteria
from segments.language.compiler import fetch
from segments.language.sql import sql
from segments.language.tree import condition
from servaan_crm.tenancy.current import get_cafe


def compiled(criteria):
    plan = new_plan()
    test = condition(read_criteria(criteria, plan))
    guests = [
        row[0] for row in fetch(sql("SELECT customers_customer.id FROM {} AND {}", plan.source(), test))
    ]
    return CustomerSummary.objects.filter(pk__in=guests)


@pytest.mark.parametrize(
    ("criteria", "path"),
    [
        ({}, "criteria"),
        ([], "criteria"),
        ({"nonsense": 1}, "criteria.nonsense"),
        ({"visit_count": {}}, "criteria.visit_count"),
        ({"visit_count": {"minimum": 1}}, "criteria.visit_count.minimum"),
        ({"visit_count": {"min": "چند"}}, "criteria.visit_count.min"),
        ({"visit_count": {"min": True}}, "criteria.visit_count.min"),
        ({"lifetime_spent": {"max": -1}}, "criteria.lifetime_spent.max"),
        ({"last_visit_days": {"max": 1.5}}, "criteria.last_visit_days.max"),
        ({"tier_level": ["gold", "diamond"]}, "criteria.tier_level"),
        ({"any": []}, "criteria.any"),
        ({"all": [{"points": {"min": 1}}, {"x": 1}]}, "criteria.all[1].x"),
        ({"not": {"any": [{"segment": "nobody"}]}}, "criteria.not.any[0].segment"),
    ],
)
def test_bad_criteria_name_the_path_and_what_is_allowed(cafe, criteria, path):
    with pytest.raises(InvalidCriteria) as caught:
        compiled(criteria)
    assert caught.value.details["path"] == path
    assert caught.value.details["allowed"]


def test_nested_criteria(cafe):
    for number, amount in ((1, 50_000), (2, 2_000_000), (3, 9_000_000)):
        record_visit(
            actor=cafe.owner.actor,
            request=VisitRequest(total_amount=Decimal(amount), phone=f"+98912111000{number}"),
        )
    found = compiled({"any": [{"tier_level": "gold"}, {"not": {"lifetime_spent": {"min": 100_000}}}]})
    assert sorted(found.values_list("customer__phone", flat=True)) == ["+989121110001", "+989121110003"]


def expected(summary, now, tz):
    """The rules in plain Python."""
    visits = Visit.objects.filter(customer_id=summary.pk, voided_at=None)
    today = now.astimezone(tz).date()
    monthly = sum((today - visit.visit_date.astimezone(tz).date()).days <= 30 for visit in visits)
    last = max((visit.visit_date for visit in visits), default=None)
    days = (now.astimezone(tz).date() - last.astimezone(tz).date()).days if last else None
    if summary.lifetime_spent >= 500_000 and summary.tier in ("gold", "platinum"):
        return "vip"
    if monthly >= 4 and days is not None and days <= 14:
        return "regular"
    if (today - summary.customer.created_at.astimezone(tz).date()).days <= 30 and summary.total_visits <= 3:
        return "new"
    return "occasional"


def test_whole_cafe_agrees_with_plain_python(cafe):
    rng, now = random.Random(7), timezone.now()
    for number in range(60):
        for _ in range(rng.choice([0, 1, 2, 3, 4, 6, 9])):
            record_visit(
                actor=cafe.owner.actor,
                may_backdate=True,
                request=VisitRequest(
                    total_amount=Decimal(rng.choice([40_000, 400_000, 3_000_000])),
                    phone=f"+9891211{number:05d}",
                    visit_date=now
                    - timedelta(days=rng.choice([0, 1, 3, 13, 14, 15, 20, 29, 30, 31, 60]), hours=1),
                ),
            )
    for customer in Customer.objects.all():
        created = now - timedelta(days=rng.choice([1, 29, 31, 90]))
        Customer.objects.filter(pk=customer.pk).update(created_at=created)
    services.refresh_base_segments()
    tz = get_cafe().locale.tz
    rows = CustomerSummary.objects.select_related("customer")
    assert {row.pk: row.segment for row in rows} == {row.pk: expected(row, now, tz) for row in rows}
    assert {row.segment for row in rows} == {"vip", "regular", "new", "occasional"}
    assert services.refresh_base_segments() == 0, "a second run has nothing to write"


def test_segments_endpoint(cafe):
    record_visit(actor=cafe.owner.actor, request=VisitRequest(total_amount=Decimal(1), phone="+989121110001"))
    segments = cafe.api("manager").get("/api/crm/segments").json()["data"]["segments"]
    assert {tuple(row) for row in segments} == {("id", "name", "description", "count", "criteria")}
    assert [(row["id"], row["count"]) for row in segments[:3]] == [
        ("vip_customers", 0), ("regular_customers", 0), ("new_customers", 1),
    ]  # fmt: skip
    assert cafe.api("staff").get("/api/crm/segments").status_code == 403
