"""What automations do when something happens, and what a new café starts with."""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import receiver

from campaigns.models import Automation
from campaigns.selectors import list_active_automations
from campaigns.services import create_ready_made
from campaigns.texts import MissingValue, render_template
from customers.models import Customer, Visit
from servaan_crm.core.events import subscribe
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.money import format_number
from servaan_crm.messaging.services import queue_message
from servaan_crm.tenancy.current import get_cafe
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.services import cafe_created

log = logging.getLogger(__name__)


@receiver(cafe_created)
def create_automations(cafe: Cafe, **_kwargs: Any) -> None:
    """Put the ready-made automations in place."""
    create_ready_made(cafe)


@subscribe("visit.recorded")
def thank_for_first_visit(payload: dict[str, Any]) -> None:
    """Queue the thank-you with the balance after a guest's first visit; once per guest, whatever happens.

    Nothing is queued when the visit was voided meanwhile, or the guest was deleted or blocked or wants no
    messages. The balance is the one the guest had when the visit was recorded.
    """
    if payload.get("visit_number") != 1 or not is_enabled("campaigns"):
        return
    visit = Visit.objects.select_related("customer__summary").filter(pk=payload["visit_id"]).first()
    if visit is None or visit.is_voided or visit.customer is None or not _may_write_to(visit.customer):
        return
    for automation in list_active_automations(Automation.Trigger.FIRST_VISIT):
        _queue(automation, visit.customer, int(payload["balance_after"]))


def _may_write_to(customer: Customer) -> bool:
    return customer.deleted_at is None and not customer.is_blocked and customer.allow_marketing


def _queue(automation: Automation, customer: Customer, balance: int) -> None:
    values = {"name": customer.name, "points": format_number(balance), "cafe_name": _cafe_name()}
    try:
        body = render_template(automation.template, values)
    except MissingValue as error:
        log.info("automation %s: no value for %s", automation.key, error.name)
        return
    queue_message(
        recipient=customer.phone,
        body=body,
        kind=automation.key.replace("-", "_"),
        purpose="transactional",
        customer_id=customer.pk,
        dedupe_key=f"{automation.key}:{customer.pk}",
    )


def _cafe_name() -> str:
    cafe = get_cafe()
    return cafe.name if cafe.language == "fa" else cafe.name_en or cafe.name
