"""Vouchers, codes, stamps and reviews of a guest: merged and taken back, exported, forgotten."""

from decimal import Decimal

import pytest
from django.db import connection

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.merging.services import merge_customers, undo_merge
from customers.merging.tests.state import state_of
from customers.privacy import everything_of
from customers.services.privacy import erase_customer
from loyalty.models import DiscountCode, RedemptionCode, ReviewItem, StampEntry, Voucher
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services.confirmation import send_code
from loyalty.services.review import raise_signal
from loyalty.services.rewards import redeem_reward
from loyalty.tests.codes_at_hand import code
from loyalty.tests.shelf import SOMEBODY, card_of, guest_with, reward_of
from servaan_crm.core.events import dispatch_pending

WORDS = "شرح‌محرمانه"


def bill(guest, amount=100_000, **more):
    return record_visit(
        actor=SOMEBODY, request=VisitRequest(customer_id=guest.pk, total_amount=Decimal(amount), **more)
    ).visit


def last_stamp(guest, card):
    return StampEntry.objects.filter(customer=guest, card=card).order_by("-sequence").first()


@pytest.fixture
def pair(cafe):
    """Two records of one guest, each with a voucher, a personal code and stamps; the second with a review."""
    card, reward = card_of(needed=5), reward_of(100)
    kept, merged = guest_with(1000), guest_with(1000, phone="+989121110033", name="نازنین ر")
    for guest in (kept, merged):
        redeem_reward(actor=SOMEBODY, customer_id=guest.pk, reward_id=reward.pk)
        code(f"FOR-{str(guest.pk)[-6:].upper()}", customer_id=guest.pk)
        bill(guest)
    bill(merged)
    bill(merged, discount_code=f"FOR-{str(merged.pk)[-6:].upper()}")
    raise_signal("many_accruals", subject=f"x:{merged.pk}", evidence={"note": WORDS}, customer_id=merged.pk)
    return kept, merged, card


def test_everything_of_the_club_follows_a_merge_and_comes_back(cafe, pair):
    kept, merged, card = pair
    before = state_of(cafe, kept.pk, merged.pk)
    record = merge_customers(actor=SOMEBODY, kept_id=kept.pk, merged_id=merged.pk)
    for model in (Voucher, DiscountCode, ReviewItem):
        assert not model.objects.filter(customer=merged).exists()
    assert Voucher.objects.filter(customer=kept).count() == 2
    assert (last_stamp(kept, card).total_after, last_stamp(merged, card).total_after) == (4, 0)
    assert_books_agree()

    undo_merge(actor=SOMEBODY, merge_id=record.pk)
    assert (last_stamp(kept, card).total_after, last_stamp(merged, card).total_after) == (1, 3)
    assert state_of(cafe, kept.pk, merged.pk) == before
    assert_books_agree()
    assert list(find_wrong_accounts()) == []


def test_stamps_of_both_fill_a_card_and_a_void_after_the_merge_takes_its_stamp_off(cafe, pair):
    kept, merged, card = pair
    old = bill(merged)
    merge_customers(actor=SOMEBODY, kept_id=kept.pk, merged_id=merged.pk)
    points = 50
    gained = record_visit(
        actor=SOMEBODY, request=VisitRequest(customer_id=kept.pk, total_amount=Decimal(100_000))
    ).stamps[0]
    assert (gained.filled, gained.points, gained.stamps_now) == (1, points, 1)
    void_visit(actor=SOMEBODY, visit_id=old.pk)
    assert last_stamp(kept, card).total_after == 5
    assert list(find_wrong_accounts()) == []


def test_a_review_or_an_expired_voucher_after_the_merge_leaves_the_undo_possible(cafe, pair):
    kept, merged, _card = pair
    record = merge_customers(actor=SOMEBODY, kept_id=kept.pk, merged_id=merged.pk)
    raise_signal("many_accruals", subject="later", evidence={}, customer_id=kept.pk)
    Voucher.objects.filter(customer=kept).update(status="expired")
    undo_merge(actor=SOMEBODY, merge_id=record.pk)
    assert ReviewItem.objects.get(subject="later").customer_id == kept.pk


def test_an_erased_guest_leaves_no_word_and_no_open_door(cafe, pair):
    kept, merged, _card = pair
    send_code(actor=SOMEBODY, customer_id=merged.pk, points=10)
    Voucher.objects.filter(customer=merged).update(closed_reason=WORDS)
    Voucher.objects.create(
        customer=merged, code="AAAACCCCEE", name=WORDS, source="gift", kind="amount", value=5, status="issued"
    )
    DiscountCode.objects.filter(customer=merged).update(name=WORDS, code="ZOMORROD")
    ReviewItem.objects.filter(customer=merged).update(decision_note=WORDS)
    erase_customer(actor=SOMEBODY, customer_id=merged.pk)
    dispatch_pending()

    assert not RedemptionCode.objects.filter(customer=merged).exists()
    assert set(Voucher.objects.filter(customer=merged).values_list("status", flat=True)) == {"cancelled"}
    own = DiscountCode.objects.get(customer=merged)
    assert own.code.startswith("GONE-")
    assert not own.is_active
    assert all(row.evidence == {} for row in ReviewItem.objects.filter(customer=merged))
    with connection.cursor() as cursor:
        for table in ("loyalty_voucher", "loyalty_discountcode", "loyalty_reviewitem", "core_auditentry"):
            cursor.execute(f"SELECT count(*) FROM {table} AS t WHERE t::text ~ %s", [f"{WORDS}|ZOMORROD"])
            assert cursor.fetchone()[0] == 0, table
    assert Voucher.objects.get(customer=kept).status == "issued"


def test_the_data_export_has_everything_a_guest_may_see(cafe, pair):
    _kept, merged, _card = pair
    found = {section.name: section.rows for section in everything_of(merged)}
    assert len(found["vouchers"]) == 1
    assert len(found["stamps"]) == 3
    assert found["codes_used"][0]["code__code"].startswith("FOR-")
    assert WORDS not in str(found["loyalty_reviews"])
    assert found["loyalty_reviews"][0]["signal"] == "many_accruals"
    assert "segments" in found
