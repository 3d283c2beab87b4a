"""Texts to begin a campaign with: the built-in ones and the café's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from campaigns.errors import TemplateNotFound
from campaigns.models import CampaignTemplate, CampaignType
from campaigns.ready_templates import READY_TEMPLATES
from campaigns.texts import CAMPAIGN, check_template
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.models import AuditEntry
from servaan_crm.tenancy.models import Cafe

EDITABLE = ("name", "channel", "subject", "content", "category", "provider_template")


def create_template(*, actor: Actor, values: Mapping[str, Any]) -> CampaignTemplate:
    """Add a template; ``values``: any of ``EDITABLE``. Raises ValidationError (INVALID_TEMPLATE)."""
    with write(actor):
        return _put(CampaignTemplate(), values)


def update_template(*, actor: Actor, template_id: UUID, changes: Mapping[str, Any]) -> CampaignTemplate:
    """Change a template, a built-in one too: it is the café's text. Raises TemplateNotFound, ValidationError."""
    with write(actor):
        return _put(_locked(template_id), changes)


def delete_template(*, actor: Actor, template_id: UUID) -> None:
    """Delete a template. Raises TemplateNotFound."""
    with write(actor):
        _locked(template_id).delete()


def _locked(template_id: UUID) -> CampaignTemplate:
    found = CampaignTemplate.objects.select_for_update().filter(pk=template_id).first()
    if found is None:
        raise TemplateNotFound(details={"template_id": str(template_id)})
    return found


def _put(row: CampaignTemplate, values: Mapping[str, Any]) -> CampaignTemplate:
    if unknown := [name for name in values if name not in EDITABLE]:
        raise ValidationError(dict.fromkeys(unknown, _("This field cannot be changed.")))
    for name, given in values.items():
        setattr(row, name, given)
    row.content = row.content.replace("\r\n", "\n").strip()
    errors: dict[str, Any] = {}
    for name in ("subject", "content"):
        try:
            check_template(getattr(row, name), CAMPAIGN)
        except ValidationError as error:
            errors[name] = error
    if row.channel == CampaignType.OFFER:
        errors["channel"] = _("An offer without messages has no text.")
    try:
        row.full_clean(exclude=list(errors))
    except ValidationError as error:
        errors.update(error.message_dict)
    if errors:
        raise ValidationError(errors)
    row.save()
    return row


def create_system_templates(cafe: Cafe) -> int:
    """Give ``cafe`` the built-in templates, in its language; returns how many.

    Safe to repeat: run for every new café, and each night for those that are older than the templates. A café that
    has some, or had and deleted them (the trail of changes knows), is left alone.
    """
    had_some = AuditEntry.objects.filter(table_name=CampaignTemplate._meta.db_table)
    if CampaignTemplate.objects.exists() or had_some.exists():
        return 0
    language = cafe.language if cafe.language in READY_TEMPLATES else "en"
    rows = [
        CampaignTemplate(
            name=name, category=category, content=content, channel=CampaignType.SMS, is_system=True
        )
        for category, name, content in READY_TEMPLATES[language]
    ]
    CampaignTemplate.objects.bulk_create(rows)
    return len(rows)
