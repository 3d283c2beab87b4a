"""``manage.py create_cafe``: provision one café."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from servaan_crm.core.errors import DomainError
from servaan_crm.tenancy.services import PRESETS, create_cafe


class Command(BaseCommand):
    help = "Create a café: its schema, tables, domain and starting contents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="host label, e.g. naranj for naranj.<base domain>")
        parser.add_argument("name", help="name shown to people")
        parser.add_argument("--name-en", default="", help="name in Latin letters")
        parser.add_argument("--country", choices=sorted(PRESETS), default="IR")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cafe = create_cafe(
                slug=options["slug"],
                name=options["name"],
                name_en=options["name_en"],
                country=options["country"],
                progress=lambda step: self.stdout.write(f"  {step}"),
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        except DomainError as error:
            raise CommandError(error.text("en")) from None
        self.stdout.write(self.style.SUCCESS(f"{cafe.name}: schema {cafe.schema_name}"))
        self.stdout.write(
            f"Add its owner: manage.py tenant_command createsuperuser --schema={cafe.schema_name}"
        )
