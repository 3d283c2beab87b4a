"""Signals of misuse: found once, with evidence; a person decides, and what is taken back is exactly that."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, edit_visit, record_visit, void_visit
from checkout.tests.invariants import assert_books_agree
from customers.merging.services import merge_customers
from loyalty.models import LedgerEntry, LoyaltyAccount, ReviewItem
from loyalty.review_errors import ReviewClosed
from loyalty.selectors.reviews import sentence_of
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import adjust_points, award_points, redeem_points
from loyalty.services.review_decisions import dismiss_review, reverse_review, watch_review
from loyalty.services.review_signals import SAME_STAFF_TIMES, find_nightly, find_signals
from loyalty.tests.shelf import guest_with
from servaan_crm.accounts.models import User
from servaan_crm.core.events import dispatch_pending
from servaan_crm.l10n.locale import use_locale


def bill(cafe, guest, amount=100_000, role="staff"):
    actor = getattr(cafe, role).actor
    return record_visit(
        actor=actor, request=VisitRequest(customer_id=guest.pk, total_amount=Decimal(amount))
    ).visit


def item(signal):
    return ReviewItem.objects.get(signal=signal)


def signals():
    return set(ReviewItem.objects.values_list("signal", flat=True))


def sound():
    assert_books_agree()
    assert list(find_wrong_accounts()) == []


def test_more_accruals_a_day_than_usual_are_noted_after_the_visit_and_only_once(cafe):
    guest = guest_with()
    for _ in range(3):
        bill(cafe, guest)
    dispatch_pending()
    assert signals() == set()
    last = bill(cafe, guest)
    dispatch_pending()
    found = item("many_accruals")
    assert found.evidence["times"] == 4
    assert str(last.pk) in found.evidence["visits"]
    assert "4" in sentence_of(found) or "۴" in sentence_of(found)
    assert find_nightly() == 0
    assert ReviewItem.objects.count() == 1


def test_the_same_person_again_and_again_is_noted_once_a_week(cafe, monkeypatch):
    guest, real = guest_with(), timezone.now()
    default = LedgerEntry._meta.get_field("created_at")
    for n in range(SAME_STAFF_TIMES + 2):
        now = real - timedelta(days=2) + timedelta(hours=4 * n)
        monkeypatch.setattr("django.utils.timezone.now", lambda now=now: now)
        monkeypatch.setattr(default, "_get_default", lambda now=now: now)
        bill(cafe, guest)
        find_signals()
    find_nightly()
    assert ReviewItem.objects.filter(signal="same_staff").count() == 1
    found = item("same_staff")
    assert (found.staff_id, found.customer_id) == (cafe.staff.pk, guest.pk)
    assert found.evidence["times"] >= SAME_STAFF_TIMES


def test_own_number_large_corrections_and_a_void_after_spending(cafe):
    own = User.objects.get(pk=cafe.staff.pk)
    own.phone = "09121110022"
    own.save()
    guest = guest_with()
    bill(cafe, guest)
    adjust_points(actor=cafe.manager.actor, customer_id=guest.pk, points=1200, reason="x")
    find_signals()
    assert signals() == {"self_credit", "large_adjustment"}
    other = guest_with(phone="+989121110044")
    visit = bill(cafe, other, 500_000)
    redeem_points(actor=cafe.staff.actor, customer_id=other.pk, points=400, reward_type="item")
    void_visit(actor=cafe.staff.actor, visit_id=visit.pk)
    find_signals()
    spent = item("void_after_redemption")
    assert (spent.evidence["points"], spent.evidence["visits"]) == (400, [str(visit.pk)])
    for found in ReviewItem.objects.all():
        assert "%" not in sentence_of(found)


def ring_of_bills(cafe, guest, count=5):
    visits = [bill(cafe, guest) for _ in range(count)]
    find_signals()
    return visits, item("many_accruals")


def test_reversing_takes_back_exactly_the_open_entries_and_twice_takes_once(cafe):
    guest = guest_with()
    visits, found = ring_of_bills(cafe, guest)
    void_visit(actor=cafe.staff.actor, visit_id=visits[0].pk)
    award_points(
        actor=cafe.manager.actor, customer_id=guest.pk, points=7, reason="later, not of the evidence"
    )
    redeem_points(actor=cafe.staff.actor, customer_id=guest.pk, points=57, reward_type="item")
    done = reverse_review(actor=cafe.manager.actor, review_id=found.pk, note="مشکوک")
    assert (done.entries, done.points, done.shortfall) == (4, 350, 50)
    again = reverse_review(actor=cafe.manager.actor, review_id=found.pk)
    assert (again.entries, again.points) == (0, 0)
    assert LoyaltyAccount.objects.get(pk=guest.pk).balance == 0
    sound()
    with pytest.raises(ReviewClosed):
        dismiss_review(actor=cafe.manager.actor, review_id=found.pk)
    void_visit(actor=cafe.staff.actor, visit_id=visits[1].pk)
    edit_visit(actor=cafe.staff.actor, visit_id=visits[2].pk, changes={"total_amount": Decimal(50_000)})
    sound()


def test_a_dismissed_review_opens_again_only_for_something_new(cafe):
    guest = guest_with()
    _visits, found = ring_of_bills(cafe, guest)
    dismiss_review(actor=cafe.manager.actor, review_id=found.pk, note="مهمانی")
    with pytest.raises(ReviewClosed):
        reverse_review(actor=cafe.manager.actor, review_id=found.pk)
    find_nightly()
    assert item("many_accruals").status == "dismissed"
    bill(cafe, guest)
    find_nightly()
    assert item("many_accruals").status == "open"
    watch_review(actor=cafe.manager.actor, review_id=found.pk)
    bill(cafe, guest)
    find_nightly()
    assert item("many_accruals").status == "watching"


def test_after_a_merge_the_points_are_taken_from_the_guest_who_has_them(cafe):
    guest, kept = guest_with(), guest_with(phone="+989121110055")
    _visits, found = ring_of_bills(cafe, guest)
    merge_customers(actor=cafe.manager.actor, kept_id=kept.pk, merged_id=guest.pk)
    done = reverse_review(actor=cafe.manager.actor, review_id=found.pk)
    assert (done.points, done.shortfall) == (500, 0)
    assert LoyaltyAccount.objects.get(pk=kept.pk).balance == 0
    sound()


def test_many_who_reverse_at_once_reverse_once(fresh_cafe):
    cast = fresh_cafe()
    guest = guest_with()
    _visits, found = ring_of_bills(cast, guest)
    results, start = [], threading.Barrier(8)

    def reverse():
        try:
            with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
                start.wait()
                results.append(reverse_review(actor=cast.manager.actor, review_id=found.pk).points)
        finally:
            connection.close()

    threads = [threading.Thread(target=reverse) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0] * 7 + [500]
    sound()


@pytest.mark.parametrize(
    ("role", "status"), [("staff", 403), ("agent", 403), ("integrator", 403), ("manager", 200)]
)
def test_who_sees_and_decides(cafe, role, status):
    guest = guest_with()
    _visits, found = ring_of_bills(cafe, guest)
    api = cafe.api(role)
    listed = api.get("/api/crm/loyalty/reviews?status=open")
    assert listed.status_code == status
    answer = api.post(f"/api/crm/loyalty/reviews/{found.pk}/reverse", {"note": "x"}, format="json")
    assert answer.status_code == status
    assert cafe.browser(role).get("/loyalty/reviews/").status_code == status
    if status == 200:
        assert listed.json()["data"]["reviews"][0]["evidence"]["times"] == 5
        assert answer.json()["data"]["points_reversed"] == 500
        assert answer.json()["data"]["review"]["status"] == "reversed"


def test_the_pages_show_the_evidence_and_decide(cafe):
    guest = guest_with()
    visits, found = ring_of_bills(cafe, guest)
    browser = cafe.browser("manager")
    listed = browser.get("/loyalty/reviews/").content.decode()
    assert f"/loyalty/reviews/{found.pk}/" in listed
    assert "۵" in listed
    page = browser.get(f"/loyalty/reviews/{found.pk}/").content.decode()
    for visit in visits:
        assert f"/visits/{visit.pk}/" in page
    assert "۵۰۰" in page
    answer = browser.post(f"/loyalty/reviews/{found.pk}/reverse/", {"note": "x"}, follow=True)
    assert answer.status_code == 200
    assert item("many_accruals").status == "reversed"
    assert browser.post(f"/loyalty/reviews/{found.pk}/explode/").status_code == 404
    assert browser.get("/loyalty/reviews/?status=nonsense&page=99").status_code == 200


def test_another_cafes_review_is_not_there(cafe, other_cafe):
    guest = guest_with()
    _visits, found = ring_of_bills(cafe, guest)
    for action in ("dismiss", "watch", "reverse"):
        url = f"/api/crm/loyalty/reviews/{found.pk}/{action}"
        assert other_cafe.api("owner").post(url, {}, format="json").status_code == 404
    connection.set_tenant(cafe.cafe)
    assert item("many_accruals").status == "open"


def test_the_back_office_shows_and_decides(cafe):
    guest = guest_with()
    _visits, found = ring_of_bills(cafe, guest)
    browser = cafe.browser("manager")
    url = "/admin/loyalty/reviewitem/"
    assert "۵" in browser.get(url).content.decode()
    answer = browser.post(url, {"action": "reverse", "_selected_action": [str(found.pk)]}, follow=True)
    assert answer.status_code == 200
    assert item("many_accruals").status == "reversed"
    assert browser.get(f"{url}{found.pk}/change/").status_code == 200
    assert browser.post(f"{url}add/", {}).status_code == 403
