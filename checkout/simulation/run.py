"""The whole run: stage, pass, load, check in; one transaction, so that a failure leaves nothing behind."""

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from checkout.simulation import guests, load, lookups, visits
from checkout.simulation.baskets import PER_GROUP, TASTES, favourites
from checkout.simulation.bulk import without_indexes, without_triggers
from checkout.simulation.calendar import build_days
from checkout.simulation.draws import Draws
from checkout.simulation.menus import DAYPARTS
from checkout.simulation.profiles import Profile, profile_for
from customers.models import Customer, MenuItem, Tag
from loyalty.rules import RuleBook
from loyalty.selectors import get_rule_book
from loyalty.services.expiry import expire_points
from segments.services import refresh_base_segments
from servaan_crm.accounts.models import Outlet, User
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import local_date, local_day_bounds
from servaan_crm.tenancy.current import get_cafe

SHORTEST_DAYS, LONGEST_DAYS = 14, 3650
BATCH = 20_000
# From here on, building the indexes once is cheaper than keeping them up row by row.
REBUILD_FROM = 20_000
Progress = Callable[[str], None]
Phase = Callable[[str], AbstractContextManager[Callable[[int], None]]]


class NotSimulated(ValueError):
    """The café or the numbers do not fit; the message says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate. ``today`` is the last day, in the café's zone; nothing happens after ``until``."""

    customers: int
    days: int
    seed: int
    today: date
    until: datetime
    walk_ins: float = 0.22

    @property
    def until_ms(self) -> int:
        return int(self.until.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How much was written, and in how many seconds."""

    customers: int
    visits: int
    entries: int
    seconds: float


def make_plan(
    *, customers: int, days: int, seed: int, today: date | None = None, walk_ins: float = 0.22
) -> Plan:
    """Check the numbers and return the plan for the current café.

    today: default the café's date; the days before it are the same for the same seed and ``today``.

    Raises:
        NotSimulated: a number is out of range.
    """
    if not 1 <= customers <= 20_000_000:
        raise NotSimulated("--customers must be between 1 and 20,000,000")
    if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise NotSimulated(f"--days must be between {SHORTEST_DAYS} and {LONGEST_DAYS}")
    if not 0 <= seed < 1_000_000:
        raise NotSimulated("--seed must be between 0 and 999,999")
    now, locale = timezone.now(), get_cafe().locale
    today = today or local_date(now, locale)
    if today > local_date(now, locale):
        raise NotSimulated("--today lies in the future")
    end = local_day_bounds(today, locale.tz)[1] - timedelta(milliseconds=1)
    return Plan(customers, days, seed, today, min(now, end).astimezone(UTC), walk_ins)


def simulate(plan: Plan, progress: Progress = lambda line: None) -> Outcome:
    """Fill the current café with the guests and visits of ``plan``.

    Everything is one transaction; while it runs the café's tables are locked when the run is large.

    Raises:
        NotSimulated: the café has guests already.
        NoProfile: there is no menu for its country.
        TooManyGuests: there are not enough phone numbers.
    """
    started = time.monotonic()
    profile = profile_for(get_cafe().country)
    if Customer.objects.exists():
        raise NotSimulated("this café has guests already; simulate_cafe fills empty cafés only")
    with transaction.atomic():
        outcome = _Run(plan, profile, progress).all_phases()
    expire_points()  # of guests who did not come back since
    _settle(progress)
    return Outcome(*outcome, time.monotonic() - started)


class _Run:
    """The phases of one run and what they share."""

    def __init__(self, plan: Plan, profile: Profile, progress: Progress) -> None:
        cafe = get_cafe()
        self.plan, self.profile, self.progress = plan, profile, progress
        self.draws = Draws(plan.seed, zlib.crc32(cafe.schema_name.encode()) * 1000 + plan.seed % 1000)
        self.book: RuleBook = get_rule_book()
        self.locale = cafe.locale
        self.club_is_open = is_enabled("loyalty")

    def all_phases(self) -> tuple[int, int, int]:
        drop_staging()
        self._house()
        with ExitStack() as stack:
            stack.enter_context(without_triggers(load.AUDITED))
            if self.plan.customers >= REBUILD_FROM:
                stack.enter_context(self._rebuilt())
            self._stage_guests()
            self._stage_visits()
            counts = write_staged(
                self.draws,
                self.profile,
                self.book,
                self.house,
                self.locale.time_zone,
                self._phase,
            )
        with self._phase("segments") as count:
            analyze()
            count(refresh_base_segments())
        drop_staging()
        return (self.plan.customers, *counts)

    @contextmanager
    def _rebuilt(self) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
            cursor.execute("SET LOCAL max_parallel_maintenance_workers = 2")
        indexes = without_indexes(load.TABLES)
        with indexes:
            yield
            began = time.monotonic()
        self.progress(f"{'indexes':<12}{'':>24} {time.monotonic() - began:6.1f} s")

    @contextmanager
    def _phase(self, name: str) -> Iterator[Callable[[int], None]]:
        """Time a phase; the caller reports how many rows it wrote."""
        began, rows = time.monotonic(), 0

        def count(number: int) -> None:
            nonlocal rows
            rows += number

        yield count
        seconds = time.monotonic() - began
        self.progress(f"{name:<12}{rows:>12,} {rows / max(seconds, 0.001):>9,.0f}/s {seconds:6.1f} s")

    def _house(self) -> None:
        """What the café itself needs: outlets, menu, tags."""
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '64MB'")
            cursor.execute("SET LOCAL jit = off")
        outlets = list(Outlet.objects.filter(is_active=True).order_by("-is_default", "created_at"))
        if len(outlets) < 2:
            outlets.append(Outlet.objects.create(name=self.profile.second_outlet))
        users = User.objects.filter(is_active=True, role__in=("staff", "manager")).order_by("username")
        self.house = guests.House(
            outlets=tuple(str(outlet.pk) for outlet in outlets[:2]),
            staff=tuple(str(pk) for pk in users.values_list("pk", flat=True)),
            likes=tuple(dish.name for dish in favourites(self.profile.menu)),
        )
        self.item_ids = put_menu(self.profile)
        self.tag_ids = [str(Tag.objects.get_or_create(name=name)[0].pk) for name in self.profile.tags]

    def _stage_guests(self) -> None:
        plan, draws = self.plan, self.draws
        lookups.create_lookups()
        lookups.fill_days(build_days(plan.today, plan.days, self.locale))
        lookups.fill_names(self.profile)
        lookups.fill_baskets(self.profile, self.item_ids, plan.seed)
        with self._phase("guests") as count, connection.cursor() as cursor:
            cursor.execute("ANALYZE sim_arrival, sim_day, sim_first, sim_last, sim_basket, sim_traffic")
            cursor.execute(
                guests.create_guests(draws, count=plan.customers, days=plan.days, until_ms=plan.until_ms)
            )
            cursor.execute("CREATE INDEX ON sim_guest (n)")
            cursor.execute("ANALYZE sim_guest")
            cursor.execute(
                guests.insert_customers(draws, self.profile, self.house, count=plan.customers, days=plan.days)
            )
            count(cursor.rowcount)
            cursor.execute(guests.insert_tags(draws, self.tag_ids))

    def _stage_visits(self) -> None:
        plan = self.plan
        with self._phase("bills") as count, connection.cursor() as cursor:
            cursor.execute(visits.CREATE_VISITS)
            cursor.execute(
                visits.create_pass(
                    self.book,
                    redeem_step=self.profile.redeem_step,
                    club_is_open=self.club_is_open,
                    first_day=plan.today - timedelta(days=plan.days + 1),
                    last_day=plan.today,
                    zone=self.locale.time_zone,
                )
            )
            for first in range(1, plan.customers + 1, BATCH):
                last = min(first + BATCH - 1, plan.customers)
                query = visits.select_bills(
                    self.draws, self.profile, first=first, last=last, until_ms=plan.until_ms
                )
                cursor.execute(
                    "INSERT INTO sim_visit SELECT * FROM pg_temp.sim_pass($query$" + query + "$query$)"
                )
                count(cursor.rowcount)
            baskets = TASTES * len(DAYPARTS) * PER_GROUP
            if plan.walk_ins:
                cursor.execute(
                    visits.insert_walk_ins(
                        self.draws, self.profile, share=plan.walk_ins, baskets=baskets, until_ms=plan.until_ms
                    )
                )
                count(cursor.rowcount)


def put_menu(profile: Profile) -> dict[str, str]:
    """Give the café the profile's menu unless it has those dishes; returns their ids by name."""
    known = {item.name: item for item in MenuItem.objects.all()}
    for order, dish in enumerate(profile.menu):
        if dish.name not in known:
            known[dish.name] = MenuItem.objects.create(
                name=dish.name, category=dish.category, price=dish.price, display_order=order
            )
    return {dish.name: str(known[dish.name].pk) for dish in profile.menu}


def write_staged(
    draws: Draws,
    profile: Profile,
    book: RuleBook,
    house: guests.House,
    time_zone: str,
    phase: Phase,
) -> tuple[int, int]:
    """Write ``sim_visit`` of the guests in ``sim_guest``; returns the numbers of visits and ledger entries."""
    totals = []
    with connection.cursor() as cursor:
        with phase("sorting") as count:
            cursor.execute(visits.CREATE_STANDING)
            cursor.execute(visits.CREATE_SORTED)
            cursor.execute("DROP TABLE sim_visit CASCADE")
            cursor.execute("CREATE INDEX ON sim_standing (n)")
            cursor.execute("ANALYZE sim_standing, sim_sorted")
        statements = (
            ("visits", load.insert_visits(draws, profile, house)),
            ("ledger", load.insert_ledger(draws, book, house)),
            ("accounts", load.insert_accounts(book, time_zone)),
            ("tiers", load.insert_tier_changes(draws, book)),
            ("summaries", load.insert_summaries(book)),
        )
        for name, statement in statements:
            with phase(name) as count:
                cursor.execute(statement)
                count(cursor.rowcount)
                totals.append(cursor.rowcount)
    return totals[0], totals[1]


def drop_staging() -> None:
    """Drop the temporary tables; a test may run twice in one transaction."""
    names = [*lookups.TABLES, "sim_guest", "sim_visit", "sim_sorted", "sim_standing"]
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(f'pg_temp.{name}' for name in names)} CASCADE")


def analyze() -> None:
    """Refresh the planner's statistics of the tables just filled."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(load.TABLES)}")


def _settle(progress: Progress) -> None:
    """Vacuum after the commit, so that index-only scans work at once; not possible inside a transaction."""
    if connection.in_atomic_block:
        return
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(load.TABLES)}")
    progress(f"{'vacuum':<12}{'':>24} {time.monotonic() - began:6.1f} s")
