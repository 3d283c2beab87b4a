"""Occasions ahead, against plain Python day by day, in both calendars and over the edges of the year."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tenants.utils import tenant_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import Customer, CustomerSummary, FamilyMember
from customers.selectors.events import born_dates_of, kept_within, upcoming_events
from customers.tests.factories import make_customer
from servaan_crm.l10n.jalali import from_jalali, local_date, next_occurrence, to_calendar
from servaan_crm.l10n.locale import IN, IR, use_locale

URL = "/api/crm/customers"
LOCALES = [IR, IN]

# Days around the ends of both years and months, of common and leap years (1403 and 2024 are leap).
EDGES = [
    *(from_jalali(year, 12, 29) for year in (1402, 1403, 1404)),
    from_jalali(1403, 12, 30),
    from_jalali(1404, 6, 31),
    *(dt.date(year, 12, 31) for year in (2023, 2024, 2025)),
    *(dt.date(year, 2, 28) for year in (2024, 2025)),
    dt.date(2024, 2, 29),
]
near_edge = st.builds(
    lambda edge, offset: edge + dt.timedelta(days=offset), st.sampled_from(EDGES), st.integers(-3, 3)
)
any_today = near_edge | st.dates(dt.date(2022, 1, 1), dt.date(2034, 12, 31))
births = (
    st.dates(dt.date(1925, 1, 1), dt.date(2019, 12, 31))
    | st.builds(
        lambda date, years: date.replace(year=date.year - years, day=min(date.day, 28)),
        near_edge,
        st.integers(8, 90),
    )
    | st.sampled_from([from_jalali(1375, 12, 30), from_jalali(1399, 12, 30), dt.date(1996, 2, 29)])
)


def oracle(birth, today, days, locale):
    """Return days until the birthday is next kept, or None beyond ``days``."""
    until = (next_occurrence(birth, today, locale) - today).days
    return until if until <= days else None


@settings(max_examples=150, deadline=None)
@given(
    today=any_today,
    days=st.integers(1, 366),
    dates=st.lists(births, max_size=30),
    locale=st.sampled_from(LOCALES),
)
def test_dates_kept_within_a_span_are_those_that_recur_in_it(today, days, dates, locale):
    kept = kept_within(today, days, locale)
    for birth in dates:
        assert kept.get(birth) == oracle(birth, today, days, locale), birth


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("edge", EDGES)
def test_every_birth_date_of_a_century_is_kept_on_one_day_of_a_year(locale, edge):
    kept = kept_within(edge, 366, locale)
    for offset in range(0, 110 * 365, 53):
        birth = edge - dt.timedelta(days=offset + 1)
        assert kept[birth] == oracle(birth, edge, 366, locale)
    assert kept[edge] == 0, "a guest born today"


def test_the_leap_day_is_kept_on_the_last_day_of_the_month():
    leap_child = from_jalali(1375, 12, 30)
    assert leap_child in born_dates_of(from_jalali(1404, 12, 29), IR)
    assert leap_child not in born_dates_of(from_jalali(1403, 12, 29), IR)
    assert leap_child in born_dates_of(from_jalali(1403, 12, 30), IR)
    assert dt.date(1996, 2, 29) in born_dates_of(dt.date(2025, 2, 28), IN)
    assert dt.date(1996, 2, 29) not in born_dates_of(dt.date(2024, 2, 28), IN)


def expected(today, days, locale):
    rows = []
    for guest in Customer.objects.filter(deleted_at=None, erased_at=None).exclude(status="blocked"):
        for kind, date in (("birthday", guest.birthday), ("anniversary", guest.anniversary)):
            if date and (until := oracle(date, today, days, locale)) is not None:
                rows.append((guest.pk, guest.name, kind, until))
        for member in guest.family_members.exclude(birthday=None):
            if (until := oracle(member.birthday, today, days, locale)) is not None:
                rows.append((guest.pk, member.name, "family_birthday", until))
    return sorted(rows, key=lambda row: (row[3], str(row)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    today=any_today, days=st.integers(1, 366), locale=st.sampled_from(LOCALES),
    people=st.lists(st.tuples(births | st.none(), births | st.none(), births | st.none()), min_size=1, max_size=8),
)  # fmt: skip
def test_events_match_plain_python(cafe, today, days, locale, people):
    FamilyMember.objects.all().delete()
    Customer.objects.all().delete()
    for number, (birthday, anniversary, child) in enumerate(people):
        guest = make_customer(number + 1, f"guest {number}", birthday=birthday, anniversary=anniversary)
        FamilyMember.objects.create(
            customer=guest, name=f"child {number}", relationship="child", birthday=child
        )
    with use_locale(locale):
        events = upcoming_events(days, today=today)
        found = events[0:1000]
        assert events.count() == len(found)
        shown = [(one.customer_id, one.name, one.event_type, one.days_until) for one in found]
        assert sorted(shown, key=lambda row: (row[3], str(row))) == expected(today, days, locale)
        assert [row[3] for row in shown] == sorted(row[3] for row in shown)
        for one in found:
            assert one.event_date == next_occurrence(one.born, today, locale)
            assert one.years == to_calendar(one.event_date, locale).year - to_calendar(one.born, locale).year
        assert [*events[0:3], *events[3:1000]] == found, "pages neither repeat nor lose"


def make_celebrating(number=1, **fields):
    today = local_date(timezone.now())
    return make_customer(
        number, birthday=today.replace(year=today.year - 30, day=min(today.day, 28)), **fields
    )


def test_shape_and_parameters(cafe):
    today = local_date(timezone.now())
    guest = make_customer(1, "سارا کریمی", birthday=today, anniversary=today + dt.timedelta(days=3))
    FamilyMember.objects.create(
        customer=guest, name="نیکا", relationship="child", birthday=today + dt.timedelta(days=2)
    )
    client = cafe.api("staff")
    data = client.get(f"{URL}/upcoming-events?days=5").json()["data"]
    assert [row["event_type"] for row in data["events"]] == ["birthday", "family_birthday", "anniversary"]
    assert data["events"][0] == {
        "customer_id": str(guest.pk), "name": "سارا کریمی", "email": None, "phone": "09120000001",
        "event_type": "birthday", "event_date": today.isoformat(), "days_until": 0, "years": 0,
    }  # fmt: skip
    assert [row["name"] for row in data["events"]] == ["سارا کریمی", "نیکا", "سارا کریمی"]
    assert data["pagination"]["total_items"] == 3
    weddings = client.get(f"{URL}/upcoming-events?event_type=anniversary").json()["data"]["events"]
    assert [row["days_until"] for row in weddings] == [3]
    assert len(client.get(f"{URL}/birthdays/?days=366").json()["data"]["birthdays"]) == 1
    for query in ("days=0", "days=367", "days=x", "event_type=wedding", "from=1", "page=2", "limit=101"):
        assert client.get(f"{URL}/upcoming-events?{query}").status_code == 400, query


def test_deleted_erased_and_blocked_guests_have_no_occasions(cafe, other_cafe):
    kept = make_celebrating(1)
    for number, fields in enumerate(
        ({"deleted_at": timezone.now()}, {"erased_at": timezone.now()}, {"status": "blocked"}), start=2
    ):
        guest = make_celebrating(number)
        Customer.objects.filter(pk=guest.pk).update(**fields)
        FamilyMember.objects.create(customer=guest, name="بچه", relationship="child", birthday=guest.birthday)
    with tenant_context(other_cafe.cafe):
        make_celebrating(9, name="همسایه")
    answer = cafe.api().get(f"{URL}/upcoming-events?days=366").json()["data"]
    assert {row["customer_id"] for row in answer["events"]} == {str(kept.pk)}
    page = cafe.browser("staff").get("/customers/events/?days=366")
    assert page.status_code == 200
    assert "همسایه" not in page.content.decode()


def test_queries_do_not_grow_and_use_the_indexes(cafe):
    counts = []
    for number in range(1, 31):
        guest = make_celebrating(number, anniversary=dt.date(1990, 1, 1))
        FamilyMember.objects.create(customer=guest, name="x", relationship="child", birthday=guest.birthday)
        if number in (1, 30):
            with CaptureQueriesContext(connection) as queries:
                upcoming_events(366)[0:20]
                upcoming_events(366).count()
            counts.append(len(queries))
    assert counts == [2, 2]


def test_each_kind_is_found_through_its_index(cafe):
    births = [dt.date(1960, 1, 1) + dt.timedelta(days=31 * number) for number in range(600)]
    guests = Customer.objects.bulk_create(
        Customer(phone=f"+98912{number:07d}", name="x", birthday=date, anniversary=date)
        for number, date in enumerate(births)
    )
    CustomerSummary.objects.bulk_create(CustomerSummary(customer=guest) for guest in guests)
    FamilyMember.objects.bulk_create(
        FamilyMember(customer=guest, name="x", relationship="child", birthday=guest.birthday)
        for guest in guests
    )
    indexes = {
        "birthday": "customer_birthday",
        "anniversary": "customer_anniversary",
        "family_birthday": "family_birthday",
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        # What a small table would rather do; and "all who are not deleted", which is hardly better.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("DROP INDEX customer_status")
        for kind, index in indexes.items():
            with CaptureQueriesContext(connection) as queries:
                upcoming_events(7, types=[kind])[0:20]
            cursor.execute("EXPLAIN " + queries[0]["sql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert f"Index Scan on {index}" in plan or f"using {index}" in plan, plan
            assert "ANY" in plan.split(f" {index}")[1].split("Index Cond")[1].split("\n")[0], plan


@pytest.mark.parametrize("role", ["owner", "manager", "staff", "agent", "integrator"])
def test_everybody_who_sees_guests_sees_their_occasions(cafe, role):
    assert cafe.api(role).get(f"{URL}/upcoming-events").status_code == 200
    assert cafe.api(None).get(f"{URL}/birthdays").status_code == 401
