"""The home page: right figures for the right people, in the café's own days, at a fixed price."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django_tenants.utils import tenant_context

from analytics import periods
from analytics.selectors.today import list_last_days
from customers.models import MenuItem
from customers.selectors.birthdays import get_birthdays
from customers.selectors.events import born_dates_of
from feedback.services import answer_feedback, record_feedback
from feedback.tests.helpers import make_customer, make_visit, without_feature
from servaan_crm.l10n.jalali import from_jalali, local_date, next_occurrence
from servaan_crm.l10n.locale import IN, IR, use_locale

TEHRAN = ZoneInfo("Asia/Tehran")


def open_home(cast, role="manager"):
    browser = cast.browser(role)
    browser.cookies["servaan_language"] = "en"
    return browser.get("/")


def test_figures_come_from_the_data_and_link_to_their_lists(cafe):
    today = local_date(timezone.now())
    guest = make_customer("سارا احمدی", birthday=today.replace(year=today.year - 30))
    make_visit(guest, total_amount=1_200_000, discount_amount=200_000)
    make_visit(None, total_amount=500_000)
    make_visit(guest, total_amount=9_000_000, voided_at=timezone.now())
    answer = open_home(cafe)
    context = answer.context
    day = context["day"]
    assert (day.visits, day.revenue, day.known, day.capture_rate) == (2, 1_500_000, 1, 50)
    assert (context["statistics"]["total"], context["new_today"]) == (1, 1)
    page = answer.content.decode()
    for name in ("customers", "new", "points", "value", "guests", "new_today"):
        url = context["urls"][name]
        assert url.replace("&", "&amp;") in page, name
        assert cafe.browser("manager").get(url).status_code == 200, url
    assert [visit.customer for visit in context["latest_visits"]] == [None, guest]
    assert reverse("customers:detail", args=[guest.pk], urlconf="servaan_crm.urls") in page


def test_what_to_do_next_names_what_is_missing_and_forgets_what_is_done(cafe, settings):
    settings.KAVENEGAR_API_KEY = ""
    feedback = record_feedback(actor=cafe.staff.actor, rating=1, source="manual")
    record_feedback(actor=cafe.staff.actor, rating=5, source="manual")
    steps = open_home(cafe).context["steps"]
    with translation.override("en"):  # the page was, too; lazy texts are read after it
        texts = " ".join(str(step.text) for step in steps)
    assert "1 low rating" in texts
    assert "SMS account" in texts
    assert "menu" in texts
    answer_feedback(actor=cafe.manager.actor, feedback_id=feedback.pk, status="resolved")
    MenuItem.objects.create(name="لاته", price=850_000)
    make_visit(make_customer())
    settings.KAVENEGAR_API_KEY = "set"
    assert open_home(cafe).context["steps"] == []


def test_days_begin_at_midnight_of_the_cafe(cafe, monkeypatch):
    for moment in ((2026, 3, 20, 23, 59), (2026, 3, 21, 0, 0), (2026, 3, 21, 23, 59), (2026, 3, 22, 0, 0)):
        make_visit(None, visit_date=dt.datetime(*moment, tzinfo=TEHRAN))
    monkeypatch.setattr(periods.timezone, "now", lambda: dt.datetime(2026, 3, 21, 12, tzinfo=TEHRAN))
    days = list_last_days(3)
    assert [(day.date.day, day.visits) for day in days] == [(19, 0), (20, 1), (21, 2)]


def test_staff_land_on_the_counter(cafe):
    answer = cafe.browser("staff").get("/")
    assert answer.status_code == 302
    assert answer.url == reverse("checkout:counter", urlconf="servaan_crm.urls")
    with without_feature(cafe, "crm"):
        assert cafe.browser("staff").get("/").status_code == 200


def test_agents_see_no_money_and_visitors_nothing(cafe):
    make_visit(make_customer(), total_amount=7_654_320)
    answer = open_home(cafe, "agent")
    assert answer.status_code == 200
    assert "statistics" not in answer.context
    assert "steps" not in answer.context
    assert "low_ratings" in answer.context
    assert open_home(cafe, None).status_code == 302


def test_switched_off_features_leave_the_page(cafe):
    assert open_home(cafe).context["points"] is not None
    with without_feature(cafe, "loyalty"):
        assert open_home(cafe).context["points"] is None
    with without_feature(cafe, "feedback"):
        assert "low_ratings" not in open_home(cafe).context
    with without_feature(cafe, "crm"):
        answer = open_home(cafe)
        assert answer.status_code == 200
        assert "statistics" not in answer.context


def test_the_price_is_fixed_and_small(cafe):
    settings_of = []
    browser = cafe.browser("owner")
    browser.get("/")
    for _turn in range(2):
        for _n in range(3):
            guest = make_customer(birthday=local_date(timezone.now()))
            make_visit(guest)
            record_feedback(actor=cafe.staff.actor, rating=1, source="manual", customer_id=guest.pk)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get("/").status_code == 200
        settings_of.append(len(queries))
    assert settings_of[0] == settings_of[1] <= 12


def test_the_neighbours_day_is_not_shown(cafe, other_cafe):
    with tenant_context(other_cafe.cafe):
        stranger = make_customer("همسایه", birthday=local_date(timezone.now()))
        make_visit(stranger)
        record_feedback(actor=other_cafe.owner.actor, rating=1, source="manual", customer_id=stranger.pk)
    answer = open_home(cafe)
    assert "همسایه" not in answer.content.decode()
    assert (answer.context["day"].visits, answer.context["birthdays"].upcoming) == (0, 0)
    assert answer.context["low_count"] == 0


@pytest.mark.parametrize("locale", [IR, IN])
@pytest.mark.parametrize("offset", range(0, 800, 37))
def test_birth_dates_of_a_day_are_those_that_recur_on_it(locale, offset):
    day = dt.date(2024, 2, 20) + dt.timedelta(days=offset)
    dates = set(born_dates_of(day, locale))
    births = (dt.date(1990, 1, 1) + dt.timedelta(days=n) for n in range(5 * 366))
    for birth in births:
        assert (birth in dates) == (next_occurrence(birth, day, locale) == day), birth


def test_those_born_on_30_esfand_celebrate_on_the_29th_of_common_years(cafe):
    leap_child = make_customer("نوروز", birthday=from_jalali(1375, 12, 30))
    with use_locale(IR):
        common = get_birthdays(from_jalali(1404, 12, 29))
        assert ([event.customer_id for event in common.guests], common.today) == ([leap_child.pk], 1)
        assert get_birthdays(from_jalali(1403, 12, 29)).today == 0
        assert get_birthdays(from_jalali(1403, 12, 30)).today == 1
        ahead = get_birthdays(from_jalali(1403, 12, 24))
        assert (ahead.today, ahead.upcoming) == (0, 1)
        assert [event.event_date for event in ahead.guests] == [from_jalali(1403, 12, 30)]


def test_a_deleted_or_blocked_guest_has_no_birthday_here(cafe):
    today = local_date(timezone.now())
    make_customer(birthday=today, deleted_at=timezone.now())
    make_customer(birthday=today, status="blocked")
    assert get_birthdays(today).upcoming == 0
