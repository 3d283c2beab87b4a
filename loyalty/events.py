"""What happens in the club."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from servaan_crm.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChanged(Event):
    """A guest moved to another tier."""

    name: ClassVar[str] = "loyalty.tier_changed"
    customer_id: UUID
    from_tier: str
    to_tier: str
