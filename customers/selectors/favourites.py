"""What guests order: items and categories, counted in the bills by SQL for one guest or a page of them.

A thing is preferred by the number of bills it is on, then by its quantity, then by how lately it was ordered:
ten cakes for one party are no habit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.utils import timezone

from servaan_crm.l10n.jalali import add_months, local_date, local_day_bounds
from servaan_crm.l10n.locale import get_locale

TOP = 5
TOP_CATEGORIES = 3
RECENT_MONTHS = 12

# One pass over the bills of these guests: what = the column that is counted.
_QUERY = """
WITH lines AS (
    SELECT v.customer_id, v.id AS visit_id, v.visit_date, trim(line.{what}) AS thing,
           coalesce(line.quantity, 1) AS quantity, coalesce(line.total_price, 0) AS amount
      FROM customers_visit v
     CROSS JOIN LATERAL jsonb_to_recordset(v.items)
           AS line(name text, category text, quantity numeric, total_price numeric)
     WHERE v.customer_id = ANY(%(customers)s) AND v.voided_at IS NULL
), things AS (
    SELECT customer_id, thing, count(DISTINCT visit_id) AS visits,
           count(DISTINCT visit_id) FILTER (WHERE visit_date >= %(since)s) AS recent_visits,
           sum(quantity) AS quantity,
           coalesce(sum(quantity) FILTER (WHERE visit_date >= %(since)s), 0) AS recent_quantity,
           sum(amount) AS spent, max(visit_date) AS last_at
      FROM lines WHERE thing <> '' GROUP BY customer_id, thing
), ranked AS (
    SELECT *, row_number() OVER lifetime AS place, row_number() OVER lately AS recent_place
      FROM things
    WINDOW lifetime AS (PARTITION BY customer_id ORDER BY visits DESC, quantity DESC, last_at DESC, thing),
           lately AS (PARTITION BY customer_id
                      ORDER BY recent_visits DESC, recent_quantity DESC, last_at DESC, thing)
)
SELECT customer_id, thing, visits, recent_visits, quantity, recent_quantity, spent, last_at, place, recent_place
  FROM ranked WHERE place <= %(most)s OR recent_place <= %(most)s
 ORDER BY customer_id, place
"""


@dataclass(frozen=True, slots=True)
class Favourite:
    """An item or a category: on how many bills, how many pieces, what it cost in all (base unit), when last."""

    name: str
    visits: int
    quantity: Decimal
    spent: Decimal
    last_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Favourites:
    """Best first. ``recent`` counts the bills of the last twelve months of the café's calendar."""

    recent: tuple[Favourite, ...] = ()
    lifetime: tuple[Favourite, ...] = ()

    @property
    def names(self) -> list[str]:
        """What the guest prefers now: by the last twelve months, or by all bills when there were none lately."""
        return [thing.name for thing in self.recent or self.lifetime]


def favourite_items(customers: Iterable[UUID], most: int = TOP) -> dict[UUID, Favourites]:
    """Return the up to ``most`` items each guest orders most, by the name on the bill; one query."""
    return _favourites("name", customers, most)


def favourite_categories(customers: Iterable[UUID], most: int = TOP_CATEGORIES) -> dict[UUID, Favourites]:
    """Return the up to ``most`` categories each guest orders from most; one query. Items without one are left out."""
    return _favourites("category", customers, most)


def recent_since() -> dt.datetime:
    """Return the instant from which a bill is one of the last twelve months, in the café's calendar."""
    first = add_months(local_date(timezone.now()), -RECENT_MONTHS)
    return local_day_bounds(first, get_locale().tz)[0]


def _favourites(what: str, customers: Iterable[UUID], most: int) -> dict[UUID, Favourites]:
    ids = list(customers)
    if not ids:
        return {}
    with connection.cursor() as cursor:
        query = _QUERY.format(what=what)  # one of two column names written above, never input
        cursor.execute(query, {"customers": ids, "since": recent_since(), "most": most})
        rows = cursor.fetchall()
    found: dict[UUID, tuple[list[tuple[int, Favourite]], list[Favourite]]] = {}
    for customer_id, name, visits, lately, quantity, quantity_lately, spent, last_at, place, recent in rows:
        recents, lifetime = found.setdefault(customer_id, ([], []))
        if place <= most:
            lifetime.append(Favourite(name, visits, quantity, spent, last_at))
        if recent <= most and lately:
            recents.append((recent, Favourite(name, lately, quantity_lately, spent, last_at)))
    return {
        customer_id: Favourites(
            tuple(thing for _place, thing in sorted(recents, key=lambda pair: pair[0])), tuple(lifetime)
        )
        for customer_id, (recents, lifetime) in found.items()
    }
