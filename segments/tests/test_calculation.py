"""Calculating all segments: at rest, beside checkouts, twice at once, killed half-way, and for one guest."""

import random
import threading
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, record_visit
from customers.models import Customer, CustomerSummary
from segments.language.compiler import fetch
from segments.models import Segment, SegmentChange, SegmentMembership, SegmentRun
from segments.services import calculate, request_run, save_segment
from segments.services import run as runs
from segments.services.plans import compile_now
from servaan_crm.core.models import Event

CRITERIA = {
    "often": {"visits": {"within_days": 30, "min": 3}},
    "seldom": {"not": {"visits": {"within_days": 60, "min": 1}}},
    "big": {"any": [{"largest_bill": {"min": 3_000_000}}, {"points": {"min": 4000}}]},
    "nested": {"in_segment": ["often"], "lifetime_spent": {"min": 1_000_000}},
}


def make_segments(cast):
    for key, criteria in CRITERIA.items():
        save_segment(actor=cast.owner.actor, segment=Segment(key=key, name=key, criteria=criteria))


def fill(cast, guests=40, seed=3):
    rng = random.Random(seed)
    for number in range(guests):
        for _ in range(rng.choice([0, 1, 2, 4])):
            visit(cast, number, rng.choice([90_000, 800_000, 3_500_000]), rng.choice([0, 5, 29, 45, 70]))


def visit(cast, number, amount, days_ago=0):
    request = VisitRequest(
        total_amount=Decimal(amount),
        phone=f"+9891211{number:05d}",
        visit_date=timezone.now() - timedelta(days=days_ago, minutes=1),
    )
    record_visit(actor=cast.owner.actor, may_backdate=True, request=request)


def memberships():
    rows = SegmentMembership.objects.values_list("segment_id", "customer_id")
    return set(rows), dict(CustomerSummary.objects.values_list("pk", "segment"))


def at_rest():
    """What the criteria say of everybody right now, without what is stored."""
    rows = fetch(compile_now().verdicts())
    return {(pk, guest) for guest, _base, segs in rows for pk in segs}, {
        guest: base for guest, base, _s in rows
    }


def test_a_calculation_writes_the_difference_and_tells_it(cafe):
    fill(cafe)
    make_segments(cafe)
    first = calculate()
    assert (first.status, memberships()) == ("completed", at_rest())
    assert not SegmentChange.objects.exists(), "first members did not enter: the segment is new"
    again = calculate()
    assert (again.total, again.entered, again.left) == (0, 0, 0)
    visit(cafe, 1, 5_000_000)
    guest = Customer.objects.get(phone="+989121100001")
    big = Segment.objects.get(key="big")
    assert SegmentMembership.objects.filter(segment=big, customer=guest).exists(), (
        "checkout refreshes at once"
    )
    told = Event.objects.filter(name="segment.entered", payload__key="big").values_list("payload", flat=True)
    assert [payload["customer_ids"] for payload in told] == [[str(guest.pk)]]
    assert SegmentChange.objects.get(segment=big, customer=guest).entered
    assert memberships() == at_rest()
    counts = dict(Segment.objects.values_list("key", "customer_count"))
    assert counts["often"] == SegmentMembership.objects.filter(segment__key="often").count()


def test_changed_criteria_reach_the_next_checkout_and_calculation(cafe):
    fill(cafe, guests=10)
    make_segments(cafe)
    calculate()
    segment = Segment.objects.get(key="big")
    segment.criteria = {"visit_count": {"min": 1}}
    save_segment(actor=cafe.owner.actor, segment=segment)
    visit(cafe, 77, 10_000)
    assert SegmentMembership.objects.filter(segment=segment, customer__phone="+989121100077").exists()
    run = calculate()
    assert memberships() == at_rest()
    assert run.entered == SegmentChange.objects.filter(segment=segment, entered=True).count() - 1


def test_criteria_that_no_longer_read_break_nothing(cafe):
    fill(cafe, guests=5)
    make_segments(cafe)
    calculate()
    before = memberships()
    Segment.objects.filter(key="big").update(criteria={"gone": 1})
    calculate()
    assert "gone" in Segment.objects.get(key="big").problem
    visit(cafe, 78, 10_000)
    assert before[0] <= memberships()[0]


def test_refresh_at_checkout_is_one_query(cafe, django_assert_num_queries):
    from segments.services import refresh_customer

    fill(cafe, guests=3)
    make_segments(cafe)
    calculate()
    summary = CustomerSummary.objects.first()
    refresh_customer(summary)
    with django_assert_num_queries(1):
        refresh_customer(summary)


def test_beside_checkouts_it_ends_where_it_would_at_rest(fresh_cafe, monkeypatch):
    cast = fresh_cafe()
    with tenant_context(cast.cafe):
        fill(cast, guests=60)
        make_segments(cast)
        monkeypatch.setattr(runs, "BATCH", 7)
        errors: list[BaseException] = []

        def till(numbers):
            try:
                with tenant_context(cast.cafe):
                    for number in numbers:
                        visit(cast, number, 3_200_000)
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        def calculator():
            try:
                with tenant_context(cast.cafe):
                    for _ in range(4):
                        calculate(batch=7)
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=till, args=(range(start, 60, 3),)) for start in range(3)]
        threads += [threading.Thread(target=calculator) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert memberships() == at_rest()
        assert not SegmentRun.objects.filter(status="running").exists()


def test_killed_half_way_and_taken_over(fresh_cafe, monkeypatch):
    cast = fresh_cafe()
    with tenant_context(cast.cafe):
        fill(cast, guests=40)
        make_segments(cast)
        request_run("test")
        run = runs.claim_run()
        compiled = runs.compile_now()
        runs._list_differences(run, compiled)
        runs._next_batch(run, compiled, 5, UUID(int=0))  # and here the worker dies
        assert calculate() is None, "a run is at work, as far as anybody can tell"
        SegmentRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=4))
        taken = calculate()
        assert (taken.pk, taken.status, memberships()) == (run.pk, "completed", at_rest())
        assert not runs._still_ours(run), "the dead worker's claim is void, should it come back"
