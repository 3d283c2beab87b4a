"""``INSERT … SELECT`` for a model: columns of later versions get their model's default."""

from typing import Any

from django.db import connection, models
from psycopg import sql


def insert_select(model: type[models.Model], columns: dict[str, str], source: str) -> str:
    """Return the statement that fills ``model`` with the expressions of ``columns`` from ``source``.

    source: everything from FROM on. A column that is not named gets the default of its field, so a field added
    to the model does not break the simulation.
    """
    values = dict(columns)
    for field in model._meta.concrete_fields:
        name = str(field.column)
        if name not in values and not field.generated and not isinstance(field, models.AutoField):
            values[name] = _literal(field)
    names = ", ".join(connection.ops.quote_name(name) for name in values)
    return f"INSERT INTO {model._meta.db_table} ({names})\nSELECT {', '.join(values.values())}\n{source}"


def _literal(field: "models.Field[Any, Any]") -> str:
    value = field.get_db_prep_save(field.get_default(), connection)
    connection.ensure_connection()
    return sql.Literal(value).as_string(connection.connection)


def sql_array(values: tuple[str, ...]) -> str:
    """Return an SQL array of texts."""
    return "ARRAY[" + ", ".join(sql.Literal(value).as_string(None) for value in values) + "]"


def at(ms: str) -> str:
    """Return the timestamp of ``ms`` milliseconds since 1970."""
    return f"to_timestamp({ms} / 1000.0)"
