"""Segments follow what happens outside the checkout: new, changed, deleted, erased guests, and RFM by night."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from checkout.services import VisitRequest, record_visit
from customers.models import Customer, CustomerSummary, Visit
from customers.services import create_customer, delete_customer, restore_customer
from customers.services.consent import set_consent
from loyalty.models import LoyaltyAccount
from loyalty.services import adjust_points, award_points
from loyalty.services.expiry import expire_points
from segments.models import RfmMove, RfmScore, Segment, SegmentMembership
from segments.rfm import GRID, GROUPS, LEAST_GUESTS, group_of
from segments.selectors import count_members, get_rfm_map
from segments.services import ask_for_run, create_system_segments, save_segment, score_guests
from segments.services.refresh import work_off_runs
from segments.services.static import add_to_list
from segments.tasks import nightly
from servaan_crm.core.events import dispatch_pending
from servaan_crm.core.models import Event
from servaan_crm.l10n.jalali import local_date
from servaan_crm.tenancy.current import get_cafe


def keys_of(customer):
    rows = SegmentMembership.objects.filter(customer=customer)
    return set(rows.values_list("segment__key", flat=True))


def test_a_guest_is_followed_from_entry_to_deletion_and_back(cafe):
    reach = Segment(key="reach", name="reach", criteria={"consent": ["sms"]})
    save_segment(actor=cafe.owner.actor, segment=reach)
    guest = create_customer(actor=cafe.owner.actor, phone="09125550001", name="Guest")
    dispatch_pending()
    assert {"new_customers", "lifecycle_prospect", "reach"} <= keys_of(guest)
    set_consent(actor=cafe.owner.actor, customer_id=guest.pk, channel="sms", granted=False, source="staff")
    dispatch_pending()
    assert "reach" not in keys_of(guest)
    friends = Segment(key="friends", name="friends", kind=Segment.Kind.STATIC)
    save_segment(actor=cafe.owner.actor, segment=friends)
    add_to_list(actor=cafe.owner.actor, segment_id=friends.pk, customer_ids=[guest.pk])
    pk = Segment.objects.get(key="new_customers").pk
    delete_customer(actor=cafe.owner.actor, customer_id=guest.pk)
    assert count_members().get(pk, 0) == 0, "gone from the counts before any worker came"
    dispatch_pending()
    ask_for_run("test")
    work_off_runs()
    assert keys_of(guest) == {"friends"}, "a place on a fixed list waits for the guest"
    friends.refresh_from_db()
    assert friends.customer_count == count_members().get(friends.pk, 0) == 0
    restore_customer(actor=cafe.owner.actor, customer_id=guest.pk)
    dispatch_pending()
    assert {"new_customers", "friends"} <= keys_of(guest)
    assert count_members()[friends.pk] == 1


def test_built_in_segments_are_brought_in_line(cafe):
    Segment.objects.filter(key="inactive_30").update(criteria={"visit_count": 9})
    Segment.objects.filter(key="first_time").delete()
    Segment.objects.create(key="first_time", name="Ours", criteria={"visit_count": 2})
    assert create_system_segments(get_cafe()) == 2
    assert Segment.objects.get(key="inactive_30").criteria == {"last_visit_days": {"min": 30}}
    assert Segment.objects.get(key="first_time").name == "Ours"
    assert Segment.objects.get(key="builtin_first_time").is_system
    assert create_system_segments(get_cafe()) == 0


def fill_book(cast, guests):
    rng, now = random.Random(5), timezone.now()
    for number in range(guests):
        for _ in range(rng.choice([1, 1, 2, 3, 6])):
            at = now - timedelta(days=rng.choice([0, 2, 9, 30, 80, 200, 400]), minutes=1)
            request = VisitRequest(
                total_amount=Decimal(rng.choice([50_000, 300_000, 2_000_000])),
                phone=f"+9891233{number:05d}",
                visit_date=at,
            )
            record_visit(actor=cast.owner.actor, may_backdate=True, request=request)


def expected_scores():
    """Scores in plain Python: 1 plus how many whole fifths of the guests with a visit in the window do worse."""
    tz, now = get_cafe().locale.tz, timezone.now()
    today = now.astimezone(tz).date()
    figures = {}
    for visit in Visit.objects.filter(voided_at=None):
        day = visit.visit_date.astimezone(tz).date()
        if (today - day).days <= 365:
            last, count, spend = figures.get(visit.customer_id, (day, 0, Decimal(0)))
            figures[visit.customer_id] = (max(last, day), count + 1, spend + visit.final_amount)
    found = dict.fromkeys(
        CustomerSummary.objects.exclude(last_visit_at=None).values_list("pk", flat=True), (1, 1, 1)
    )
    for pk, own in figures.items():
        found[pk] = tuple(
            1 + 5 * sum(other[part] < own[part] for other in figures.values()) // len(figures)
            for part in range(3)
        )
    return found


def test_scores_follow_the_cafes_own_distribution(cafe):
    fill_book(cafe, LEAST_GUESTS - 10)
    assert not score_guests().is_enough
    assert (RfmScore.objects.count(), get_rfm_map().is_ready) == (0, False)
    fill_book(cafe, 60)
    assert nightly(schema_name=cafe.cafe.schema_name) == 1
    wanted = expected_scores()
    stored = {row.pk: row for row in RfmScore.objects.all()}
    assert {pk: (row.recency, row.frequency, row.monetary) for pk, row in stored.items()} == wanted
    assert all(row.group == group_of(*wanted[pk]) for pk, row in stored.items())
    members = SegmentMembership.objects.filter(segment__key__startswith="rfm_")
    assert {row.customer_id: row.segment.key for row in members.select_related("segment")} == {
        pk: f"rfm_{row.group}" for pk, row in stored.items()
    }
    assert score_guests().changed == 0
    moved_before = sum(RfmMove.objects.values_list("guests", flat=True))
    lost = RfmScore.objects.filter(recency=1).order_by("monetary").first()
    customer = Customer.objects.get(pk=lost.pk)
    record_visit(
        actor=cafe.owner.actor, request=VisitRequest(total_amount=Decimal(9_000_000), phone=customer.phone)
    )
    score_guests()
    now = RfmScore.objects.get(pk=lost.pk)
    assert (now.previous_group, now.group != lost.group) == (lost.group, True)
    assert RfmMove.objects.filter(from_group=lost.group, to_group=now.group).exists()
    assert sum(RfmMove.objects.values_list("guests", flat=True)) > moved_before
    found = get_rfm_map()
    assert sum(group.guests for group in found.groups) == len(stored)
    assert round(sum(group.share for group in found.groups)) == 100, "shares are percentages"
    cells = [cell for _recency, row in found.rows for cell in row]
    for group in found.groups:
        assert group.guests == sum(cell.guests for cell in cells if cell.group == group.key), group.key
    assert all((cell.shade > 0) == (cell.guests > 0) for cell in cells)
    assert 'href="/segments/rfm_champions/"' in cafe.browser("manager").get("/segments/rfm/").content.decode()


def test_every_group_has_its_place():
    assert {name for row in GRID for name in row} == {key for key, _label in GROUPS}


def test_points_given_by_hand_or_run_out_move_the_guest_at_once(cafe):
    rich = Segment(key="rich", name="rich", criteria={"points": {"min": 100}})
    save_segment(actor=cafe.owner.actor, segment=rich)
    ask_for_run("test")
    work_off_runs()
    guest = create_customer(actor=cafe.owner.actor, phone="09125550009", name="Guest")
    award_points(actor=cafe.owner.actor, customer_id=guest.pk, points=100, reason="gift")
    dispatch_pending()
    assert "rich" in keys_of(guest)
    adjust_points(actor=cafe.owner.actor, customer_id=guest.pk, points=-1, reason="mistake")
    dispatch_pending()
    assert "rich" not in keys_of(guest)


def test_points_of_many_that_run_out_are_told_in_few_events_and_judged_by_one_calculation(cafe):
    poor = Segment(key="poor", name="poor", criteria={"points": {"max": 0}})
    save_segment(actor=cafe.owner.actor, segment=poor)
    yesterday = local_date(timezone.now()) - timedelta(days=1)
    guests = Customer.objects.bulk_create(
        Customer(name="Guest", phone=f"+98912{number:07d}") for number in range(501)
    )
    CustomerSummary.objects.bulk_create(CustomerSummary(customer=guest, points=5) for guest in guests)
    LoyaltyAccount.objects.bulk_create(
        LoyaltyAccount(
            customer=guest, balance=5, points_earned_total=5, lot_expiries=[yesterday], lot_points=[5],
            next_expiry_on=yesterday,
        )
        for guest in guests
    )  # fmt: skip
    assert expire_points() == 501
    told = Event.objects.filter(name="loyalty.points_moved", dispatched_at=None)
    assert sorted(len(event.payload["customer_ids"]) for event in told) == [1, 500]
    dispatch_pending()
    work_off_runs()
    assert count_members()[poor.pk] == 501
