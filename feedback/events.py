"""What happens in the feedback room."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from servaan_crm.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRecorded(Event):
    """A guest said something; a low rating (``is_low``) needs somebody to get back to them."""

    name: ClassVar[str] = "feedback.recorded"
    feedback_id: UUID
    customer_id: UUID | None
    visit_id: UUID | None
    rating: int
    is_low: bool
