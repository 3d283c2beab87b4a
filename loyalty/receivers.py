"""What a new café's club starts with."""

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from customers.imports.take_bills import register_points
from loyalty.services.imported import award_imported
from loyalty.services.program import create_defaults
from loyalty.services.review_signals import find_signals
from servaan_crm.core.events import subscribe
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import cafe_created


@receiver(cafe_created)
def create_club(cafe: Cafe, **_kwargs: Any) -> None:
    """Put program and tiers in place."""
    create_defaults(cafe)


@subscribe("visit.recorded")
@subscribe("visit.voided")
def look_for_misuse(payload: dict[str, Any]) -> None:
    """Look at the guest of this visit; the night looks at everybody."""
    if payload["customer_id"]:
        find_signals(customer_id=UUID(payload["customer_id"]))


register_points(award_imported)
