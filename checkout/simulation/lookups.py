"""Small temporary tables the set-based statements join: days, names, bills."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from checkout.simulation.baskets import Basket, build_baskets
from checkout.simulation.calendar import Day, arrival_days
from checkout.simulation.profiles import Name, Profile

TABLES = {
    "sim_day": "number int, start_ms bigint, weight float8, minutes int2[]",
    "sim_arrival": "i int, day int",
    "sim_traffic": "i int, day int",
    "sim_first": "gender text, i int, name text, latin text",
    "sim_last": "i int, name text, latin text",
    "sim_basket": "id int, total bigint, item_count int, items jsonb",
}


def copy_rows(table: str, rows: Iterable[Sequence[Any]]) -> int:
    """Stream ``rows`` into ``table`` and return how many there were."""
    count = 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for count, row in enumerate(rows, 1):  # noqa: B007
            copy.write_row(row)
    return count


def create_lookups() -> None:
    """Create the lookup tables, empty."""
    with connection.cursor() as cursor:
        for table, columns in TABLES.items():
            cursor.execute(f"CREATE TEMP TABLE {table} ({columns}) ON COMMIT DROP")


def fill_days(days: Sequence[Day]) -> None:
    """Fill the calendar and the quantiles of first visits and of walk-ins."""
    copy_rows("sim_day", ((day.number, day.start_ms, day.weight, list(day.minutes)) for day in days))
    copy_rows("sim_arrival", enumerate(arrival_days(list(days))))
    copy_rows("sim_traffic", enumerate(arrival_days(list(days), growth=-0.5)))


def fill_names(profile: Profile) -> None:
    """Fill first and last names, most common first."""

    def rows(gender: str, names: Sequence[Name]) -> Iterable[tuple[str, int, str, str]]:
        return ((gender, index, name.text, name.latin) for index, name in enumerate(names))

    copy_rows("sim_first", [*rows("female", profile.female), *rows("male", profile.male)])
    copy_rows("sim_last", (row[1:] for row in rows("", profile.last)))


def fill_baskets(profile: Profile, item_ids: dict[str, str], seed: int) -> None:
    """Fill the bills guests draw from."""
    put_baskets(build_baskets(profile.menu, item_ids, random.Random(seed)))


def put_baskets(baskets: Sequence[Basket]) -> None:
    """Fill ``baskets``, numbered from 0."""
    copy_rows(
        "sim_basket",
        ((index, basket.total, basket.item_count, basket.items_json) for index, basket in enumerate(baskets)),
    )
