"""What happens in the segments room; automations listen."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from servaan_crm.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEntered(Event):
    """Guests came into a segment."""

    name: ClassVar[str] = "segment.entered"
    segment_id: UUID
    key: str
    customer_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLeft(Event):
    """Guests left a segment."""

    name: ClassVar[str] = "segment.left"
    segment_id: UUID
    key: str
    customer_ids: list[str]
