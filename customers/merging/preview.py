"""What a merge would do, before anybody does it. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from customers.errors import CustomerNotFound
from customers.merging.fields import FieldResult, combine
from customers.merging.registry import Outcome, Part, movers
from customers.merging.services import check_pair, check_two, undo_problem
from customers.models import Customer, MergeRecord


@dataclass(frozen=True, slots=True)
class Preview:
    """Both guests, each field of the result, what moves, and what the kept guest will have."""

    kept: Customer
    merged: Customer
    fields: list[FieldResult]
    parts: list[Part]
    outcome: Outcome


def preview_merge(*, kept_id: UUID, merged_id: UUID, choices: Mapping[str, str] | None = None) -> Preview:
    """Return what ``merge_customers`` with the same arguments would do.

    Raises the same refusals.
    """
    check_two(kept_id, merged_id)
    found = (
        Customer.objects.select_related("summary", "outlet")
        .prefetch_related("tags")
        .in_bulk([kept_id, merged_id])
    )
    for customer_id in (kept_id, merged_id):
        if customer_id not in found:
            raise CustomerNotFound(details={"customer_id": str(customer_id)})
    kept, merged = found[kept_id], found[merged_id]
    check_pair(kept, merged)
    outcome = Outcome()
    parts: list[Part] = []
    for mover in movers():
        parts += mover.parts(merged_id)
        mover.foresee(kept, merged, outcome)
    return Preview(kept, merged, combine(kept, merged, choices), parts, outcome)


@dataclass(frozen=True, slots=True)
class PastMerge:
    """A merge that was made; ``problem`` says why it cannot be taken back, "" when it can."""

    record: MergeRecord
    problem: str


def recent_merges(*, customer_id: UUID | None = None, limit: int = 5) -> list[PastMerge]:
    """Return the newest merges that stand, of one kept guest or of all."""
    rows = MergeRecord.objects.filter(undone_at=None).select_related("kept", "merged")
    if customer_id is not None:
        rows = rows.filter(kept_id=customer_id)
    return [
        PastMerge(record, str(undo_problem(record, record.kept, record.merged) or ""))
        for record in rows.order_by("-created_at")[:limit]
    ]
