"""Any two histories: merged, every invariant holds; taken apart again, both guests are what they were."""

import contextlib
from datetime import timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import check_cafe
from customers.merging.fields import LABELS
from customers.merging.preview import preview_merge
from customers.merging.services import merge_customers, undo_merge
from customers.merging.tests.state import state_of
from customers.models import CustomerNote, FamilyMember, Tag, Visit
from customers.selectors import get_customer
from customers.selectors.consent import channel_states
from customers.services import update_customer
from customers.services.consent import set_consent
from customers.tests.factories import ACTOR, make_customer
from feedback.services import record_feedback
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import adjust_points, award_points, redeem_points
from outreach.services import log_interaction
from segments.services.refresh import refresh_guests
from servaan_crm.core.errors import DomainError

who = st.integers(0, 1)
steps = st.one_of(
    st.tuples(st.just("visit"), who, st.integers(0, 3_000_000), st.integers(0, 60), st.integers(0, 2000)),
    st.tuples(st.just("visit"), who, st.integers(0, 9_000_000), st.integers(0, 60), st.just(0)),
    st.tuples(st.just("void"), who, st.integers(0, 30)),
    st.tuples(st.sampled_from(["award", "redeem", "adjust"]), who, st.integers(-3000, 3000)),
    st.tuples(st.sampled_from(["note", "family", "feedback", "contact"]), who),
    st.tuples(st.just("tag"), who, st.integers(0, 2)),
    st.tuples(st.just("consent"), who, st.sampled_from(["sms", "email", "all"]), st.booleans()),
    st.tuples(
        st.just("field"), who, st.sampled_from([{"city": "قم"}, {"notes": "خط"}, {"email": "a@example.com"}])
    ),
)
choices = st.dictionaries(st.sampled_from(sorted(LABELS)), st.sampled_from(["kept", "merged"]), max_size=4)


def perform(guests, tags, step) -> None:
    """Do one step of a history; a refused one changes nothing."""
    kind, whose, *rest = step
    guest = guests[whose]
    by = {"actor": ACTOR, "customer_id": guest.pk}
    if kind == "visit":
        amount, days, points = rest
        at = timezone.now() - timedelta(days=days)
        request = VisitRequest(
            customer_id=guest.pk, total_amount=Decimal(amount), visit_date=at, points_to_redeem=points
        )
        record_visit(actor=ACTOR, request=request, may_backdate=True)
    elif kind == "void":
        ids = list(Visit.objects.filter(customer=guest).order_by("pk").values_list("pk", flat=True))
        if ids:
            void_visit(actor=ACTOR, visit_id=ids[rest[0] % len(ids)])
    elif kind == "award":
        award_points(**by, points=rest[0], reason="هدیه")
    elif kind == "redeem":
        redeem_points(**by, points=rest[0], reward_type="item")
    elif kind == "adjust":
        adjust_points(**by, points=rest[0], reason="اصلاح")
    elif kind == "note":
        CustomerNote.objects.create(customer=guest, text="یادداشت")
    elif kind == "family":
        FamilyMember.objects.create(customer=guest, name="مینا", relationship="child")
    elif kind == "feedback":
        record_feedback(**by, rating=4, source="manual")
    elif kind == "contact":
        log_interaction(**by, type="call", direction="inbound")
    elif kind == "consent":
        set_consent(**by, channel=rest[0], granted=rest[1], source="staff")
    else:
        changes = {"tags": [tags[rest[0]]]} if kind == "tag" else rest[0]
        update_customer(**by, expected_version=None, changes=changes)


def channels(*guests):
    return [[(state.code, state.allowed) for state in channel_states(get_customer(pk))] for pk in guests]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps, max_size=12), wanted=choices, later=st.lists(steps, max_size=4))
def test_merge_and_undo_of_any_two_histories(cafe, history, wanted, later):
    with transaction.atomic():
        guests = [make_customer(1, "سارا کریمی"), make_customer(2, "سارا کریمی‌نژاد")]
        tags = [Tag.objects.create(name=f"t{number}") for number in range(3)]
        for step in history:
            with contextlib.suppress(DomainError, ValidationError):
                perform(guests, tags, step)
        ids = [guest.pk for guest in guests]
        refresh_guests(ids)
        before, said = state_of(cafe, *ids), channels(*ids)
        seen = preview_merge(kept_id=ids[0], merged_id=ids[1], choices=wanted)
        record = merge_customers(actor=ACTOR, kept_id=ids[0], merged_id=ids[1], choices=wanted)
        _books_are_right()
        _as_foreseen(seen, ids[0])
        allowed = zip(*said, channels(ids[0])[0], strict=True)
        assert all(both == (one and other) for (_a, one), (_b, other), (_c, both) in allowed)
        undo_merge(actor=ACTOR, merge_id=record.pk)
        assert state_of(cafe, *ids) == before
        assert channels(*ids) == said
        _books_are_right()
        merge_customers(actor=ACTOR, kept_id=ids[1], merged_id=ids[0])
        for step in later:
            with contextlib.suppress(DomainError, ValidationError):
                perform([guests[1], guests[1]], tags, step)
        _books_are_right()
        transaction.set_rollback(True)


def _books_are_right() -> None:
    assert check_cafe(by_rule=False) == []
    assert list(find_wrong_accounts()) == []


def _as_foreseen(seen, kept_id) -> None:
    kept, outcome = get_customer(kept_id), seen.outcome
    for field in seen.fields:
        assert getattr(kept, field.name) == field.result, field.name
    assert kept.summary.points == outcome.points
    assert kept.summary.tier == outcome.tier
    assert kept.summary.total_visits == outcome.total_visits
    assert kept.summary.lifetime_spent == outcome.lifetime_spent
    assert sorted(tag.name for tag in kept.tags.all()) == outcome.tags
