"""Runs: what makes them, when they are due, what keeps a guest out, and what is done."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context

from campaigns.automations import engine
from campaigns.automations.dry_run import dry_run
from campaigns.automations.ready_made import TEXTS, create_ready_made
from campaigns.automations.services import switch_automation, update_automation
from campaigns.automations.tests.helpers import (
    ACTOR,
    at,
    automation,
    due_now,
    only_mine,
    recorded,
    run_of,
)
from campaigns.automations.triggers import get_trigger
from campaigns.models import Automation, AutomationRun, ShortLink
from campaigns.texts import render_template
from checkout.services import VisitRequest, record_visit
from customers.models import CustomerSummary, Tag
from customers.privacy import everything_of
from customers.selectors.events import born_dates_of
from customers.services.consent import set_consent
from customers.services.privacy import erase_customer
from feedback.services import record_feedback
from feedback.tests.helpers import make_customer, make_visit, without_feature
from loyalty.models import LedgerEntry, LoyaltyAccount, Voucher
from segments.models import Segment
from segments.services import ask_for_run, save_segment, work_off_runs
from servaan_crm.core import events
from servaan_crm.l10n.jalali import from_jalali, local_date
from servaan_crm.l10n.locale import get_locale, use_locale
from servaan_crm.messaging.models import Message
from servaan_crm.messaging.sms import count_parts


def test_one_event_does_everything_once_and_the_run_says_what(cafe: Any) -> None:
    tag = Tag.objects.create(name="وفادار")
    one = automation(
        purpose="marketing",
        template="{{name}}، {{points}} امتیاز، کد {{code}} تا {{expiry_date}}",
        actions=[
            {"type": "points", "points": 50},
            {"type": "coupon", "benefit": "percent", "value": 10, "days": 7},
            {"type": "tag", "tag": "وفادار"},
        ],
    )
    only_mine(one)
    visit = make_visit(make_customer("سارا"))
    for _again in range(3):
        engine.hear("visit.recorded", recorded(visit))
    run = run_of(visit.customer)
    voucher = Voucher.objects.get()
    message = Message.objects.get()
    entry = LedgerEntry.objects.get()
    assert (run.state, run.message_id) == ("done", message.pk)
    assert run.results["coupon"] == {"voucher_id": str(voucher.pk), "code": voucher.code}
    assert (voucher.source, voucher.source_reference) == ("automation", str(run.pk))
    assert (entry.points, entry.reference) == (50, f"automation:{run.pk}")
    assert message.body.startswith(f"سارا، ۵۰ امتیاز، کد {voucher.code} تا ")
    assert (message.dedupe_key, message.purpose) == (f"automation:{run.pk}", "marketing")
    assert list(visit.customer.tags.all()) == [tag]


def test_what_happened_before_it_was_switched_on_is_none_of_its_business(cafe: Any) -> None:
    only_mine(automation())
    visit = make_visit(make_customer())
    assert (
        engine.hear("visit.recorded", recorded(visit, event_at=timezone.now() - dt.timedelta(hours=1))) == 0
    )
    assert engine.hear("visit.recorded", recorded(visit, event_at=timezone.now())) == 1


@pytest.mark.parametrize(("wait", "hour", "happened", "due"), [
    (0, None, "2026-03-20 23:30", "2026-03-20 23:30"),
    (120, None, "2026-03-20 23:30", "2026-03-21 01:30"),
    (120, dt.time(10), "2026-03-20 07:00", "2026-03-20 10:00"),
    (120, dt.time(10), "2026-03-20 08:00", "2026-03-20 10:00"),
    (120, dt.time(10), "2026-03-20 08:01", "2026-03-21 10:00"),
    (120, dt.time(10), "2026-03-20 23:30", "2026-03-21 10:00"),
    (0, dt.time(0), "2026-03-20 23:59", "2026-03-21 00:00"),
])  # fmt: skip
def test_wait_first_then_the_hour_of_the_cafes_day(
    cafe: Any, wait: int, hour: dt.time | None, happened: str, due: str
) -> None:
    one = automation(wait_minutes=wait, at_time=hour)
    assert engine.due_at(one, at(happened)) == at(due)
    # Tehran's midnight is not that of UTC: what happened is told in UTC, and means the same.
    assert engine.due_at(one, at(happened).astimezone(dt.UTC)) == at(due)


def test_a_run_waits_and_is_judged_only_then(cafe: Any) -> None:
    one = automation(wait_minutes=60, condition={"visit_count": {"min": 2}})
    only_mine(one)
    poor = make_visit(make_customer(summary={"total_visits": 1, "last_visit_number": 1}))
    rich = make_visit(make_customer(summary={"total_visits": 1, "last_visit_number": 2}))
    for visit in (poor, rich):
        engine.hear("visit.recorded", recorded(visit))
    assert engine.work_off() == 0
    assert not Message.objects.exists()
    CustomerSummary.objects.filter(pk=rich.customer_id).update(total_visits=2)
    due_now()
    assert engine.work_off() == 2
    assert (run_of(poor.customer).state, run_of(poor.customer).reason) == ("skipped", "condition")
    assert run_of(rich.customer).state == "done"
    assert Message.objects.get().customer_id == rich.customer_id


def test_what_happens_while_it_waits_counts(cafe: Any) -> None:
    only_mine(automation(wait_minutes=60, purpose="marketing"))
    names = ("unwilling", "blocked", "voided", "deleted", "moved", "fine")
    visits = {name: make_visit(make_customer()) for name in names}
    for visit in visits.values():
        engine.hear("visit.recorded", recorded(visit))
    set_consent(
        actor=ACTOR, customer_id=visits["unwilling"].customer_id, channel="sms", granted=False, source="staff"
    )
    guests = {name: visit.customer for name, visit in visits.items()}
    guests["blocked"].status = "blocked"
    guests["blocked"].save()
    guests["deleted"].deleted_at = timezone.now()
    guests["deleted"].save()
    visits["voided"].voided_at = timezone.now()
    visits["voided"].save()
    visits["moved"].customer = guests["fine"]
    visits["moved"].visit_number = 2
    visits["moved"].save()
    due_now()
    engine.work_off()
    outcomes = {name: (run_of(guest).state, run_of(guest).reason) for name, guest in guests.items()}
    assert outcomes == {
        "unwilling": ("skipped", "no_consent"), "blocked": ("skipped", "blocked"),
        "voided": ("skipped", "visit_voided"), "deleted": ("skipped", "gone"), "moved": ("skipped", "visit_voided"),
        "fine": ("done", ""),
    }  # fmt: skip
    assert Message.objects.count() == 1


def test_a_guest_rests_also_from_two_occasions_in_one_batch(cafe: Any) -> None:
    only_mine(automation(rest_days=30, wait_minutes=5))
    guest = make_customer()
    for _twice in range(2):
        engine.hear("visit.recorded", recorded(make_visit(guest)))
    due_now()
    engine.work_off()
    assert sorted(AutomationRun.objects.values_list("state", "reason")) == [("done", ""), ("skipped", "rest")]
    AutomationRun.objects.filter(state="done").update(finished_at=timezone.now() - dt.timedelta(days=31))
    engine.hear("visit.recorded", recorded(make_visit(guest)))
    due_now()
    engine.work_off()
    assert AutomationRun.objects.filter(state="done").count() == 2


def test_what_cannot_be_given_takes_everything_of_that_run_back(cafe: Any) -> None:
    only_mine(
        automation(
            purpose="marketing",
            template="{{code}} {{name}}",
            actions=[
                {"type": "coupon", "benefit": "amount", "value": 100_000, "days": 7},
                {"type": "points", "points": 5},
            ],
        )
    )
    visit = make_visit(make_customer())
    with without_feature(cafe, "loyalty"):
        engine.hear("visit.recorded", recorded(visit))
    run = run_of(visit.customer)
    assert (run.state, run.reason, run.results["code"]) == ("skipped", "refused", "FEATURE_DISABLED")
    assert not Voucher.objects.exists()
    assert not Message.objects.exists()


def test_a_text_too_long_for_one_guest_fails_alone(cafe: Any) -> None:
    one = automation(wait_minutes=1)
    only_mine(one)
    Automation.objects.filter(pk=one.pk).update(template="{{name}} " * 7)
    long, short = make_visit(make_customer("ب" * 100)), make_visit(make_customer("سارا"))
    Automation.objects.filter(pk=one.pk).update(template="{{name}} " * 9)
    for visit in (long, short):
        engine.hear("visit.recorded", recorded(visit))
    due_now()
    engine.work_off()
    assert (run_of(long.customer).state, run_of(long.customer).reason) == ("failed", "bad_message")
    assert run_of(short.customer).state == "done"


def test_switching_off_cancels_what_waits_and_on_again_starts_anew(cafe: Any) -> None:
    one = automation(wait_minutes=60)
    only_mine(one)
    visit = make_visit(make_customer())
    engine.hear("visit.recorded", recorded(visit))
    switch_automation(actor=ACTOR, automation_id=one.pk, on=False)
    assert (run_of(visit.customer).state, run_of(visit.customer).reason) == ("cancelled", "switched_off")
    assert engine.hear("visit.recorded", recorded(make_visit(make_customer()))) == 0
    before = timezone.now()
    assert switch_automation(actor=ACTOR, automation_id=one.pk, on=True).active_since >= before


def test_overdue_for_days_is_no_news(cafe: Any) -> None:
    only_mine(automation(wait_minutes=60))
    visit = make_visit(make_customer())
    engine.hear("visit.recorded", recorded(visit))
    AutomationRun.objects.update(due_at=timezone.now() - dt.timedelta(days=3))
    engine.work_off()
    assert run_of(visit.customer).reason == "late"


# --- the calendar --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("today", "kept"), [
    # 1403 is a leap year: its 30 Esfand is kept on the day. 1404 is not: on the 29th.
    (from_jalali(1403, 12, 27), from_jalali(1403, 12, 30)),
    (from_jalali(1404, 12, 26), from_jalali(1404, 12, 29)),
])  # fmt: skip
def test_born_on_the_last_day_of_a_leap_year(cafe: Any, today: dt.date, kept: dt.date) -> None:
    one = automation("birthday", trigger_options={"days": 3}, template="{{name}}: {{birthday}}")
    leap = make_customer(birthday=from_jalali(1375, 12, 30))
    other = make_customer(birthday=from_jalali(1375, 12, 20))
    found = list(get_trigger("birthday").on_day(one, today, today))
    assert [(found_one.customer_id, found_one.occurrence) for found_one in found] == [
        (leap.pk, f"birthday:{kept}")
    ]
    assert other.pk not in {found_one.customer_id for found_one in found}
    assert list(get_trigger("birthday").on_day(one, today - dt.timedelta(days=1), today)) == []


@pytest.mark.parametrize(("year", "day"), [(2028, dt.date(2028, 2, 29)), (2027, dt.date(2027, 2, 28))])
def test_born_on_29_february_in_a_cafe_that_counts_so(indian_cafe: Any, year: int, day: dt.date) -> None:
    with tenant_context(indian_cafe.cafe), use_locale(indian_cafe.cafe.locale):
        one = automation("birthday", trigger_options={"days": 0}, template="{{name}}")
        leap = make_customer(birthday=dt.date(1996, 2, 29), phone="+919812345678")
        found = list(get_trigger("birthday").on_day(one, day, day))
        assert [row.customer_id for row in found] == [leap.pk]


def test_the_calendar_is_looked_at_once_and_makes_up_for_days_off(cafe: Any) -> None:
    one = automation("birthday", trigger_options={"days": 3}, wait_minutes=0, template="{{name}}")
    only_mine(one)
    today = local_date(timezone.now())
    for offset in range(-1, 7):
        make_customer(birthday=_born(today + dt.timedelta(days=offset)))
    Automation.objects.filter(pk=one.pk).update(active_since=timezone.now() - dt.timedelta(days=1))
    assert engine.scan(today) == 2, "today's, and yesterday's that was missed"
    assert engine.scan(today) == 0
    Automation.objects.filter(pk=one.pk).update(active_since=timezone.now() - dt.timedelta(days=90))
    assert engine.scan(today) == 2, "three days back at most, and never after the day itself"


def _born(day: dt.date) -> dt.date:
    return born_dates_of(day, get_locale())[80]


def test_absence_by_the_own_rhythm_or_by_thirty_days(cafe: Any) -> None:
    one = automation("absent", template="{{name}} {{last_visit_days}}")
    today = local_date(timezone.now())
    weekly = _comes(today, 10, 17, 24, 31)  # every 7 days, late from 7 + 2 on: since yesterday
    yesterday = _comes(today, 9, 16, 23, 30)
    monthly = _comes(today, 10, 40, 70, 100)
    new = _comes(today, 30)
    old = _comes(today, 31)
    found = {row.customer_id for row in get_trigger("absent").on_day(one, today, today)}
    assert found == {yesterday.pk, new.pk}
    caught = {
        row.customer_id for row in get_trigger("absent").on_day(one, today, today - dt.timedelta(days=1))
    }
    assert caught == {weekly.pk, yesterday.pk, new.pk, old.pk}
    assert monthly.pk not in caught
    one.trigger_options = {"own_rhythm": False, "days": 10}
    assert {row.customer_id for row in get_trigger("absent").on_day(one, today, today)} == {
        weekly.pk,
        monthly.pk,
    }


def _comes(today: dt.date, *days_ago: int) -> Any:
    noon = at(f"{today} 12:00")
    days = sorted(days_ago, reverse=True)
    guest = make_customer(
        summary={
            "total_visits": len(days), "last_visit_number": len(days),
            "last_visit_at": noon - dt.timedelta(days=days[-1]),
        }
    )  # fmt: skip
    for ago in days:
        make_visit(guest, visit_date=noon - dt.timedelta(days=ago))
    return guest


def test_points_about_to_expire_each_last_day_once(cafe: Any) -> None:
    one = automation(
        "loyalty.points_expiring", purpose="transactional", trigger_options={"days": 7},
        template="{{points_expiring}} تا {{expiry_date}}",
    )  # fmt: skip
    only_mine(one)
    today = local_date(timezone.now())
    guest = make_customer()
    days = [today + dt.timedelta(days=7), today + dt.timedelta(days=8)]
    LoyaltyAccount.objects.create(
        customer=guest, balance=100, points_earned_total=100, lot_expiries=days, lot_points=[40, 60],
        next_expiry_on=days[0],
    )  # fmt: skip
    assert engine.scan(today) == 1
    assert engine.scan(today) == 0
    engine.work_off()
    assert Message.objects.get().body.startswith("۴۰ تا ")
    found = list(get_trigger("loyalty.points_expiring").on_day(one, today + dt.timedelta(days=1), today))
    assert {row.facts["expiring"] for row in found} == {40, 60}


def test_the_dry_run_says_what_then_happens_and_writes_nothing(cafe: Any) -> None:
    one = automation(
        "birthday", trigger_options={"days": 0}, rest_days=300, condition={"visit_count": {"min": 1}},
        template="{{name}} عزیز، {{total_visits}}", purpose="marketing",
    )  # fmt: skip
    only_mine(one)
    today = local_date(timezone.now())
    born, seen = _born(today), {"total_visits": 3, "last_visit_number": 3}
    fine = [make_customer(f"م{number}", birthday=born, summary=seen) for number in range(3)]
    make_customer(birthday=born)
    make_customer(birthday=born, summary=seen, allow_marketing=False)
    told = dry_run(one)
    assert (told.count, dict(told.left_out)) == (3, {"condition": 1, "no_consent": 1})
    assert not AutomationRun.objects.exists()
    engine.scan(today)
    engine.work_off()
    sent = {message.customer_id: message.body for message in Message.objects.all()}
    assert sent == {example.customer_id: example.text for example in told.sample}
    assert set(sent) == {guest.pk for guest in fine}
    skipped = AutomationRun.objects.filter(state="skipped").values_list("reason", flat=True)
    assert sorted(skipped) == sorted(told.left_out.elements())
    assert dict(dry_run(one).left_out) == {"already": 5}


# --- events from end to end ----------------------------------------------------------------------------------------


def test_every_tenth_visit_that_counts(cafe: Any) -> None:
    only_mine(automation("visit.recorded:nth", trigger_options={"every": 3}, template="{{visit_number}}"))
    guest = make_customer()
    visits = [make_visit(guest) for _number in range(4)]
    visits[1].voided_at = timezone.now()
    visits[1].save()
    for visit in visits:
        engine.hear("visit.recorded", recorded(visit))
    assert [message.body for message in Message.objects.all()] == ["۳\nلغو۱۱"]


def test_entering_a_segment_through_a_checkout(cafe: Any) -> None:
    two = Segment(key="two", name="دو بار", criteria={"visit_count": {"min": 2}})
    save_segment(actor=cafe.owner.actor, segment=two)
    ask_for_run("test")
    work_off_runs()
    only_mine(automation("segment.entered", trigger_options={"segment": "two"}, template="{{name}}"))
    for _twice in range(2):
        record_visit(
            actor=cafe.staff.actor,
            request=VisitRequest(total_amount=1_000_000, phone="+989121112233", customer_name="نیلوفر"),
        )
        events.dispatch_pending()
        events.dispatch_pending()
    run = AutomationRun.objects.get()
    assert run.state == "done"
    assert dry_run(run.automation).left_out == {"already": 1}


def test_a_low_rating_is_answered_and_a_good_one_is_not(cafe: Any) -> None:
    only_mine(automation("feedback.low_rating", purpose="transactional", template="{{name}} {{rating}}"))
    for rating in (2, 3, 5, 1):
        record_feedback(actor=ACTOR, rating=rating, source="manual", customer_id=make_customer("الف").pk)
    events.dispatch_pending()
    assert sorted(message.body for message in Message.objects.all()) == ["الف ۱", "الف ۲"]


def test_ready_made_ones_are_right_in_both_languages_and_short(cafe: Any, indian_cafe: Any) -> None:
    create_ready_made(cafe.cafe)
    for one in Automation.objects.filter(is_system=True):
        update_automation(actor=ACTOR, automation_id=one.pk, changes={})
    assert set(Automation.objects.filter(is_active=True).values_list("key", flat=True)) == {
        "first-visit-thanks"
    }
    values = {"name": "محمدرضا حسینی", "cafe_name": "کافه نارنج", "points": "۱٬۲۵۰", "points_expiring": "۱٬۲۵۰",
              "expiry_date": "۱۴۰۵/۱۲/۲۹", "code": "K7M4QX2P", "tier": "پلاتینیوم", "visit_number": "۱۰",
              "first_name": "محمدرضا", "feedback_link": "https://narenj.servaan.ir/f/Ab3xY7kQ2mW9rT"}  # fmt: skip
    for texts in TEXTS.values():
        for text in texts.values():
            assert count_parts(render_template(text, values)).parts <= 2, text


def test_a_link_is_the_guests_own_and_knows_its_run(cafe: Any) -> None:
    only_mine(automation(link_url="https://example.com/menu", template="{{name}} {{link}}"))
    visits = [make_visit(make_customer()) for _twice in range(2)]
    for visit in visits:
        engine.hear("visit.recorded", recorded(visit))
    links = list(ShortLink.objects.select_related("run"))
    assert {link.run.customer_id for link in links} == {visit.customer_id for visit in visits}
    for link in links:
        assert link.url == "https://example.com/menu"
        assert Message.objects.get(customer_id=link.customer_id).body.endswith(link.code)


def test_nothing_runs_while_the_feature_is_off(cafe: Any) -> None:
    only_mine(automation(wait_minutes=5))
    visit = make_visit(make_customer())
    engine.hear("visit.recorded", recorded(visit))
    due_now()
    with without_feature(cafe, "campaigns"):
        assert (engine.work_off(), engine.scan()) == (0, 0)
    assert engine.work_off() == 1


def test_an_erased_guest_leaves_that_something_happened_and_no_word(cafe: Any) -> None:
    only_mine(automation())
    visit = make_visit(make_customer("سارا"))
    engine.hear("visit.recorded", recorded(visit))
    waiting = automation(wait_minutes=5)
    engine.hear("visit.recorded", recorded(visit))
    told = {section.name: section.rows for section in everything_of(visit.customer)}
    assert len(told["automations"]) == 2
    erase_customer(actor=cafe.owner.actor, customer_id=visit.customer_id)
    events.dispatch_pending()
    runs = AutomationRun.objects.filter(customer_id=visit.customer_id)
    assert sorted(runs.values_list("state", flat=True)) == ["cancelled", "done"], waiting
    assert list(runs.values_list("facts", "results")) == [({}, {})] * 2
