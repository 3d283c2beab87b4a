"""What happens at the counter."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from servaan_crm.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecorded(Event):
    """A known guest's visit was recorded. ``visit_number`` 1 is the first one."""

    name: ClassVar[str] = "visit.recorded"
    visit_id: UUID
    customer_id: UUID
    outlet_id: UUID
    visit_number: int
    points_earned: int
    balance_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitVoided(Event):
    """A visit was taken back."""

    name: ClassVar[str] = "visit.voided"
    visit_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEdited(Event):
    """A visit was corrected; ``fields`` names what changed."""

    name: ClassVar[str] = "visit.edited"
    visit_id: UUID
    customer_id: UUID | None
    fields: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitMoved(Event):
    """A visit was moved from one guest (or none) to another."""

    name: ClassVar[str] = "visit.moved"
    visit_id: UUID
    from_customer_id: UUID | None
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRestored(Event):
    """A voided visit counts again."""

    name: ClassVar[str] = "visit.restored"
    visit_id: UUID
    customer_id: UUID | None
