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
