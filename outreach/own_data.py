"""What this room knows of one guest, for its data export."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts
from outreach.models import CallTask, Interaction


def _contacts(customer: Customer) -> list[dict[str, Any]]:
    rows = Interaction.objects.filter(customer=customer).order_by("interaction_date")
    fields = ("interaction_date", "type", "direction", "subject", "details", "outcome", "follow_up_date")
    return rows_as_dicts(rows, *fields)


register_export("contacts", _contacts, label=_("Contacts"))


def _calls(customer: Customer) -> list[dict[str, Any]]:
    rows = CallTask.objects.filter(customer=customer).order_by("created_at")
    return rows_as_dicts(
        rows, "task_date", "type", "status", "hint", "outcome", "outcome_detail", "note", "follow_up_date",
        "completed_at",
    )  # fmt: skip


register_export("call_tasks", _calls, label=_("Calls to be made"))
