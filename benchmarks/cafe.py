"""The café that is measured: simulated, warm, with somebody logged in."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.utils import Error
from django.test import Client
from django_tenants.utils import tenant_context

from checkout.simulation.run import make_plan, simulate
from customers.models import Customer
from servaan_crm.accounts.authentication import issue_tokens
from servaan_crm.accounts.models import Outlet, User
from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import create_cafe, drop_cafe

DAYS, SEED = 400, 1
PHONES = 3000
TABLES = (
    "customers_customer",
    "customers_customersummary",
    "customers_visit",
    "loyalty_loyaltyaccount",
    "loyalty_ledgerentry",
    "core_event",
)


class BenchRefusal(RuntimeError):
    """The benchmark cannot run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the measuring processes need to know about the café."""

    schema: str
    host: str
    token: str
    session: str
    user_id: UUID
    outlet_id: UUID
    phones: tuple[str, ...]


def prepare(guests: int, say: Callable[[str], None]) -> Subject:
    """Create (or take again) the café ``bench`` with ``guests`` guests, warm it, and log a manager in.

    Raises:
        BenchRefusal: a real café has that address.
    """
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    cafe = _cafe(guests, say)
    call_command("migrate_schemas", schema_name=cafe.schema_name, interactive=False, verbosity=0)
    with tenant_context(cafe), use_locale(cafe.locale):
        manager = User.objects.get(username="manager")
        if not Customer.objects.exists():
            simulate(make_plan(customers=guests, days=DAYS, seed=SEED), say)
        warm(say)
        everyone = Customer.objects.filter(status="active").order_by("pk").values_list("phone", flat=True)
        step = max(1, guests // PHONES)
        phones = list(everyone[:guests:step][:PHONES] if guests > PHONES else everyone)
        random.Random(SEED).shuffle(phones)
        host = f"{cafe.slug}.{settings.BASE_DOMAIN}"
        browser = Client(SERVER_NAME=host)
        browser.force_login(manager)
        return Subject(
            schema=cafe.schema_name,
            host=host,
            token=issue_tokens(manager)["access"],
            session=browser.cookies[settings.SESSION_COOKIE_NAME].value,
            user_id=manager.pk,
            outlet_id=Outlet.objects.get(is_default=True).pk,
            phones=tuple(phones),
        )


def _cafe(guests: int, say: Callable[[str], None]) -> Cafe:
    cafe = Cafe.objects.filter(slug="bench").first()
    if cafe is not None:
        made_for = cafe.settings.get("benchmark_guests")
        if made_for is None:
            raise BenchRefusal("there is a café called bench that no benchmark made; use another database")
        if made_for == guests:
            return cafe
        drop_cafe(cafe)
    say(f"simulating {guests:,} guests over {DAYS} days")
    cafe = create_cafe(slug="bench", name="کافه سنجش")
    cafe.settings = {"benchmark_guests": guests}
    cafe.save(update_fields=["settings"])
    with tenant_context(cafe):
        User.objects.create(username="manager", password="!", role="manager", name="Manager")
    return cafe


def warm(say: Callable[[str], None]) -> None:
    """Read tables and indexes into memory and write the dirty pages back: cold data is another machine."""
    with connection.cursor() as cursor:
        try:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm WITH SCHEMA public")
            cursor.execute(
                "SELECT sum(public.pg_prewarm(c.oid)) FROM pg_class c"
                " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'i')"
            )
        except Error:
            say("pg_prewarm is not available: tables are read by scans instead")
            for table in TABLES:
                cursor.execute(f"SELECT count(*) FROM {table}")
        try:
            cursor.execute("CHECKPOINT")
        except Error:
            say("no right to CHECKPOINT: the first figures may pay for writing dirty pages back")


def durability() -> dict[str, str]:
    """Return the settings that make a commit durable, for the report."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    with connection.cursor() as cursor:
        found = {}
        for name in names:
            cursor.execute(f"SHOW {name}")
            found[name] = cursor.fetchone()[0]
    return found
