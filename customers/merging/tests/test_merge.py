"""Merge and undo: what moves, what is refused, and that everything comes back."""

import uuid
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import check_cafe
from customers.errors import CustomerAlreadyExists, CustomerNotFound
from customers.merging.errors import MergeNotFound, MergeRefused, UndoRefused
from customers.merging.preview import preview_merge
from customers.merging.services import dismiss_duplicate, merge_customers, undo_merge
from customers.merging.tests.state import state_of
from customers.models import ConsentChange, Customer, CustomerNote, FamilyMember, MergeRecord, Tag, Visit
from customers.selectors import lookup
from customers.selectors.consent import is_allowed
from customers.services import create_customer, delete_customer, restore_customer, update_customer
from customers.services.consent import set_consent
from customers.tests.factories import ACTOR, make_customer
from feedback.services import record_feedback
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import award_points, redeem_points
from outreach.services import log_interaction
from servaan_crm.core.errors import EditConflict
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.services import queue_messages
from servaan_crm.messaging.tests.helpers import draft


def bill(customer, amount=500_000, days=0, **more):
    from datetime import timedelta

    from django.utils import timezone

    request = VisitRequest(
        customer_id=customer.pk,
        total_amount=Decimal(amount),
        visit_date=timezone.now() - timedelta(days=days),
        **more,
    )
    return record_visit(actor=ACTOR, request=request, may_backdate=True).visit


def rich_pair():
    """Two records of one guest with something of everything on each."""
    vip, vegan, corporate = (Tag.objects.create(name=name) for name in ("vip", "vegan", "corporate"))
    kept = make_customer(
        1,
        "سارا کریمی",
        notes="کنار پنجره",
        tags=[vip, vegan],
        preferences={"allergies": ["بادام"], "till": 1},
    )
    gone = make_customer(
        2, "سارا کريمي", email="Sara@Example.com", notes="قهوهٔ سبک", tags=[vegan, corporate],
        preferences={"allergies": ["شیر", "بادام"], "favorite_drink": "لاته"}, birthday=None,
    )  # fmt: skip
    for days, amount in ((9, 300_000), (5, 900_000), (1, 250_000)):
        bill(kept, amount, days)
    for days, amount in ((7, 1_400_000), (3, 600_000)):
        visit = bill(gone, amount, days)
    void_visit(actor=ACTOR, visit_id=bill(gone, 100_000, 2).pk)
    redeem_points(actor=ACTOR, customer_id=gone.pk, points=700, reward_type="item")
    CustomerNote.objects.create(customer=gone, text="دیر می‌آید", author_name="علی")
    FamilyMember.objects.create(customer=gone, name="مینا", relationship="child")
    record_feedback(actor=ACTOR, rating=2, source="manual", visit_id=visit.pk, comment="سرد بود")
    log_interaction(actor=ACTOR, customer_id=gone.pk, type="call", direction="inbound")
    queue_messages([draft(1, customer_id=gone.pk), draft(2, customer_id=kept.pk)])
    return kept, gone


def sound() -> None:
    assert check_cafe(by_rule=False) == []
    assert list(find_wrong_accounts()) == []


def test_everything_of_the_merged_guest_belongs_to_the_kept_one(cafe):
    kept, gone = rich_pair()
    points = {guest.pk: Customer.objects.get(pk=guest.pk).summary.points for guest in (kept, gone)}
    seen = preview_merge(kept_id=kept.pk, merged_id=gone.pk)
    merge_customers(actor=cafe.manager.actor, kept_id=kept.pk, merged_id=gone.pk)
    sound()
    kept = Customer.objects.select_related("summary").get(pk=kept.pk)
    assert kept.summary.points == sum(points.values()) == seen.outcome.points
    assert (kept.summary.total_visits, kept.summary.last_visit_number) == (5, 6)
    assert (seen.outcome.total_visits, seen.outcome.tier) == (5, kept.summary.tier)
    assert kept.summary.tier == "silver"  # 1,450 + 2,000 points over all time
    dates = list(kept.visits.order_by("visit_number").values_list("visit_date", flat=True))
    assert dates == sorted(dates)
    assert (kept.email, kept.notes) == ("Sara@Example.com", "کنار پنجره\nقهوهٔ سبک")
    assert kept.preferences == {"allergies": ["بادام", "شیر"], "till": 1, "favorite_drink": "لاته"}
    assert {tag.name for tag in kept.tags.all()} == {"vip", "vegan", "corporate"}
    for rows in (kept.staff_notes, kept.family_members, kept.feedback, kept.interactions):
        assert rows.count() == 1
    assert Message.objects.filter(customer_id=kept.pk).count() == 2
    gone = Customer.objects.select_related("summary").get(pk=gone.pk)
    assert (gone.merged_into_id, gone.summary.points, gone.summary.total_visits) == (kept.pk, 0, 0)
    counts = {part.code: part.count for part in seen.parts}
    assert (counts["visits"], counts["notes"], counts["family_members"], counts["feedback"]) == (3, 1, 1, 1)


def test_undo_puts_everything_back(cafe):
    kept, gone = rich_pair()
    before = state_of(cafe, kept.pk, gone.pk)
    record = merge_customers(
        actor=ACTOR, kept_id=kept.pk, merged_id=gone.pk, choices={"phone": "merged", "name": "merged"}
    )
    assert Customer.objects.get(pk=kept.pk).phone == "+989120000002"
    undo_merge(actor=ACTOR, merge_id=record.pk)
    assert state_of(cafe, kept.pk, gone.pk) == before
    sound()
    with pytest.raises(UndoRefused):
        undo_merge(actor=ACTOR, merge_id=record.pk)
    with pytest.raises(MergeNotFound):
        undo_merge(actor=ACTOR, merge_id=uuid.uuid4())
    again = merge_customers(actor=ACTOR, kept_id=gone.pk, merged_id=kept.pk)  # and the other way round
    undo_merge(actor=ACTOR, merge_id=again.pk)
    assert state_of(cafe, kept.pk, gone.pk) == before
    sound()


CHANGES = {
    "visit": lambda kept, gone: bill(kept),
    "points": lambda kept, gone: award_points(actor=ACTOR, customer_id=kept.pk, points=5, reason="هدیه"),
    "fields": lambda kept, gone: update_customer(
        actor=ACTOR, customer_id=kept.pk, expected_version=None, changes={"city": "قم"}
    ),
    "note": lambda kept, gone: CustomerNote.objects.create(customer=kept, text="تازه"),
    "message": lambda kept, gone: queue_messages([draft(9, customer_id=kept.pk)]),
    "void": lambda kept, gone: void_visit(actor=ACTOR, visit_id=Visit.objects.filter(voided_at=None)[0].pk),
    "consent": lambda kept, gone: set_consent(
        actor=ACTOR, customer_id=kept.pk, channel="sms", granted=False, source="staff"
    ),
    "contact": lambda kept, gone: log_interaction(
        actor=ACTOR, customer_id=kept.pk, type="call", direction="inbound"
    ),
    "number": lambda kept, gone: make_customer(2, "کسی دیگر"),
    "deleted": lambda kept, gone: delete_customer(actor=ACTOR, customer_id=kept.pk),
}


@pytest.mark.parametrize("change", CHANGES)
def test_undo_is_refused_after_any_change_and_changes_nothing(cafe, change):
    kept, gone = rich_pair()
    record = merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=gone.pk)
    CHANGES[change](kept, gone)
    before = state_of(cafe, kept.pk, gone.pk)
    entries = LedgerEntry.objects.count()
    with pytest.raises(UndoRefused) as refusal:
        undo_merge(actor=ACTOR, merge_id=record.pk)
    assert refusal.value.details["reason"] in ("changed", "phone_taken")
    assert str(refusal.value)
    assert (state_of(cafe, kept.pk, gone.pk), LedgerEntry.objects.count()) == (before, entries)
    sound()


def test_a_voided_visit_of_the_merged_guest_is_taken_off_the_kept_one(cafe):
    kept, gone = make_customer(1), make_customer(2)
    visit = bill(gone, 800_000)
    merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=gone.pk)
    assert LoyaltyAccount.objects.get(pk=kept.pk).balance == 800
    void_visit(actor=ACTOR, visit_id=visit.pk)
    assert LoyaltyAccount.objects.get(pk=kept.pk).balance == 0
    sound()


def test_a_refusal_stays_a_refusal_whoever_gave_it(cafe):
    kept, gone = make_customer(1), make_customer(2)
    consent = {"actor": ACTOR, "source": "staff"}
    set_consent(customer_id=kept.pk, channel="sms", granted=False, **consent)
    set_consent(customer_id=gone.pk, channel="email", granted=False, **consent)
    ConsentChange.objects.create(customer=gone, channel="all", granted=True, source="staff")
    set_consent(customer_id=gone.pk, channel="push", granted=False, **consent)
    record = merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=gone.pk)

    def allowed():
        guest = Customer.objects.get(pk=kept.pk)
        return [code for code in ("sms", "email", "push", "whatsapp") if is_allowed(guest, code)]

    assert allowed() == ["email", "whatsapp"]  # the other record's later yes to all covered its e-mail
    undo_merge(actor=ACTOR, merge_id=record.pk)
    assert allowed() == ["email", "push", "whatsapp"]


def test_refusals(cafe):
    first, second, third = make_customer(1), make_customer(2), make_customer(3, status="blocked")
    merge = {"actor": ACTOR, "kept_id": first.pk}
    for wrong in ({"merged_id": first.pk}, {"merged_id": second.pk, "choices": {"name": "neither"}}):
        with pytest.raises(ValidationError):
            merge_customers(**merge, **wrong)
    with pytest.raises(MergeRefused) as blocked:
        merge_customers(**merge, merged_id=third.pk)
    assert blocked.value.details["reason"] == "one_is_blocked"
    with pytest.raises(CustomerNotFound):
        merge_customers(**merge, merged_id=uuid.uuid4())
    with pytest.raises(EditConflict):
        merge_customers(**merge, merged_id=second.pk, seen=(first.version, second.version + 1))
    merge_customers(**merge, merged_id=second.pk)
    with pytest.raises(MergeRefused) as again:
        merge_customers(**merge, merged_id=second.pk)
    assert again.value.details["merged_into_customer_id"] == str(first.pk)
    fourth = make_customer(4)
    delete_customer(actor=ACTOR, customer_id=fourth.pk)
    with pytest.raises(CustomerNotFound):
        merge_customers(**merge, merged_id=fourth.pk)
    assert MergeRecord.objects.count() == 1


def test_the_old_number_finds_the_kept_guest_also_after_a_second_merge(cafe):
    first, second, third = make_customer(1), make_customer(2), make_customer(3)
    merge_customers(actor=ACTOR, kept_id=second.pk, merged_id=third.pk)
    merge_customers(actor=ACTOR, kept_id=first.pk, merged_id=second.pk)
    request = VisitRequest(phone="+989120000003", total_amount=Decimal(100_000))
    receipt = record_visit(actor=ACTOR, request=request)
    assert (receipt.customer.pk, receipt.is_new_customer) == (first.pk, False)
    assert [guest.pk for guest in lookup("0912 000 0003")] == [first.pk]
    with pytest.raises(CustomerAlreadyExists) as known:
        create_customer(actor=ACTOR, phone="09120000003", name="سارا کریمی", offer_restore=True)
    assert known.value.details["merged_into_customer_id"] == str(first.pk)
    with pytest.raises(MergeRefused):
        restore_customer(actor=ACTOR, customer_id=third.pk)
    found = cafe.api("staff").get("/api/crm/customers/phone/09120000003").data["data"]["customer"]
    assert found["id"] == str(first.pk)
    sound()


def test_dismissed_pairs_follow_the_merge(cafe):
    first, second, third = make_customer(1), make_customer(2), make_customer(3)
    dismiss_duplicate(actor=ACTOR, first_id=third.pk, second_id=second.pk)
    dismiss_duplicate(actor=ACTOR, first_id=second.pk, second_id=third.pk)
    from customers.models import DuplicateDismissal

    assert DuplicateDismissal.objects.count() == 1
    record = merge_customers(actor=ACTOR, kept_id=first.pk, merged_id=second.pk)
    pair = sorted((first.pk, third.pk))
    assert DuplicateDismissal.objects.filter(first_id=pair[0], second_id=pair[1]).exists()
    undo_merge(actor=ACTOR, merge_id=record.pk)
    assert DuplicateDismissal.objects.count() == 1


def test_the_rules_of_the_club_hold_for_merged_guests_too(cafe):
    kept, gone, other = make_customer(1), make_customer(2), make_customer(3)
    for guest, amounts in ((kept, (900_000, 1_200_000)), (gone, (5_000_000, 700_000)), (other, (300_000,))):
        for days, amount in enumerate(amounts):
            bill(guest, amount, 9 - days)
    assert check_cafe() == []
    record = merge_customers(actor=ACTOR, kept_id=kept.pk, merged_id=gone.pk)
    assert check_cafe() == []
    assert LoyaltyAccount.objects.get(pk=kept.pk).tier == "gold"
    undo_merge(actor=ACTOR, merge_id=record.pk)
    assert check_cafe() == []
    assert LoyaltyAccount.objects.get(pk=kept.pk).tier == "silver"
