"""``manage.py simulate_cafe``: fill an empty café with a believable past."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django_tenants.utils import tenant_context

from checkout.simulation.guests import TooManyGuests
from checkout.simulation.profiles import NoProfile
from checkout.simulation.run import NotSimulated, make_plan, simulate
from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.models import Cafe


class Command(BaseCommand):
    help = "Fill an empty café with simulated guests and visits. Nobody is written to and nothing is sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--schema", default="demo", help="schema of the café (default: demo)")
        parser.add_argument("--customers", type=int, default=2000)
        parser.add_argument("--days", type=int, default=400, help="length of the past in days")
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same past")
        parser.add_argument(
            "--today", type=date.fromisoformat, help="last day (default: today), as 2025-11-20"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        cafe = Cafe.objects.filter(schema_name=options["schema"]).first()
        if cafe is None:
            raise CommandError(f"there is no café with the schema {options['schema']}; see create_cafe")
        numbers = {name: options[name] for name in ("customers", "days", "seed", "today")}
        with tenant_context(cafe), use_locale(cafe.locale):
            try:
                outcome = simulate(make_plan(**numbers), progress=self.stdout.write)
            except (NotSimulated, NoProfile, TooManyGuests) as error:
                raise CommandError(str(error)) from None
        self.stdout.write(
            self.style.SUCCESS(
                f"{cafe.name}: {outcome.customers:,} guests, {outcome.visits:,} visits, "
                f"{outcome.entries:,} ledger entries in {outcome.seconds:.1f} s"
            )
        )
