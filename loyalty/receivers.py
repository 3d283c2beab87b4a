"""What a new café's club starts with."""

from typing import Any

from django.dispatch import receiver

from customers.imports.take_bills import register_points
from loyalty.services.imported import award_imported
from loyalty.services.program import create_defaults
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import cafe_created


@receiver(cafe_created)
def create_club(cafe: Cafe, **_kwargs: Any) -> None:
    """Put program and tiers in place."""
    create_defaults(cafe)


register_points(award_imported)
