"""How many guests criteria would find, and a few of them, while somebody is still writing them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import OperationalError, connection, transaction

from customers.models import Customer
from customers.selectors.counts import count_all_guests
from segments.language import new_plan, read_criteria
from segments.language.compiler import fetch
from segments.language.plan import GUEST, Plan
from segments.language.sql import Sql, sql, value
from segments.language.tree import condition
from segments.models import Segment
from segments.selectors.segments import limited

# Above this many cost units of the planner (a page read in order is one) the exact count is not tried.
MOST_COST = 400_000
EXACT_TIMEOUT_MS = 600
ESTIMATE_TIMEOUT_MS = 1500
SAMPLED_GUESTS = 3000
DEFAULT_SAMPLE, MOST_SAMPLE = 5, 20


@dataclass(frozen=True, slots=True)
class Preview:
    """A count, exact or estimated from a sample of the book, and some of the guests."""

    count: int
    is_estimate: bool
    sample: list[Customer]


def preview(criteria: Any, *, sample: int = DEFAULT_SAMPLE, key: str = "") -> Preview:
    """Count the guests that match ``criteria``.

    The exact count is given up when the planner expects it to be long, or when it is; then some thousand guests from
    random pages are judged and their share is taken for that of all.

    Args:
        sample: how many guests to return.
        key: the segment being edited, so that it cannot contain itself.

    Raises InvalidCriteria.
    """
    plan = new_plan()
    others = {one.key: one for one in Segment.objects.all()}
    test = condition(read_criteria(criteria, plan, segments=others, key=key))
    total = count_all_guests()
    found = _exact(plan, test, sample)
    is_estimate = found is None
    count, guests = found if found is not None else _estimate(plan, test, sample, total)
    rows = Customer.objects.filter(pk__in=guests, deleted_at=None).select_related("summary")
    by_id = {row.pk: row for row in rows}
    return Preview(count, is_estimate, [by_id[pk] for pk in guests if pk in by_id])


def _exact(plan: Plan, test: Sql, sample: int) -> tuple[int, list[UUID]] | None:
    query = sql(
        f"WITH found AS MATERIALIZED (SELECT {GUEST}.id FROM {{}} AND {{}})"
        " SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found LIMIT {})",
        plan.source(),
        test,
        value(sample),
    )
    if _cost(query) > MOST_COST:
        return None
    try:
        with transaction.atomic(), limited(EXACT_TIMEOUT_MS):
            count, guests = fetch(query)[0]
    except OperationalError:
        return None
    return int(count), list(guests)


def _cost(query: Sql) -> float:
    rows = fetch(Sql("EXPLAIN (FORMAT JSON) " + query.text, query.params))
    plan = rows[0][0] if isinstance(rows[0][0], list) else json.loads(rows[0][0])
    return float(plan[0]["Plan"]["Total Cost"])


def _estimate(plan: Plan, test: Sql, sample: int, total: int) -> tuple[int, list[UUID]]:
    """Judge guests from random pages of the table. Nothing when even that takes too long: the count is then total."""
    percent = min(100.0, 100.0 * SAMPLED_GUESTS / max(total, 1))
    try:
        with transaction.atomic(), limited(ESTIMATE_TIMEOUT_MS), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM {GUEST} TABLESAMPLE SYSTEM (%s) WHERE deleted_at IS NULL", [percent]
            )
            judged = [row[0] for row in cursor.fetchall()]
            query = sql(f"SELECT {GUEST}.id FROM {{}} AND {{}}", plan.source(judged), test)
            hits = [row[0] for row in fetch(query)] if judged else []
    except OperationalError:
        return total, []
    return round(total * len(hits) / max(len(judged), 1)), hits[:sample]
