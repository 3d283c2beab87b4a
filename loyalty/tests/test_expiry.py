"""Points run out at the right midnight, once, and exactly as the next movement would have let them run out."""

import datetime as dt
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models import Count, Q
from django.db.utils import OperationalError
from django.utils import timezone
from django_tenants.utils import tenant_context

from checkout.services import VisitRequest, record_visit
from checkout.tests.invariants import assert_books_agree
from checkout.tests.test_concurrency import run_together
from customers.merging.services import merge_customers, undo_merge
from customers.models import Customer, CustomerSummary
from feedback.tests.helpers import without_feature
from loyalty.errors import InsufficientPoints
from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.selectors.verify import find_wrong_accounts
from loyalty.services import redeem_points, rounds
from loyalty.services.expiry import expire_points, warn_expiring
from loyalty.tests.time import KOLKATA, TEHRAN, account, clock, member, move, rules, told
from servaan_crm.core.models import Event
from servaan_crm.l10n.jalali import from_jalali
from servaan_crm.l10n.locale import use_locale

D = dt.date


@pytest.mark.parametrize("which", ["cafe", "indian_cafe"])
@pytest.mark.parametrize("seed", range(4))
def test_the_night_does_what_the_next_movement_would_have_done(request, cafe, monkeypatch, which, seed):
    cast = request.getfixturevalue(which)
    rng = random.Random(seed)
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        day = D(2025, 1, 5)
        clock(monkeypatch, day)
        pairs = [(member(10), member(10)) for _ in range(6)]
        for _ in range(30):
            day += dt.timedelta(days=rng.randint(3, 20))
            clock(monkeypatch, day)
            rules(expiry_months=rng.choice([1, 1, 2, 3, 12, None]))
            for _nightly, as_you_go in pairs:
                move(as_you_go)
            expire_points()
            for pair in rng.sample(pairs, 3):
                balance = account(pair[0]).balance
                points = rng.choice([rng.randint(1, 900), -rng.randint(1, max(1, balance))])
                if balance + points >= 0:
                    for guest in pair:
                        move(guest, points)
        for nightly, as_you_go in pairs:
            assert state(nightly) == state(as_you_go)
        assert LedgerEntry.objects.filter(idempotency_key__startswith="expire:").count() > 5
        assert_books_agree()
        assert list(find_wrong_accounts()) == []


def state(guest):
    left = account(guest)
    rows = LedgerEntry.objects.filter(customer=guest).order_by("sequence")
    return (
        left.balance, left.last_sequence, left.points_earned_total, left.points_redeemed_total, left.lot_expiries,
        left.lot_points, left.next_expiry_on, CustomerSummary.objects.get(pk=guest.pk).points,
        [[row.type, row.points, row.balance_after, row.lot_expiries, row.lot_points, row.description, row.notes,
          row.rule_version, row.explanation, row.reference, row.created_by_id] for row in rows],
        [payload["points"] for payload in told("loyalty.points_expired")
         if payload["customer_id"] == str(guest.pk)],
    )  # fmt: skip


# The calendar, the day of earning, months, and the last valid day.
LAST_DAYS = [
    ("cafe", from_jalali(1402, 12, 15), 12, from_jalali(1403, 12, 30)),  # 30 Esfand of a leap year
    ("cafe", from_jalali(1403, 12, 30), 12, from_jalali(1404, 12, 29)),  # … and into a common one
    ("cafe", from_jalali(1404, 6, 31), 6, from_jalali(1404, 12, 29)),  # a month of 31 days plus months
    ("cafe", from_jalali(1404, 12, 1), 1, from_jalali(1405, 1, 31)),  # over Nowruz
    ("indian_cafe", D(2023, 2, 28), 12, D(2024, 2, 29)),  # into a leap February
    ("indian_cafe", D(2024, 2, 29), 12, D(2025, 2, 28)),
    ("indian_cafe", D(2025, 1, 31), 1, D(2025, 2, 28)),
    ("indian_cafe", D(2025, 12, 31), 12, D(2026, 12, 31)),
]


@pytest.mark.parametrize(("which", "earned", "months", "last"), LAST_DAYS)
def test_points_run_out_at_the_midnight_after_their_last_day(
    request, cafe, monkeypatch, which, earned, months, last
):
    cast = request.getfixturevalue(which)
    zone = TEHRAN if which == "cafe" else KOLKATA
    with tenant_context(cast.cafe), use_locale(cast.cafe.locale):
        rules(expiry_months=months)
        clock(monkeypatch, dt.datetime.combine(earned, dt.time(23, 59), zone))
        guest = member(100)
        assert account(guest).next_expiry_on == last
        clock(monkeypatch, dt.datetime.combine(last, dt.time(23, 59, 59), zone))
        assert expire_points() == 0
        clock(monkeypatch, dt.datetime.combine(last + dt.timedelta(days=1), dt.time(0, 0, 1), zone))
        assert (expire_points(), expire_points()) == (1, 0)
        row = LedgerEntry.objects.get(type="expired")
        assert (row.points, row.balance_after, row.lot_expiries, row.lot_points) == (-100, 0, [last], [-100])
        assert row.idempotency_key == f"expire:{last + dt.timedelta(days=1)}"
        assert row.description == ("Points expired" if which == "indian_cafe" else row.description)
        assert (account(guest).balance, account(guest).next_expiry_on) == (0, None)


def test_tehran_has_midnight_every_day_of_the_year():
    """Iran left summer time in 2022; before, one day a year began at one o'clock."""
    days = [D(2025, 1, 1) + dt.timedelta(days=n) for n in range(800)]
    offsets = {dt.datetime.combine(day, dt.time.min, TEHRAN).utcoffset() for day in days}
    assert offsets == {dt.timedelta(hours=3, minutes=30)}


def test_two_nights_at_once_amid_checkouts_and_redemptions(fresh_cafe, monkeypatch):
    cast = fresh_cafe()
    monkeypatch.setattr(rounds, "BATCH", 7)
    rules(expiry_months=1)
    real = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() - dt.timedelta(days=100))
    guests = [member(300) for _ in range(30)]
    monkeypatch.setattr("django.utils.timezone.now", real)
    for guest in guests[::2]:
        # Half of them also have points that stay; giving these expires the others as it goes.
        move(guest, 50)
    before = LedgerEntry.objects.filter(type="expired").count()
    assert before == 15
    still = guests[1::2]
    jobs = [
        expire_points, expire_points, expire_points,
        *(lambda g=g: record_visit(
            actor=cast.staff.actor, request=VisitRequest(total_amount=90_000, customer_id=g.pk))
          for g in still[:6]),
        *(lambda g=g: redeem_points(
            actor=cast.staff.actor, customer_id=g.pk, points=200, reward_type="item") for g in still[3:9]),
    ]  # fmt: skip
    results = run_together(cast, jobs)
    assert [r for r in results if isinstance(r, Exception) and not isinstance(r, InsufficientPoints)] == []
    rows = LedgerEntry.objects.filter(type="expired")
    assert (rows.count(), rows.values("customer").distinct().count()) == (30, 30)
    assert len(told("loyalty.points_expired")) == 30
    assert_books_agree()
    assert list(find_wrong_accounts()) == []


def test_a_killed_night_is_finished_by_the_next_run(fresh_cafe, monkeypatch):
    cast = fresh_cafe()
    monkeypatch.setattr(rounds, "BATCH", 5)
    rules(expiry_months=1)
    real = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() - dt.timedelta(days=100))
    guests = sorted((member(10 * n) for n in range(1, 19)), key=lambda guest: guest.pk)
    monkeypatch.setattr("django.utils.timezone.now", real)

    results = []
    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        # The third batch waits for this guest; there the server ends the job's connection.
        Customer.objects.select_for_update().get(pk=guests[12].pk)
        job = pool.submit(run_together, cast, [expire_points])
        assert wait_until(end_waiting_session)
        results += job.result()
    assert isinstance(results[0], OperationalError)
    assert list(LedgerEntry.objects.filter(type="expired").order_by("pk").values_list("customer", flat=True)
                .order_by("customer")) == [guest.pk for guest in guests[:10]]  # fmt: skip
    assert_books_agree()
    assert (expire_points(), expire_points()) == (8, 0)
    assert_books_agree()
    assert len(told("loyalty.points_expired")) == 18


def end_waiting_session():
    """End the session that waits for ours; says whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone() is not None


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_run_twice_on_one_day_and_a_switched_off_club(cafe, monkeypatch):
    rules(expiry_months=1)
    clock(monkeypatch, D(2025, 1, 5))
    guest = member(100)
    clock(monkeypatch, D(2025, 6, 1))
    with without_feature(cafe, "loyalty"):
        assert (expire_points(), warn_expiring()) == (0, 0)
    assert account(guest).balance == 100
    assert expire_points() == 1
    # Lots that are over may come back on the same day, as an undone merge brings them; they wait for the next night.
    LoyaltyAccount.objects.filter(pk=guest.pk).update(
        balance=40, points_redeemed_total=60, lot_expiries=[D(2025, 5, 1)], lot_points=[40],
        next_expiry_on=D(2025, 5, 1),
    )  # fmt: skip
    assert expire_points() == 0
    clock(monkeypatch, D(2025, 6, 2))
    assert expire_points() == 1
    assert LedgerEntry.objects.filter(type="expired").count() == 2


def test_each_guest_is_warned_of_each_day_once(cafe, monkeypatch):
    rules(expiry_months=2, expiry_warning_days=10)
    first, second = from_jalali(1404, 3, 31), from_jalali(1404, 4, 31)
    clock(monkeypatch, from_jalali(1404, 1, 20))
    guest, blocked = member(100), member(70)
    blocked.status = "blocked"
    blocked.save()
    clock(monkeypatch, from_jalali(1404, 2, 20))
    move(guest, 30)
    clock(monkeypatch, first - dt.timedelta(days=11))
    assert warn_expiring() == 0
    clock(monkeypatch, first - dt.timedelta(days=10))
    assert (warn_expiring(), warn_expiring()) == (1, 0)
    move(guest, 5)  # a movement in between does not make it forget
    clock(monkeypatch, first)
    assert warn_expiring() == 0
    blocked.status = "active"
    blocked.save()
    assert warn_expiring() == 1
    clock(monkeypatch, second - dt.timedelta(days=3))
    expire_points()
    assert warn_expiring() == 1
    who = [str(guest.pk), str(blocked.pk), str(guest.pk)]
    assert told("loyalty.points_expiring") == [
        {"customer_id": pk, "points": points, "expires_on": str(day), "days": days}
        for pk, points, day, days in zip(who, (100, 70, 30), (first, first, second), (10, 0, 3), strict=True)
    ]


def test_events_without_listeners_do_not_queue_and_others_do(cafe, monkeypatch):
    from servaan_crm.core import events

    rules(expiry_months=1)
    clock(monkeypatch, D(2025, 1, 5))
    member(100), member(50)
    clock(monkeypatch, D(2025, 2, 15))
    monkeypatch.setitem(events._subscribers, "loyalty.points_expired", {})
    monkeypatch.setitem(events._subscribers, "loyalty.points_expiring", {"test": print})
    rules(expiry_warning_days=30)
    assert warn_expiring() == 2
    clock(monkeypatch, D(2025, 4, 15))
    assert expire_points() == 2
    waiting = dict(Event.objects.values_list("name").annotate(n=Count("pk", filter=Q(dispatched_at=None))))
    assert (waiting["loyalty.points_expiring"], waiting["loyalty.points_expired"]) == (2, 0)


def test_a_merge_before_the_night_leaves_what_is_over_behind(cafe, monkeypatch):
    rules(expiry_months=2)
    clock(monkeypatch, D(2025, 1, 5))
    kept, merged = member(100), member(70)
    clock(monkeypatch, D(2025, 2, 25))
    move(merged, 30, -20)
    move(kept, 9)
    clock(monkeypatch, D(2025, 4, 10))
    record = merge_customers(actor=cafe.manager.actor, kept_id=kept.pk, merged_id=merged.pk)
    assert (account(kept).balance, account(merged).balance) == (39, 0)
    undo_merge(actor=cafe.manager.actor, merge_id=record.pk)
    assert (account(kept).balance, account(merged).balance) == (9, 30)
    assert_books_agree()


def test_verify_ledger_names_wrong_lots(cafe, monkeypatch, capsys):
    rules(expiry_months=3)
    clock(monkeypatch, D(2025, 1, 5))
    guests = [member(100), member(200), member(300)]
    assert list(find_wrong_accounts()) == []
    moved, mislabelled, _right = guests
    day = account(moved).next_expiry_on + dt.timedelta(days=1)
    LoyaltyAccount.objects.filter(pk=moved.pk).update(lot_expiries=[day], next_expiry_on=day)
    LoyaltyAccount.objects.filter(pk=mislabelled.pk).update(next_expiry_on=day)
    found = {wrong.customer_id: wrong.faults for wrong in find_wrong_accounts()}
    assert found == {moved.pk: ("open lots", "next expiry"), mislabelled.pk: ("next expiry",)}
    with pytest.raises(CommandError, match="wrong accounts: 2"):
        call_command("verify_ledger", schema=cafe.cafe.schema_name)
    assert f"{moved.pk}: open lots, next expiry" in capsys.readouterr().err
    # Points that are said never to expire, though the ledger gave them a day.
    LoyaltyAccount.objects.filter(pk=moved.pk).update(lot_expiries=[], lot_points=[], next_expiry_on=None)
    assert {w.customer_id: w.faults for w in find_wrong_accounts()}[moved.pk] == ("open lots", "next expiry")
