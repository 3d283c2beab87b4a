"""Everything that moves points of one guest at the same moment: real threads, committed data."""

import datetime as dt
import uuid
from collections import Counter
from decimal import Decimal

from checkout.services import VisitRequest, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from checkout.tests.test_concurrency import run_together
from customers.merging.services import merge_customers
from customers.models import Customer
from loyalty.models import LedgerEntry, LoyaltyAccount, LoyaltyProgram, ReviewItem, Voucher
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import award_points, redeem_points
from loyalty.services.expiry import expire_points
from loyalty.services.review_decisions import dismiss_review, reverse_review
from loyalty.services.review_signals import find_nightly
from loyalty.services.rewards import redeem_reward
from loyalty.services.tier_review import review_tiers
from loyalty.tests.shelf import card_of, guest_with, reward_of
from servaan_crm.core.errors import DomainError


def sound():
    assert_books_agree()
    assert list(find_wrong_accounts()) == []


def no_surprise(results):
    """Return what was refused; anything but a refusal of the domain is a fault."""
    wrong = [row for row in results if isinstance(row, Exception) and not isinstance(row, DomainError)]
    assert wrong == []
    return [row for row in results if isinstance(row, DomainError)]


def test_a_hundred_redemptions_over_http_of_a_balance_that_allows_ten(fresh_cafe):
    cast = fresh_cafe()
    guest = guest_with(1_000)
    clients = [cast.api("staff") for _ in range(4)]

    def spend(n):
        body = {
            "customer_id": str(guest.pk),
            "points": 100,
            "reward_type": "discount",
            "reward_value": 10_000,
        }
        return clients[n % 4].post("/api/crm/loyalty/redeem-points", body, format="json").status_code

    results = run_together(cast, [lambda n=n: spend(n) for n in range(100)])
    assert Counter(results) == {201: 10, 409: 90}
    assert LoyaltyAccount.objects.get().balance == 0
    assert LedgerEntry.objects.filter(points__lt=0).count() == 10
    sound()


def test_two_tills_the_night_and_a_merge_at_once(fresh_cafe, monkeypatch):
    cast = fresh_cafe()
    actor = cast.owner.actor
    LoyaltyProgram.objects.update(expiry_months=1, tier_period_months=1)
    card_of(needed=3)
    reward = reward_of(50)
    kept, merged = guest_with(400), guest_with(400, phone="+989121110033")
    # The first points have run out by now: every movement and the night want to expire them.
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=70)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    for guest in (kept, merged):
        award_points(actor=actor, customer_id=guest.pk, points=300, reason="x")
    visit = record_visit(
        actor=actor, request=VisitRequest(customer_id=merged.pk, total_amount=Decimal(90_000))
    ).visit

    def bill(guest):
        request = VisitRequest(customer_id=guest.pk, total_amount=Decimal(120_000), points_to_redeem=20)
        return record_visit(actor=actor, request=request)

    def spend(guest):
        return redeem_points(actor=actor, customer_id=guest.pk, points=60, reward_type="item")

    jobs = [
        *[lambda g=g: bill(g) for g in (kept, merged) for _ in range(4)],
        *[
            lambda g=g: redeem_reward(actor=actor, customer_id=g.pk, reward_id=reward.pk)
            for g in (kept, merged)
        ],
        *[lambda g=g: spend(g) for g in (kept, merged)],
        lambda: expire_points(),
        lambda: expire_points(),
        lambda: review_tiers(),
        lambda: find_nightly(),
        lambda: merge_customers(actor=actor, kept_id=kept.pk, merged_id=merged.pk),
        lambda: merge_customers(actor=actor, kept_id=merged.pk, merged_id=kept.pk),
        lambda: void_visit(actor=actor, visit_id=visit.pk),
    ]
    refused = no_surprise(run_together(cast, jobs))
    assert refused  # one of the two merges at least
    assert Customer.objects.filter(deleted_at=None).count() == 1
    sound()
    expire_points()
    sound()


def test_one_decision_of_two_wins(fresh_cafe):
    cast = fresh_cafe()
    guest, actor = guest_with(), cast.manager.actor
    for _ in range(5):
        record_visit(actor=actor, request=VisitRequest(customer_id=guest.pk, total_amount=Decimal(100_000)))
    find_nightly()
    review = ReviewItem.objects.get(signal="many_accruals")
    jobs = [lambda: reverse_review(actor=actor, review_id=review.pk)] * 6
    jobs += [lambda: dismiss_review(actor=actor, review_id=review.pk)] * 6
    no_surprise(run_together(cast, jobs))
    review.refresh_from_db()
    balance = LoyaltyAccount.objects.get().balance
    assert (review.status, balance) in {("reversed", 0), ("dismissed", 500)}
    sound()


def test_the_same_request_twenty_times_at_once(fresh_cafe):
    """With one Idempotency-Key every address of the club that moves something moves it once."""
    cast = fresh_cafe()
    guest, reward = guest_with(1_000), reward_of(100)
    cast.cafe.refresh_from_db()
    bodies = {
        f"/api/crm/loyalty/rewards/{reward.pk}/redeem": {"customer_id": str(guest.pk)},
        "/api/crm/loyalty/award-points": {"customer_id": str(guest.pk), "points": 7, "reason": "x"},
        "/api/crm/loyalty/codes/generate": {"kind": "percent", "value": 10, "count": 2},
    }
    client = cast.api("manager")
    for url, body in bodies.items():
        key = {"Idempotency-Key": str(uuid.uuid4())}
        post = lambda url=url, body=body, key=key: client.post(url, body, format="json", headers=key)  # noqa: E731
        results = run_together(cast, [post] * 20)
        assert {row.status_code for row in results} <= {200, 201}, [row.content for row in results]
        assert len({row.content for row in results}) == 1
    assert Voucher.objects.count() == 1
    assert LoyaltyAccount.objects.get().balance == 907
    sound()
