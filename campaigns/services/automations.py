"""The ready-made automations, and changes of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from campaigns.models import Automation
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import NotFound
from servaan_crm.tenancy.models import Cafe

FIRST_VISIT_THANKS = "first-visit-thanks"
EDITABLE = frozenset({"name", "template", "channel", "is_active"})

# What a guest reads is written in the café's language once, when the café is made; from then on it is the
# café's own text. Hence two texts here rather than one in the translation files.
FIRST_VISIT_TEXTS = {
    "fa": "{{name|مهمان}} عزیز، از این‌که مهمان {{cafe_name}} بودید سپاسگزاریم. "
    "{{points}} امتیاز در باشگاه مشتریان دارید.",
    "en": "Dear {{name|guest}}, thank you for visiting {{cafe_name}}. You have {{points}} points in our loyalty club.",
}


def create_ready_made(cafe: Cafe) -> None:
    """Give a new café the automations every café starts with; existing ones stay as they are."""
    language = cafe.language if cafe.language in FIRST_VISIT_TEXTS else "en"
    with translation.override(language):
        name = _("Thanks for the first visit")
    Automation.objects.get_or_create(
        key=FIRST_VISIT_THANKS,
        defaults={
            "name": name,
            "trigger": Automation.Trigger.FIRST_VISIT,
            "template": FIRST_VISIT_TEXTS[language],
            "is_system": True,
        },
    )


def update_automation(*, actor: Actor, automation_id: UUID, changes: dict[str, Any]) -> Automation:
    """Switch an automation on or off, or change its name, text or channel; key and trigger stay.

    Raises:
        NotFound: there is no such automation.
        ValidationError: the text has an unknown variable, or another value is not valid.
    """
    with write(actor):
        automation = Automation.objects.select_for_update().filter(pk=automation_id).first()
        if automation is None:
            raise NotFound(details={"automation_id": str(automation_id)})
        for field in EDITABLE & changes.keys():
            setattr(automation, field, changes[field])
        automation.full_clean()
        automation.save()
        return automation
