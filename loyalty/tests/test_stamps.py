"""Stamp cards: stamps come with visits, go with voids, and a full card pays once."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.services import VisitRequest, record_visit
from checkout.tests.invariants import assert_books_agree
from customers.models import Visit
from customers.services.visits import lock_customer
from loyalty.models import LoyaltyAccount, StampEntry, Voucher
from loyalty.reward_errors import StampCardInUse
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.stamps import stamps_of, stamps_of_visit
from loyalty.services import redeem_points
from loyalty.services.ledger import account_of
from loyalty.services.points import save_account
from loyalty.services.stamp_cards import delete_stamp_card, update_stamp_card
from loyalty.services.stamps import restamp_visit, stamp_visit, unstamp_visit
from loyalty.tests.shelf import SOMEBODY, card_of, guest_with, reward_of


def visit_of(guest, *, lines=(), total=100) -> Visit:
    """Write a bare visit, too small to earn points, without the counter's own stamping."""
    book_off = VisitRequest(customer_id=guest.pk, total_amount=Decimal(total))
    visit = record_visit(actor=SOMEBODY, request=book_off).visit
    Visit.objects.filter(pk=visit.pk).update(items=list(lines))
    return Visit.objects.get(pk=visit.pk)


def inside(service, guest, visit):
    """Call a stamp service as the counter does."""
    with transaction.atomic():
        customer = lock_customer(customer_id=guest.pk)
        account = account_of(customer)
        result = service(SOMEBODY, customer, account, visit, get_rule_book())
        save_account(customer, account)
    return result


@pytest.fixture
def guest(cafe):
    return guest_with(10)


def bare_visit(guest, **options):
    """A visit whose stamps, if the counter put any, are taken off again: the test puts them itself."""
    visit = visit_of(guest, **options)
    inside(unstamp_visit, guest, visit)
    return visit


def test_a_full_card_brings_points_and_a_voucher_and_starts_anew(guest):
    card = card_of(3, reward=reward_of(100))
    gains = [inside(stamp_visit, guest, bare_visit(guest))[0] for _ in range(4)]
    assert [(gain.filled, gain.stamps_now) for gain in gains[-4:]] == [(0, 1), (0, 2), (1, 0), (0, 1)]
    assert gains[2].points == 50
    [voucher] = gains[2].vouchers
    assert (voucher.source, voucher.points_paid, voucher.status) == ("stamps", 0, "issued")
    [state] = stamps_of(guest)
    assert (state.card, state.stamps, state.full_cards, state.kept, state.missing) == (card, 1, 1, 0, 2)
    assert LoyaltyAccount.objects.get().balance == 60
    assert_books_agree()


def test_items_of_a_category_fill_several_cards_at_once(guest):
    card_of(3, counts="items", categories=["نوشیدنی"], items=["کیک"], reward=reward_of(100))
    lines = [
        {"name": "لاته", "category": "نوشيدني", "quantity": 6},
        {"name": "كيك", "category": "", "quantity": 1},
        {"name": "املت", "category": "غذا", "quantity": 5},
    ]
    visit = bare_visit(guest, lines=lines)
    [gain] = inside(stamp_visit, guest, visit)
    assert (gain.stamps, gain.filled, gain.stamps_now, gain.points) == (7, 2, 1, 100)
    assert len({voucher.code for voucher in gain.vouchers}) == 2
    assert [entry.stamps for entry in stamps_of_visit(visit)] == [7]
    [loss] = inside(unstamp_visit, guest, visit)
    assert (loss.taken_back, loss.kept, loss.shortfall) == (2, 0, 0)
    assert set(Voucher.objects.values_list("status", flat=True)) == {"cancelled"}
    assert LoyaltyAccount.objects.get().balance == 10
    assert inside(unstamp_visit, guest, visit) == []
    assert_books_agree()


def test_a_used_voucher_stays_and_the_card_is_filled_again_for_nothing(guest):
    card_of(2, points=0, reward=reward_of(100))
    inside(stamp_visit, guest, bare_visit(guest))
    second = bare_visit(guest)
    [gain] = inside(stamp_visit, guest, second)
    Voucher.objects.filter(pk=gain.vouchers[0].pk).update(status="used", used_at=second.visit_date)
    [loss] = inside(unstamp_visit, guest, second)
    assert (loss.taken_back, loss.kept) == (0, 1)
    [state] = stamps_of(guest)
    assert (state.stamps, state.kept, state.missing) == (1, 1, 3)
    gains = [inside(stamp_visit, guest, bare_visit(guest))[0] for _ in range(3)]
    assert [gain.filled for gain in gains] == [0, 0, 1]
    assert Voucher.objects.exclude(status="cancelled").count() == 2


def test_spent_points_of_a_card_are_a_shortfall_never_a_debt(guest):
    card_of(2)
    inside(stamp_visit, guest, bare_visit(guest))
    visit = bare_visit(guest)
    inside(stamp_visit, guest, visit)
    redeem_points(actor=SOMEBODY, customer_id=guest.pk, points=40, reward_type="discount")
    [loss] = inside(unstamp_visit, guest, visit)
    assert (loss.taken_back, loss.shortfall) == (1, 30)
    assert LoyaltyAccount.objects.get().balance == 0
    assert_books_agree()


def test_a_correction_that_changes_no_stamp_keeps_the_voucher(guest):
    card_of(2, points=0, reward=reward_of(100), minimum_amount=Decimal(50))
    inside(stamp_visit, guest, bare_visit(guest))
    visit = bare_visit(guest)
    [gain] = inside(stamp_visit, guest, visit)
    visit.total_amount = Decimal(200)
    assert inside(restamp_visit, guest, visit) == ([], [])
    assert Voucher.objects.get(status="issued").pk == gain.vouchers[0].pk
    visit.total_amount = Decimal(10)
    losses, gains = inside(restamp_visit, guest, visit)
    assert ([loss.taken_back for loss in losses], gains) == ([1], [])


def test_the_rule_of_a_card(guest):
    card = card_of(4, name=" قهوه ")
    with pytest.raises(ValidationError) as refusal:
        update_stamp_card(actor=SOMEBODY, card_id=card.pk, changes={"points": 0, "stamps_needed": 1})
    assert set(refusal.value.message_dict) == {"reward", "stamps_needed"}
    inside(stamp_visit, guest, bare_visit(guest))
    with pytest.raises(ValidationError):
        update_stamp_card(actor=SOMEBODY, card_id=card.pk, changes={"stamps_needed": 5})
    with pytest.raises(StampCardInUse):
        delete_stamp_card(actor=SOMEBODY, card_id=card.pk)
    assert update_stamp_card(actor=SOMEBODY, card_id=card.pk, changes={"is_active": False}).name == "قهوه"
    assert inside(stamp_visit, guest, bare_visit(guest)) == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=1, max_size=12))
def test_stamps_in_any_order_never_pay_a_card_twice(guest, steps):
    """Put on and take off at random, some vouchers used in between: paid cards never exceed earned ones."""
    with transaction.atomic():
        card = card_of(4, points=0, counts="items", reward=reward_of(100), name=f"{len(steps)}")
        put, peak = [], 0
        for on, number in steps:
            if on or not put:
                visit = bare_visit(guest, lines=[{"name": "لاته", "quantity": number}])
                inside(stamp_visit, guest, visit)
                put.append((visit, number))
            else:
                inside(unstamp_visit, guest, put.pop(number % len(put))[0])
            rows = StampEntry.objects.filter(card=card).order_by("sequence")
            total = sum(pieces for _visit, pieces in put)
            last = rows.last()
            held = Voucher.objects.filter(source_reference__startswith=f"{card.pk}:")
            assert (last.total_after, sum(row.stamps for row in rows)) == (total, total)
            assert held.exclude(status="cancelled").count() == last.full_cards
            ready = held.filter(status="issued").first()
            if ready and number % 3 == 0:
                held.filter(pk=ready.pk).update(status="used", used_at=ready.created_at)
            used = held.filter(status="used").count()
            peak = max(peak, total // 4)
            assert last.full_cards == max(total // 4, used)
            assert used <= peak + 1
        transaction.set_rollback(True)
