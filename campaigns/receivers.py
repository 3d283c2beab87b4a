"""What a new café starts with."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from campaigns.automations.ready_made import create_ready_made
from campaigns.services.templates import create_system_templates
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import cafe_created


@receiver(cafe_created)
def create_automations(cafe: Cafe, **_kwargs: Any) -> None:
    """Put the ready-made automations in place."""
    create_ready_made(cafe)


@receiver(cafe_created)
def create_templates(cafe: Cafe, **_kwargs: Any) -> None:
    """Put the texts in place that a campaign can begin with."""
    create_system_templates(cafe)
