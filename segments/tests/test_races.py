"""A calculation beside everybody else: guests judged meanwhile, segments deleted meanwhile, a worker that slept."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from customers.merging.services import merge_customers
from customers.models import Customer
from customers.services import create_customer
from customers.services.consent import set_consent
from segments.models import Segment, SegmentChange, SegmentMembership, SegmentRun
from segments.services import (
    calculate,
    create_system_segments,
    delete_segment,
    refresh_guests,
    request_run,
    save_segment,
)
from segments.services import run as runs
from segments.services.refresh import purge_history
from segments.services.static import add_to_list, remove_from_list
from segments.tests.test_calculation import at_rest, fill, make_segments, memberships, visit


def reach(cast):
    segment = Segment(key="reach", name="reach", criteria={"consent": ["sms"]})
    return save_segment(actor=cast.owner.actor, segment=segment)


def begun():
    """Return a claimed run with its plan and its list of guests."""
    request_run("test")
    run = runs.claim_run()
    compiled = runs.compile_now()
    runs._list_differences(run, compiled)
    return run, compiled


def test_a_guest_judged_again_meanwhile_is_not_judged_by_what_was(cafe):
    """Consent moves no figure of the guest, and still nothing from before it may be written."""
    segment = reach(cafe)
    guest = create_customer(actor=cafe.owner.actor, phone="09125550001", name="Guest")
    run, compiled = begun()
    set_consent(actor=cafe.owner.actor, customer_id=guest.pk, channel="sms", granted=False, source="staff")
    refresh_guests([guest.pk])
    runs._next_batch(run, compiled, 100, runs._NOBODY)
    runs._finish(run, compiled)
    assert not SegmentMembership.objects.filter(segment=segment, customer=guest).exists()
    assert memberships() == at_rest()


def test_a_segment_deleted_meanwhile_leaves_nothing(cafe):
    fill(cafe, guests=6)
    make_segments(cafe)
    gone = Segment.objects.get(key="seldom")
    run, compiled = begun()
    delete_segment(actor=cafe.owner.actor, segment_id=gone.pk)
    runs._next_batch(run, compiled, 100, runs._NOBODY)
    assert SegmentMembership.objects.filter(segment_id=gone.pk).exists(), "written from the list"
    runs._finish(run, compiled)
    assert not SegmentMembership.objects.filter(segment_id=gone.pk).exists()
    SegmentMembership.objects.create(segment_id=gone.pk, customer=Customer.objects.first())
    purge_history()
    assert not SegmentMembership.objects.filter(segment_id=gone.pk).exists(), "nor what a checkout left"


def test_a_segment_changed_meanwhile_stays_due(cafe):
    fill(cafe, guests=4)
    make_segments(cafe)
    calculate()
    run, compiled = begun()
    segment = Segment.objects.get(key="big")
    before = segment.last_calculated_at
    segment.criteria = {"visit_count": {"min": 1}}
    save_segment(actor=cafe.owner.actor, segment=segment)
    runs._finish(run, compiled)
    segment.refresh_from_db()
    assert segment.last_calculated_at == before, "its members still follow the old criteria"
    assert Segment.objects.get(key="often").last_calculated_at > before
    calculate()
    segment.refresh_from_db()
    assert segment.last_calculated_at > before


def test_a_worker_that_slept_does_not_take_the_list_of_its_successor(cafe):
    fill(cafe, guests=8)
    make_segments(cafe)
    request_run("test")
    slept, plan = runs.claim_run(), runs.compile_now()
    SegmentRun.objects.filter(pk=slept.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=4))
    taken, compiled = runs.claim_run(), runs.compile_now()
    runs._list_differences(taken, compiled)
    runs._list_differences(slept, plan)
    assert runs._next_batch(slept, plan, 100, runs._NOBODY) is None
    runs._finish(slept, plan)
    runs._next_batch(taken, compiled, 100, runs._NOBODY)
    runs._finish(taken, compiled)
    assert (taken.status, memberships()) == ("completed", at_rest())


def test_members_written_without_the_lock_do_not_stop_a_calculation(cafe):
    fill(cafe, guests=5)
    make_segments(cafe)
    run, compiled = begun()
    segment, guest = Segment.objects.get(key="seldom"), None
    guest = next(pk for found, pk in at_rest()[0] if found == segment.pk)
    SegmentMembership.objects.create(segment=segment, customer_id=guest)
    runs._next_batch(run, compiled, 100, runs._NOBODY)
    runs._finish(run, compiled)
    assert memberships() == at_rest()


@pytest.mark.timeout(180)
def test_everything_at_once_ends_where_it_would_at_rest(fresh_cafe):
    """Tills, calculations, edits, deletions, lists, merges and the nightly repair, all at the same time."""
    cast = fresh_cafe()
    with tenant_context(cast.cafe):
        fill(cast, guests=24)
        make_segments(cast)
        friends = save_segment(
            actor=cast.owner.actor, segment=Segment(key="friends", name="friends", kind="static")
        )
        guests = list(Customer.objects.order_by("pk").values_list("pk", flat=True))
        pairs = list(zip(guests[0:10:2], guests[1:10:2], strict=True))
        errors: list[BaseException] = []

        def till(first):
            for number in range(first, 16, 2):
                visit(cast, number + 100, 3_200_000)
                refresh_guests(guests[10:20])

        def editor():
            for number in range(5):
                segment = Segment.objects.get(key="big")
                segment.criteria = {"visit_count": {"min": number % 3}}
                save_segment(actor=cast.owner.actor, segment=segment)
                made = save_segment(
                    actor=cast.owner.actor,
                    segment=Segment(key=f"brief{number}", name="x", criteria={"points": {"min": 1}}),
                )
                delete_segment(actor=cast.owner.actor, segment_id=made.pk)
                Segment.objects.filter(key="inactive_30").update(criteria={"visit_count": number})
                create_system_segments(cast.cafe)

        def lists():
            for _ in range(4):
                add_to_list(actor=cast.owner.actor, segment_id=friends.pk, customer_ids=guests)
                remove_from_list(actor=cast.owner.actor, segment_id=friends.pk, customer_ids=guests[::2])

        def merger():
            for kept, other in pairs:
                merge_customers(actor=cast.owner.actor, kept_id=kept, merged_id=other)

        def calculator():
            for _ in range(4):
                calculate(batch=5)

        def guarded(work, *args):
            try:
                with tenant_context(cast.cafe):
                    work(*args)
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        jobs = [(till, 0), (till, 1), (editor,), (lists,), (merger,), (calculator,), (calculator,)]
        threads = [threading.Thread(target=guarded, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        calculate()
        purge_history()
        alive = set(Customer.objects.filter(deleted_at=None).values_list("pk", flat=True))
        stored = {(pk, guest) for pk, guest in memberships()[0] if guest in alive and pk != friends.pk}
        assert stored == at_rest()[0]
        known = set(Segment.objects.values_list("pk", flat=True))
        assert set(SegmentMembership.objects.values_list("segment_id", flat=True)) <= known
        assert set(SegmentChange.objects.values_list("segment_id", flat=True)) <= known
        assert not SegmentRun.objects.filter(status="running").exists()
