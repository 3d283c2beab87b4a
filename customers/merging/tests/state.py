"""What can be seen of two guests, as bytes, to compare before a merge with after its undoing."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection

from customers.merging.tests.test_registry import references
from servaan_crm.core.responses import render

# Rows that only grow, or that say that a merge happened.
GROWING = {
    "loyalty_ledgerentry", "loyalty_stampentry", "customers_consentchange", "customers_mergerecord",
    "segments_segmentchange", "segments_rfmmove",
}  # fmt: skip
# Scores that every night works out anew; the tests of segments look at them.
WORKED_OUT = {"segments_rfmscore"}
# Columns that count changes rather than hold something of the guest. An account exists once points moved.
COUNTERS = {"updated_at", "version", "updated_by_id", "last_sequence"}


def state_of(cast: Any, *ids: UUID) -> str:
    """Return all rows that name one of the guests and all answers of the API about them, as text."""
    tables = {table: _rows(table, column, ids) for table, column in sorted(_columns())}
    guests = _rows("customers_customer", "id", ids)
    return json.dumps({"tables": tables, "guests": guests, "api": [_api(cast, pk) for pk in ids]}, indent=1)


def _columns() -> set[tuple[str, str]]:
    found = set()
    for reference in references():
        label, field = reference.rsplit(".", 1)
        model = apps.get_model(label)
        if model._meta.db_table not in GROWING | WORKED_OUT:
            found.add((model._meta.db_table, model._meta.get_field(field).column))
    return found


def _rows(table: str, column: str, ids: tuple[UUID, ...]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE {column} = ANY(%s) ORDER BY 1", [list(ids)]
        )
        rows = [json.loads(row[0]) for row in cursor.fetchall()]
    kept = [{key: value for key, value in row.items() if key not in COUNTERS} for row in rows]
    if table == "loyalty_loyaltyaccount":
        kept = [row for row in kept if row["points_earned_total"] or row["points_redeemed_total"]]
        kept = [{key: value for key, value in row.items() if key != "created_at"} for row in kept]
    return sorted(kept, key=lambda row: json.dumps(row, sort_keys=True))


def _api(cast: Any, customer_id: UUID) -> list[Any]:
    client = cast.api("owner")
    base = f"/api/crm/customers/{customer_id}"
    answers = []
    for path in ("", "/visits?limit=100", "/loyalty"):
        answer = client.get(base + path)
        text = render(answer.data["data"]) if answer.status_code == 200 else str(answer.status_code)
        answers.append(_without_counters(json.loads(text) if text.startswith("{") else text))
    return answers


def _without_counters(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_counters(inner) for key, inner in value.items() if key != "updated_at"}
    if isinstance(value, list):
        return [_without_counters(inner) for inner in value]
    return value
