"""What automations listen to."""

from __future__ import annotations

from typing import Any

from campaigns.automations import engine
from campaigns.models import Automation, AutomationRun, HookCall
from segments.models import Segment
from segments.uses import Use, names_segment, register_uses
from servaan_crm.core.events import subscribe


@subscribe("visit.recorded")
def hear_visit(payload: dict[str, Any]) -> None:
    """A visit was recorded: each, the first, every tenth."""
    engine.hear("visit.recorded", payload)


@subscribe("customer.created")
def hear_new_guest(payload: dict[str, Any]) -> None:
    """A guest was entered."""
    engine.hear("customer.created", payload)


@subscribe("segment.entered")
def hear_entered(payload: dict[str, Any]) -> None:
    """Guests came into a segment, up to 500 at once."""
    engine.hear("segment.entered", payload)


@subscribe("segment.left")
def hear_left(payload: dict[str, Any]) -> None:
    """Guests left a segment, up to 500 at once."""
    engine.hear("segment.left", payload)


@subscribe("loyalty.tier_changed")
def hear_tier(payload: dict[str, Any]) -> None:
    """A guest's tier changed."""
    engine.hear("loyalty.tier_changed", payload)


@subscribe("feedback.recorded")
def hear_rating(payload: dict[str, Any]) -> None:
    """A guest said how it was."""
    engine.hear("feedback.recorded", payload)


@subscribe("customer.erased")
def forget_guest(payload: dict[str, Any]) -> None:
    """Nothing more happens to an erased guest; that something did stays, without what it was about."""
    runs = AutomationRun.objects.filter(customer_id=payload["customer_id"])
    waiting = runs.filter(state=AutomationRun.State.WAITING)
    waiting.update(state=AutomationRun.State.CANCELLED, reason="gone")
    calls = HookCall.objects.filter(run__customer_id=payload["customer_id"])
    calls.filter(state=HookCall.State.WAITING).update(state=HookCall.State.FAILED, last_status="guest erased")
    calls.update(body={})
    runs.update(facts={}, results={})


@register_uses
def automations_using(segment: Segment) -> list[Use]:
    """Return the automations that wait for a segment or ask for it."""
    rows = Automation.objects.only("pk", "name", "trigger_options", "condition")
    return [
        Use("automation", one.name, f"/automations/{one.pk}/")
        for one in rows
        if one.trigger_options.get("segment") == segment.key or names_segment(one.condition, segment.key)
    ]
