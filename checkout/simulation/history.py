"""Writing given bills of given guests as history: numbered, with points, tiers and ledger by the rules."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from checkout.simulation import lookups, visits
from checkout.simulation.draws import Draws
from checkout.simulation.guests import House
from checkout.simulation.profiles import profile_for
from checkout.simulation.run import analyze, drop_staging, put_menu, write_staged
from checkout.simulation.servaan import GUESTS, Bill, solve
from customers.models import Customer, CustomerSummary
from customers.services import create_customer
from loyalty.selectors import get_rule_book
from segments.services import refresh_base_segments
from servaan_crm.accounts.models import Outlet, User
from servaan_crm.core.actors import system
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.jalali import local_date
from servaan_crm.tenancy.current import get_cafe


def fill_servaan() -> int:
    """Fill the current café with the guests of the tenant specification; returns how many visits they have.

    Nothing happens when the café has guests. One transaction.

    Raises:
        NoSolution: the café's program is too far from the default.
    """
    if Customer.objects.exists():
        return 0
    locale = get_cafe().locale
    with transaction.atomic():
        book, item_ids = get_rule_book(), put_menu(profile_for(locale.country))
        today = local_date(timezone.now(), locale)
        actor = system("demo")
        history = []
        for guest in GUESTS:
            customer = create_customer(actor=actor, phone=guest.phone, name=guest.name, **guest.fields)
            history.append((customer.pk, solve(guest, book, item_ids, today, locale)))
        return write_history(history)


def write_history(history: Sequence[tuple[UUID, Sequence[Bill]]]) -> int:
    """Write the bills of guests that have none yet, oldest first; returns the number of visits.

    No event is published: history sends no messages. The caller's transaction.
    """
    cafe, book = get_cafe(), get_rule_book()
    profile = profile_for(cafe.country)
    draws = Draws(1, zlib.crc32(cafe.schema_name.encode()))
    outlets = Outlet.objects.order_by("-is_default").values_list("pk", flat=True)[:1]
    users = User.objects.filter(is_active=True, role="staff").order_by("username")
    house = House(outlets=tuple(map(str, outlets)), staff=tuple(map(str, users.values_list("pk", flat=True))))
    _stage(history)
    with connection.cursor() as cursor:
        cursor.execute(visits.CREATE_VISITS)
        days = [local_date(bill.at, cafe.locale) for _, bills in history for bill in bills]
        cursor.execute(
            visits.create_pass(
                book,
                redeem_step=profile.redeem_step,
                club_is_open=is_enabled("loyalty"),
                first_day=min(days, default=local_date(timezone.now(), cafe.locale)),
                last_day=max(days, default=local_date(timezone.now(), cafe.locale)),
                zone=cafe.time_zone,
            )
        )
        cursor.execute(
            "INSERT INTO sim_visit SELECT * FROM pg_temp.sim_pass('SELECT * FROM sim_bill ORDER BY n, ms')"
        )
        cursor.execute("DROP TABLE sim_bill")
    CustomerSummary.objects.filter(pk__in=[customer_id for customer_id, _ in history]).delete()
    written, _ = write_staged(draws, profile, book, house, cafe.time_zone, _quiet)
    analyze()
    refresh_base_segments()
    drop_staging()
    return written


def _stage(history: Sequence[tuple[UUID, Sequence[Bill]]]) -> None:
    drop_staging()
    lookups.create_lookups()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE sim_guest (n bigint, id uuid) ON COMMIT DROP")
        cursor.execute(
            "CREATE TEMP TABLE sim_bill (n bigint, customer uuid, key bigint, ms bigint, basket int,"
            " first_outlet boolean, total bigint, discount bigint, wish int) ON COMMIT DROP"
        )
    lookups.copy_rows("sim_guest", ((n, customer_id) for n, (customer_id, _) in enumerate(history, 1)))
    bills = [(n, customer_id, bill) for n, (customer_id, bills) in enumerate(history, 1) for bill in bills]
    lookups.put_baskets([bill.basket for _, _, bill in bills])
    lookups.copy_rows(
        "sim_bill",
        (
            (n, who, place, int(bill.at.timestamp() * 1000), place, True, bill.basket.total, bill.discount, bill.redeem)
            for place, (n, who, bill) in enumerate(bills)
        ),
    )  # fmt: skip


@contextmanager
def _quiet(_name: str) -> Iterator[Callable[[int], None]]:
    yield lambda _rows: None
