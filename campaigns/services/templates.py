"""Texts to begin a campaign with: the built-in ones and the café's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from campaigns.models import CampaignTemplate
from servaan_crm.core.actors import Actor
from servaan_crm.tenancy.models import Cafe

EDITABLE = ("name", "channel", "subject", "content", "category", "provider_template")


def create_template(*, actor: Actor, values: Mapping[str, Any]) -> CampaignTemplate:
    """Add a template; ``values``: any of ``EDITABLE``. Raises ValidationError (INVALID_TEMPLATE)."""
    raise NotImplementedError


def update_template(*, actor: Actor, template_id: UUID, changes: Mapping[str, Any]) -> CampaignTemplate:
    """Change a template, a built-in one too: it is the café's text. Raises TemplateNotFound, ValidationError."""
    raise NotImplementedError


def delete_template(*, actor: Actor, template_id: UUID) -> None:
    """Delete a template. Raises TemplateNotFound."""
    raise NotImplementedError


def create_system_templates(cafe: Cafe) -> int:
    """Give ``cafe`` the built-in templates in its language; those it has, or had and deleted, are left alone."""
    raise NotImplementedError
