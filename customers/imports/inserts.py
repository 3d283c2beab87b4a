"""``INSERT … SELECT`` for a model: what is not named gets the default of its field."""

from __future__ import annotations

from typing import Any

from django.db import connection, models
from psycopg import sql


def insert_select(model: type[models.Model], columns: dict[str, str]) -> sql.Composed:
    """Return ``INSERT INTO … (…) SELECT …`` that fills ``model`` with SQL expressions (column → expression).

    A column of a later version gets its field's default, so it does not break the import. The caller adds FROM.
    """
    values = {name: sql.SQL(expression) for name, expression in columns.items()}
    for field in model._meta.concrete_fields:
        name = str(field.column)
        if name not in values and not field.generated and not isinstance(field, models.AutoField):
            values[name] = _default(field)
    return sql.SQL("INSERT INTO {} ({}) SELECT {}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(values.values()),
    )


def _default(field: models.Field[Any, Any]) -> Any:
    value = field.get_db_prep_save(field.get_default(), connection)
    return sql.Literal(value)
