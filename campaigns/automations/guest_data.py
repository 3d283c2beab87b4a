"""Runs when two guests become one, and in what a guest is told of the own data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext_lazy as _

from campaigns.models import AutomationRun
from customers.imports.undo_reasons import register_derived
from customers.merging.registry import Merge, Mover, Part, register_mover
from customers.models import Customer
from customers.privacy import register_export, rows_as_dicts

# What both guests met already, the kept one has met; the other's row stays where it is, and nothing happens twice.
_MOVE = """
UPDATE campaigns_automationrun AS r SET customer_id = %(kept)s
 WHERE r.customer_id = %(merged)s AND NOT EXISTS (
       SELECT 1 FROM campaigns_automationrun AS o
        WHERE o.automation_id = r.automation_id AND o.occurrence = r.occurrence AND o.customer_id = %(kept)s)
RETURNING r.id::text
"""


class RunsMover(Mover):
    """Runs of automations follow the guest. They go on by themselves, so they never forbid the undoing."""

    name = "automation_runs"
    label = _("Automations")
    handles = ("campaigns.AutomationRun.customer",)

    def parts(self, merged_id: UUID) -> tuple[Part, ...]:
        count = AutomationRun.objects.filter(customer_id=merged_id).count()
        return (Part(self.name, self.label, "refresh", count),)

    def move(self, merge: Merge) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, {"kept": merge.kept.pk, "merged": merge.merged.pk})
            moved = sorted(row[0] for row in cursor.fetchall())
        left = AutomationRun.objects.filter(customer=merge.merged, state=AutomationRun.State.WAITING)
        left.update(state=AutomationRun.State.CANCELLED, reason="merged")
        return moved

    def put_back(self, merge: Merge, moved: list[str]) -> None:
        rows = AutomationRun.objects.filter(pk__in=moved, customer=merge.kept)
        rows.update(customer=merge.merged)


register_mover(RunsMover())
register_derived("campaigns.automationrun")


def _runs(customer: Customer) -> list[dict[str, Any]]:
    rows = AutomationRun.objects.filter(customer=customer).order_by("created_at")
    return rows_as_dicts(
        rows, "automation__name", "occurrence", "state", "reason", "created_at", "finished_at"
    )


register_export("automations", _runs, label=_("Automations"))
