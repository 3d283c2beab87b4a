"""Shortcuts of the tests of automations."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone

from campaigns.automations.services import create_automation
from campaigns.models import Automation, AutomationRun
from customers.models import Customer, Visit
from servaan_crm.core.actors import system

ACTOR = system("test")


def automation(trigger: str = "visit.recorded", **values: Any) -> Automation:
    """Add an automation that is switched on."""
    values = {"name": "آزمون", "template": "{{name}} عزیز، سلام", "is_active": True, **values}
    if "is_service" not in values and trigger in ("visit.recorded", "visit.recorded:first"):
        values.setdefault("purpose", "transactional")
    return create_automation(actor=ACTOR, values={"trigger": trigger, **values})


def recorded(visit: Visit, **more: Any) -> dict[str, Any]:
    """The payload of ``visit.recorded`` for a visit."""
    return {
        "visit_id": str(visit.pk), "customer_id": str(visit.customer_id), "visit_number": visit.visit_number,
        "points_earned": 10, "balance_after": 10, "outlet_id": str(visit.outlet_id), "event_id": 1, **more,
    }  # fmt: skip


def only_mine(*mine: Automation) -> None:
    """Leave no other automation switched on."""
    Automation.objects.exclude(pk__in=[one.pk for one in mine]).update(is_active=False)


def run_of(customer: Customer) -> AutomationRun:
    """The one run of a guest."""
    return AutomationRun.objects.get(customer=customer)


def at(text: str) -> dt.datetime:
    """An instant in Tehran: "2026-03-20 23:30"."""
    from servaan_crm.l10n.locale import get_locale

    return dt.datetime.fromisoformat(text).replace(tzinfo=get_locale().tz)


def due_now() -> None:
    """Let every waiting run be due."""
    AutomationRun.objects.filter(state="waiting").update(due_at=timezone.now())
