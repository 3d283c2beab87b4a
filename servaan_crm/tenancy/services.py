"""Provisioning of a café: its row, its domain, its schema and tables, its first contents."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.dispatch import Signal
from django.utils import timezone
from django_tenants.utils import schema_exists, tenant_context

from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.cloning import clone_schema, find_model_schema
from servaan_crm.tenancy.errors import CafeExists
from servaan_crm.tenancy.models import Cafe, Domain

# Rooms above put what a new café starts with (program, tiers, segments, outlet) in place.
cafe_created = Signal()

PRESETS: dict[str, dict[str, Any]] = {
    "IR": {
        "currency": "IRR", "show_toman": True, "calendar": "jalali", "language": "fa", "time_zone": "Asia/Tehran",
    },
    "IN": {
        "currency": "INR", "show_toman": False, "calendar": "gregorian", "language": "en",
        "time_zone": "Asia/Kolkata",
    },
    "BD": {
        "currency": "BDT", "show_toman": False, "calendar": "gregorian", "language": "en", "time_zone": "Asia/Dhaka",
    },
}  # fmt: skip


def create_cafe(
    *,
    slug: str,
    name: str,
    country: str = "IR",
    name_en: str = "",
    is_demo: bool = False,
    progress: Callable[[str], None] = lambda step: None,
    **overrides: Any,
) -> Cafe:
    """Create a café with its schema and return it.

    A run that was cut short is finished by calling it again; a café that is ready is refused.

    Args:
        slug: host label and schema name.
        country: "IR", "IN" or "BD"; sets currency, calendar, language and time zone.
        progress: called with the name of each step.
        overrides: single locale fields that differ from the country's preset.

    Raises:
        ValidationError: the slug or a locale field is not valid.
        CafeExists: a café with this slug is already in use.
    """
    cafe = _reserve(
        slug=slug, name=name, name_en=name_en, country=country, is_demo=is_demo, overrides=overrides
    )
    progress("tables")
    _create_tables(cafe.schema_name)
    progress("contents")
    with tenant_context(cafe), use_locale(cafe.locale), transaction.atomic():
        cafe_created.send(sender=Cafe, cafe=cafe)
    cafe.is_active = True
    cafe.provisioned_at = timezone.now()
    cafe.save(update_fields=["is_active", "provisioned_at"])
    progress("ready")
    return cafe


def _create_tables(schema: str) -> None:
    """Copy the structure of a café that is up to date; without one, or after half a run, migrate."""
    if not schema_exists(schema):
        model = find_model_schema()
        if model is not None:
            clone_schema(model, schema)
            return
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(schema)}")
    call_command("migrate_schemas", schema_name=schema, interactive=False, verbosity=0)


def _reserve(
    *, slug: str, name: str, name_en: str, country: str, is_demo: bool, overrides: dict[str, Any]
) -> Cafe:
    existing = Cafe.objects.filter(slug=slug).first()
    if existing is not None:
        if existing.provisioned_at:
            raise CafeExists(details={"slug": slug})
        return existing
    cafe = Cafe(
        slug=slug, schema_name=slug.replace("-", "_"), name=name, name_en=name_en, country=country,
        is_demo=is_demo, is_active=False, **{**PRESETS.get(country, {}), **overrides},
    )  # fmt: skip
    cafe.full_clean()
    try:
        with transaction.atomic():
            cafe.save()
            Domain.objects.create(domain=f"{slug}.{settings.BASE_DOMAIN}", tenant=cafe, is_primary=True)
    except IntegrityError:
        raise CafeExists(details={"slug": slug}) from None
    return cafe


def drop_cafe(cafe: Cafe) -> None:
    """Remove a café with all of its data. There is no way back but a backup."""
    connection.set_schema_to_public()
    schema = connection.ops.quote_name(cafe.schema_name)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    cafe.delete()
