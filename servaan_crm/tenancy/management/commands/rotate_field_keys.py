"""Encrypt every secret of every café anew with the first key of ``SERVAAN_FIELD_KEYS``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django_tenants.utils import get_public_schema_name, schema_context

from servaan_crm.core.crypto import DecryptionError, EncryptedTextField, rotate
from servaan_crm.tenancy.models import Cafe

BATCH = 500


class Command(BaseCommand):
    """Put the new key first, keep the old one behind it, run this, then take the old one out."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through all schemas; a secret that no key opens stops the work and is named by its row."""
        schemas = [get_public_schema_name(), *Cafe.objects.values_list("schema_name", flat=True)]
        total = 0
        for schema in dict.fromkeys(schemas):
            with schema_context(schema):
                present = set(connection.introspection.table_names())
                for table, key, column in encrypted_columns():
                    if table in present:
                        total += _rotate(schema, table, key, column)
        self.stdout.write(f"{total} secrets are encrypted with the first key.")


def encrypted_columns() -> Iterator[tuple[str, str, str]]:
    """(table, key column, column) of every encrypted field there is."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField):
                yield model._meta.db_table, str(model._meta.pk.column), str(field.column)


def _rotate(schema: str, table: str, key: str, column: str) -> int:
    quote = connection.ops.quote_name
    select = f"SELECT {quote(key)}, {quote(column)} FROM {quote(table)} WHERE {quote(column)} <> '' AND {quote(key)}"
    # A secret that somebody changes meanwhile is new already: the old text no longer matches.
    update = (
        f"UPDATE {quote(table)} SET {quote(column)} = %s WHERE {quote(key)} = %s AND {quote(column)} = %s"
    )
    done = 0
    last: Any = None
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            where = " IS NOT NULL" if last is None else " > %s"
            params = [] if last is None else [last]
            cursor.execute(f"{select}{where} ORDER BY {quote(key)} LIMIT {BATCH}", params)
            rows = cursor.fetchall()
            for row_key, secret in rows:
                try:
                    cursor.execute(update, [rotate(secret), row_key, secret])
                except DecryptionError as error:
                    raise CommandError(f"{schema}.{table} {row_key} {column}: {error}") from None
        if not rows:
            return done
        done, last = done + len(rows), rows[-1][0]
