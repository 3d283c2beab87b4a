"""The story of one visit: what was recorded, what was corrected, what moved in the ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from customers.models import Visit
from customers.services.visits import FAR
from loyalty.models import LedgerEntry
from servaan_crm.core.models import AuditEntry

RECORDED, EDITED, VOIDED, RESTORED = "recorded", "edited", "voided", "restored"
MOVED, RENUMBERED, RATED, POINTS = "moved", "renumbered", "rated", "points"

# Columns that say nothing a reader of the history needs: they follow from the others.
_SILENT = {"updated_at", "item_count", "final_amount", "voided_by_id", "points_earned", "points_value"}
_RATING = {"feedback_rating", "feedback_comment"}


@dataclass(frozen=True, slots=True)
class Change:
    """One column before and after, as the audit trail stored it."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Chapter:
    """One thing that happened. ``entry`` is set for ``points``; the actor is "" for the system."""

    at: dt.datetime
    kind: str
    actor_id: UUID | None = None
    actor_name: str = ""
    changes: tuple[Change, ...] = ()
    entry: LedgerEntry | None = None


@dataclass(slots=True)
class _Step:
    """Audit rows of one correction, made one."""

    row: AuditEntry
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)

    def add(self, row: AuditEntry) -> None:
        for name, value in (row.old or {}).items():
            self.old.setdefault(name, value)
        self.new |= row.new or {}

    @property
    def is_halfway(self) -> bool:
        """Whether more rows must follow: a guest was taken off, or a number was put out of the way.

        Both are only ever seen inside the transaction of a move, never as a state of the visit.
        """
        return ("customer_id" in self.new and self.new["customer_id"] is None) or (
            self.new.get("visit_number") or 0
        ) >= FAR

    def changes(self) -> tuple[Change, ...]:
        return tuple(
            Change(name, self.old[name], self.new.get(name))
            for name in self.old
            if name not in _SILENT and self.old[name] != self.new.get(name)
        )


def visit_history(visit: Visit) -> list[Chapter]:
    """Return what happened to ``visit``, oldest first; two queries beyond the visit's own author."""
    author = visit.created_by
    story = [
        Chapter(
            at=visit.created_at,
            kind=RECORDED,
            actor_id=visit.created_by_id,
            actor_name=author.display_name if author else "",
        )
    ]
    story += _corrections(visit)
    entries = LedgerEntry.objects.filter(visit=visit).select_related("created_by", "customer")
    story += [_points(entry) for entry in entries.order_by("created_at", "sequence")]
    return sorted(story, key=lambda chapter: chapter.at)


def _points(entry: LedgerEntry) -> Chapter:
    author = entry.created_by
    return Chapter(
        at=entry.created_at,
        kind=POINTS,
        actor_id=entry.created_by_id,
        actor_name=author.display_name if author else "",
        entry=entry,
    )


def _corrections(visit: Visit) -> list[Chapter]:
    steps: list[_Step] = []
    rows = AuditEntry.objects.filter(
        table_name=Visit._meta.db_table, row_id=str(visit.pk), action="update"
    ).order_by("pk")
    for row in rows:
        if not steps or not steps[-1].is_halfway:
            steps.append(_Step(row))
        steps[-1].add(row)
    found = ((step, step.changes()) for step in steps)
    return [_correction(step, changes) for step, changes in found if changes]


def _correction(step: _Step, changes: tuple[Change, ...]) -> Chapter:
    return Chapter(
        at=step.row.at,
        kind=_kind(changes),
        actor_id=UUID(step.row.actor_id) if step.row.actor_id else None,
        actor_name=step.row.actor_name,
        changes=changes,
    )


def _kind(changes: tuple[Change, ...]) -> str:
    named = {change.field: change for change in changes}
    if "voided_at" in named:
        return VOIDED if named["voided_at"].new else RESTORED
    if "customer_id" in named:
        return MOVED
    if named.keys() == {"visit_number"}:
        return RENUMBERED
    return RATED if named.keys() <= _RATING else EDITED
