"""Contacts and calls go along when two guests become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, IntegerField, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.merging.registry import Merge, Mover, Part, RowsMover, register_mover
from outreach.models import CallTask, Interaction

_SEAL = """
SELECT count(*), md5(coalesce(string_agg(row(id, customer_id, updated_at)::text, ',' ORDER BY id), ''))
  FROM outreach_calltask WHERE customer_id = ANY(%s) AND status <> 'pending'
"""


class CallsMover(Mover):
    """Calls follow the guest. Of two open ones of a type the more urgent stays, the other one is skipped.

    Open calls come by themselves and never forbid the undoing; what somebody noted does.
    """

    name = "call_tasks"

    def __init__(self) -> None:
        self._rows = RowsMover(CallTask, label=_("Calls to be made"), icon="phone", code=self.name)
        self.label, self.handles = self._rows.label, self._rows.handles

    def parts(self, merged_id: UUID) -> Iterable[Part]:
        return self._rows.parts(merged_id)

    def move(self, merge: Merge) -> dict[str, list[str]]:
        skipped = self._skip(merge)
        return {"skipped": skipped, "moved": self._rows.move(merge)}

    def _skip(self, merge: Merge) -> list[str]:
        heat = Case(
            When(priority="hot", then=Value(0)),
            When(priority="warm", then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        rows = CallTask.objects.filter(customer_id__in=merge.ids, status=CallTask.Status.PENDING)
        seen: set[str] = set()
        less_urgent = []
        for pk, kind in rows.order_by(heat, "task_date", "pk").values_list("pk", "type"):
            if kind in seen:
                less_urgent.append(pk)
            seen.add(kind)
        now = timezone.now()
        CallTask.objects.filter(pk__in=less_urgent).update(
            status=CallTask.Status.SKIPPED, completed_at=now, updated_at=now
        )
        return sorted(str(pk) for pk in less_urgent)

    def put_back(self, merge: Merge, moved: dict[str, list[str]]) -> None:
        self._rows.put_back(merge, moved["moved"])
        CallTask.objects.filter(pk__in=moved["skipped"]).update(
            status=CallTask.Status.PENDING, completed_at=None, updated_at=timezone.now()
        )

    def seal(self, kept_id: UUID, merged_id: UUID) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(_SEAL, [[kept_id, merged_id]])
            return list(cursor.fetchone())


register_mover(RowsMover(Interaction, label=_("Contacts"), icon="phone-call", code="interactions"))
register_mover(CallsMover())
