"""``manage.py verify_ledger``: check the books of one café or of all of them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django_tenants.utils import tenant_context

from loyalty.models import LedgerEntry, LoyaltyAccount
from loyalty.selectors.verify import find_wrong_accounts
from servaan_crm.tenancy.models import Cafe

SHOWN = 100


class Command(BaseCommand):
    help = "Prove that every balance is what its ledger sums up to; list the wrong ones and fail if there are any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--schema", help="one café (default: all that are ready)")

    def handle(self, *args: Any, **options: Any) -> None:
        cafes = Cafe.objects.filter(provisioned_at__isnull=False).order_by("schema_name")
        if options["schema"]:
            cafes = cafes.filter(schema_name=options["schema"])
            if not cafes:
                raise CommandError(f"there is no café with the schema {options['schema']}")
        wrong = sum(self._verify(cafe) for cafe in cafes)
        if wrong:
            raise CommandError(f"wrong accounts: {wrong:,}", returncode=1)

    def _verify(self, cafe: Cafe) -> int:
        """Check one café, list up to ``SHOWN`` wrong accounts; returns how many there are."""
        with tenant_context(cafe):
            found = 0
            for found, account in enumerate(find_wrong_accounts(), 1):
                if found <= SHOWN:
                    self.stderr.write(
                        f"{cafe.schema_name} {account.customer_id}: {', '.join(account.faults)}"
                    )
            accounts, entries = LoyaltyAccount.objects.count(), LedgerEntry.objects.count()
        verdict = f"{found:,} wrong" if found else "all right"
        self.stdout.write(f"{cafe.schema_name}: {accounts:,} accounts, {entries:,} ledger entries, {verdict}")
        return found
