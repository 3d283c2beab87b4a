"""Changes of automations by people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from campaigns.automations.actions import actions, get_action
from campaigns.automations.engine import cancel_waiting
from campaigns.automations.triggers import get_trigger
from campaigns.automations.variables import check_text
from campaigns.models import Automation
from segments.language import new_plan
from segments.language.tree import Reader
from segments.models import Segment
from servaan_crm.core.actors import Actor
from servaan_crm.core.db import write
from servaan_crm.core.errors import EditConflict, NotFound
from servaan_crm.core.ids import uuid7
from servaan_crm.messaging.sms import count_parts

EDITABLE = (
    "name", "description", "trigger", "trigger_options", "wait_minutes", "at_time", "condition", "actions", "channel",
    "purpose", "template", "link_url", "rest_days", "is_active",
)  # fmt: skip
MAX_WAIT = 365 * 24 * 60
MAX_PARTS = 12
_RESTART = ("trigger", "trigger_options")


def get_automation(automation_id: UUID) -> Automation:
    """Return one automation. Raises NotFound."""
    found = Automation.objects.filter(pk=automation_id).first()
    if found is None:
        raise NotFound(details={"automation_id": str(automation_id)})
    return found


def create_automation(*, actor: Actor, values: Mapping[str, Any]) -> Automation:
    """Add an automation; it is switched off unless ``is_active`` says otherwise.

    Args:
        values: of ``EDITABLE``, and ``key`` if a certain one is wanted.

    Raises:
        ValidationError: names each bad field ("trigger_options.days", "actions.0.points", "template" …).
        InvalidCriteria: the condition cannot be read; names the place.
    """
    with write(actor):
        automation = new_automation({**values, "created_by_id": actor.user_id})
        automation.key = automation.key or new_key(automation.name)
        check(automation, before=None)
        if automation.is_active:
            automation.active_since = timezone.now()
        automation.save(force_insert=True)
    return automation


def new_automation(values: Mapping[str, Any]) -> Automation:
    """Return an automation that is not saved: switched off, and without what ``values`` do not say."""
    return Automation(**{"is_active": False, "description": "", "link_url": "", **values})


def update_automation(
    *,
    actor: Actor,
    automation_id: UUID,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Automation:
    """Change some of ``EDITABLE``. Switched off, what still waits is cancelled; switched on, only news counts.

    Raises as :func:`create_automation`, NotFound, and EditConflict when somebody else changed it since
    ``expected_version``.
    """
    with write(actor):
        automation = _locked(automation_id, expected_version)
        before = Automation.objects.get(pk=automation.pk)
        for field in EDITABLE:
            if field in changes:
                setattr(automation, field, changes[field])
        check(automation, before=before)
        if not automation.is_active:
            cancel_waiting(automation.pk, "switched_off")
        elif not before.is_active or any(getattr(before, f) != getattr(automation, f) for f in _RESTART):
            automation.active_since = timezone.now()
        automation.version += 1
        automation.save()
    return automation


def switch_automation(*, actor: Actor, automation_id: UUID, on: bool) -> Automation:
    """Switch on or off; again changes nothing. Raises NotFound; ValidationError if it cannot work as it is."""
    with write(actor):
        automation = _locked(automation_id, None)
        if automation.is_active == on:
            return automation
        return update_automation(actor=actor, automation_id=automation_id, changes={"is_active": on})


def delete_automation(
    *, actor: Actor, automation_id: UUID, expected_version: int | None = None
) -> tuple[Automation, bool]:
    """Delete an automation that never ran; one with a past is switched off and kept, and so is a built-in one.

    Returns the automation, and whether it is gone. Raises NotFound, EditConflict.
    """
    with write(actor):
        automation = _locked(automation_id, expected_version)
        if not automation.is_system and not automation.runs.exists():
            found = Automation.objects.get(pk=automation.pk)
            try:
                automation.delete()
            except ProtectedError:  # pragma: no cover - nothing protects one without runs today
                found.refresh_from_db()
            else:
                return found, True
        off = update_automation(actor=actor, automation_id=automation_id, changes={"is_active": False})
        return off, False


def _locked(automation_id: UUID, expected_version: int | None) -> Automation:
    automation = Automation.objects.select_for_update().filter(pk=automation_id).first()
    if automation is None:
        raise NotFound(details={"automation_id": str(automation_id)})
    if expected_version is not None and automation.version != expected_version:
        raise EditConflict(details={"version": automation.version, "expected_version": expected_version})
    return automation


def new_key(name: str) -> str:
    """Return a free key for an automation called ``name``: its Latin letters, else a random one."""
    stem = slugify(name)[:40] or f"automation-{uuid7().hex[-8:]}"
    taken = set(Automation.objects.filter(key__startswith=stem).values_list("key", flat=True))
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, 10**6))) if key not in taken)


def check(automation: Automation, *, before: Automation | None) -> None:
    """Tidy an automation and raise ValidationError that names every bad field, or InvalidCriteria."""
    automation.name = automation.name.strip()
    automation.template = automation.template.replace("\r\n", "\n").strip()
    problems: dict[str, list[str]] = {}
    try:
        automation.full_clean(exclude=["template"], validate_constraints=False)
    except ValidationError as error:
        problems |= error.message_dict
    if "trigger" not in problems:
        try:
            automation.trigger_options = get_trigger(automation.trigger).clean(automation.trigger_options)
        except ValidationError as error:
            problems |= error.message_dict
    problems |= _check_actions(automation, before)
    problems |= _check_numbers(automation)
    if not problems:
        problems |= _check_message(automation)
    if problems:
        raise ValidationError(problems)
    if automation.condition:
        others = {one.key: one for one in Segment.objects.all()}
        Reader(new_plan(), others).read(automation.condition, path="condition")


def _check_actions(automation: Automation, before: Automation | None) -> dict[str, list[str]]:
    given = automation.actions
    if not isinstance(given, list):
        return {"actions": [_("A list is needed.")]}
    stored = {params["type"]: params for params in before.actions} if before else {}
    problems: dict[str, list[str]] = {}
    clean: list[dict[str, Any]] = []
    for place, params in enumerate(given):
        kind = str(params.get("type") or "") if isinstance(params, Mapping) else ""
        action = get_action(kind)
        if action is None:
            known = ", ".join(one.kind for one in actions())
            problems[f"actions.{place}.type"] = [_("Choose from: %(values)s.") % {"values": known}]
            continue
        if any(one["type"] == kind for one in clean):
            problems[f"actions.{place}.type"] = [_("Each kind of action once.")]
            continue
        try:
            clean.append({"type": kind, **action.clean(params, stored.get(kind, {}))})
        except ValidationError as error:
            problems |= {f"actions.{place}.{name}": texts for name, texts in error.message_dict.items()}
    automation.actions = clean if not problems else given
    return problems


def _check_numbers(automation: Automation) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    if not isinstance(automation.wait_minutes, int) or not 0 <= automation.wait_minutes <= MAX_WAIT:
        problems["wait_minutes"] = [_("A wait of at most a year.")]
    if automation.at_time is not None and not isinstance(automation.at_time, dt.time):
        problems["at_time"] = [_("Give a time of day such as 10:00.")]
    if not isinstance(automation.condition, Mapping):
        problems["condition"] = [_("An object is needed.")]
    return problems


def _check_message(automation: Automation) -> dict[str, list[str]]:
    if not automation.template and not automation.actions:
        return {"template": [_("Write the text of the message, or choose something to do.")]}
    if automation.purpose == "transactional" and not get_trigger(automation.trigger).is_service:
        words = _(
            "A service message answers what the guest did or tells of the guest's account; this is advertising."
        )
        return {"purpose": [words]}
    try:
        used = check_text(automation)
    except ValidationError as error:
        return {"template": error.messages}
    if automation.link_url and automation.template and "link" not in used:
        return {"template": [_("The text has a link: say with {{link}} where it stands.")]}
    if "\x00" in automation.template or count_parts(automation.template).parts > MAX_PARTS:
        return {"template": [_("Write a text of at most 12 parts.")]}
    return {}
