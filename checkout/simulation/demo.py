"""The demonstration cafés, their people, and what they are filled with."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.contrib.auth.hashers import make_password
from django_tenants.utils import get_public_schema_name, schema_context, tenant_context

from checkout.simulation.calls import tell_calls
from checkout.simulation.campaigns import tell_campaigns
from checkout.simulation.club import know_guests, offer_things
from checkout.simulation.history import fill_servaan
from checkout.simulation.run import make_plan, simulate
from customers.models import Customer
from loyalty.models import LoyaltyProgram
from loyalty.services import update_program
from servaan_crm.accounts.models import Outlet, User
from servaan_crm.core.actors import system
from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import create_cafe

PASSWORD = "servaan-demo"
Progress = Callable[[str], None]


class NotADemo(ValueError):
    """A real café has a demo café's address: it gets no users with a published password."""


@dataclass(frozen=True, slots=True)
class DemoCafe:
    """One café: ``people`` maps user names (which are roles as well) to full names."""

    slug: str
    name: str
    name_en: str
    country: str
    main_outlet: str
    people: dict[str, str]
    fill: Callable[[Progress], None]


def _fill_demo(progress: Progress) -> None:
    simulate(make_plan(customers=2000, days=400, seed=1), progress)
    offer_things()
    tell_campaigns()
    tell_calls()


def _fill_servaan(progress: Progress) -> None:
    progress(f"{fill_servaan()} visits of the five printed guests")


def _fill_dombivli(progress: Progress) -> None:
    # With the preset of a point per 100 rupees nobody drinks enough filter coffee to leave the first tier.
    if LoyaltyProgram.objects.filter(version=1).exists():
        changes = {"amount_per_point": Decimal(5), "point_value": Decimal("0.25")}
        update_program(actor=system("demo"), changes=changes)
    simulate(make_plan(customers=300, days=400, seed=7), progress)
    know_guests()
    tell_campaigns()
    tell_calls()


CAFES = (
    DemoCafe(
        "demo", "کافه نارنجستان", "Narenjestan Café", "IR", "شعبهٔ مرکزی",
        {"owner": "مهسا راد", "manager": "آرش کیانی", "staff": "نگار سپهری", "agent": "سارا امینی"}, _fill_demo,
    ),
    DemoCafe(
        "servaan", "کافه سروان", "Servaan Café", "IR", "شعبهٔ اصلی",
        {"owner": "رضا سروانی", "manager": "لیلا فرهادی", "staff": "پویا رستمی", "agent": "نسیم شریفی"}, _fill_servaan,
    ),
    DemoCafe(
        "dombivli", "Dombivli Filter Coffee", "Dombivli Filter Coffee", "IN", "Phadke Road",
        {"owner": "Meera Iyer", "manager": "Nilesh Patil", "staff": "Sneha Kulkarni", "agent": "Rohan Deshmukh"},
        _fill_dombivli,
    ),
)  # fmt: skip


def create_demo(progress: Progress = lambda line: None) -> None:
    """Create what is missing of the demonstration; what is there stays as it is.

    Raises:
        NotADemo: a café that is no demonstration has one of the addresses.
    """
    password = make_password(PASSWORD)
    for spec in CAFES:
        with schema_context(get_public_schema_name()):
            cafe = _cafe(spec, progress)
        with tenant_context(cafe), use_locale(cafe.locale):
            _people(spec, password)
            if not Customer.objects.exists():
                spec.fill(partial(_report, progress, spec.slug))
    with schema_context(get_public_schema_name()):
        _user("owner", password, role="owner", name="Servaan")


def _report(progress: Progress, slug: str, line: str) -> None:
    progress(f"{slug}: {line}")


def _cafe(spec: DemoCafe, progress: Progress) -> Cafe:
    existing = Cafe.objects.filter(slug=spec.slug).first()
    if existing is not None and not existing.is_demo:
        raise NotADemo(
            f"the café {spec.slug} is not a demonstration; it gets no users with a published password"
        )
    if existing is not None and existing.provisioned_at:
        return existing
    progress(f"{spec.slug}: creating the café")
    return create_cafe(
        slug=spec.slug, name=spec.name, name_en=spec.name_en, country=spec.country, is_demo=True
    )


def _people(spec: DemoCafe, password: str) -> None:
    """Add the users that are missing; the first time, the outlet gets its name as well."""
    if not User.objects.exists():
        Outlet.objects.filter(is_default=True).update(name=spec.main_outlet)
    for username, name in spec.people.items():
        _user(username, password, role=username, name=name)


def _user(username: str, password: str, *, role: str, name: str) -> None:
    if not User.objects.filter(username=username).exists():
        User.objects.create(username=username, password=password, role=role, name=name)
