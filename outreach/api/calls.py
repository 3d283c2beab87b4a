"""``/api/crm/call-tasks`` (seed 003 ``/crm-automation/call-tasks``)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from outreach.calls.selectors import list_calls
from outreach.calls.services import MAX_TEXT, CallEnd, end_call
from outreach.models import CallTask
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.serializers import DateField, PhoneField


class TodayFilters(serializers.Serializer[None]):
    """Query of ``GET /api/crm/call-tasks/today``."""

    agent_id = serializers.UUIDField(required=False)


class CallFilters(TodayFilters):
    """Query of ``GET /api/crm/call-tasks``."""

    date = DateField(required=False, help_text="Calls due on this day.")
    status = serializers.ChoiceField(CallTask.Status.choices, required=False)
    priority = serializers.ChoiceField(CallTask.Priority.choices, required=False)


class CallStatusInput(StrictSerializer):
    """Body of ``PUT /api/crm/call-tasks/{id}/status``."""

    status = serializers.ChoiceField(CallTask.Status.choices)
    outcome = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=220,
        help_text="A code, alone or with words after it: `successful - placed order`.",
    )
    notes = serializers.CharField(required=False, allow_blank=True, max_length=MAX_TEXT)
    follow_up_date = DateField(required=False, allow_null=True, help_text="Puts the next call on the list.")


class CallTaskOutput(serializers.ModelSerializer[CallTask]):
    """One call. ``notes`` is what was noted, and why to call as long as nothing was."""

    customer_id = serializers.UUIDField()
    customer_name = serializers.CharField(source="customer.name")
    customer_phone = PhoneField(source="customer.phone")
    task_type = serializers.ChoiceField(CallTask.Type.choices, source="type")
    agent_id = serializers.UUIDField(allow_null=True)
    agent_name = serializers.CharField(source="agent.display_name", default=None, allow_null=True)
    notes = serializers.SerializerMethodField()
    interaction_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = CallTask
        fields = (
            "id", "customer_id", "customer_name", "customer_phone", "task_type", "priority", "status", "task_date",
            "agent_id", "agent_name", "hint", "outcome", "outcome_detail", "notes", "follow_up_date", "completed_at",
            "interaction_id", "source_reference", "created_at", "updated_at",
        )  # fmt: skip

    def get_notes(self, task: CallTask) -> str:
        """Return the note, or why to call."""
        return task.note or task.hint


def split_outcome(text: str) -> tuple[str, str]:
    """Return ("successful", "placed order") for "successful - placed order"."""
    code, _dash, words = text.partition("-")
    return code.strip().lower(), words.strip()


class CallTasksView(APIView):
    """The calls to be made and those that were."""

    permission_classes = (HasPermission,)
    permission = P.OUTREACH_WORK
    rate_area = "customers"

    @extend_schema(
        operation_id="call_tasks_list", parameters=[CallFilters], responses={200: CallTaskOutput(many=True)}
    )
    def get(self, request: Request) -> Response:
        """List calls: overdue ones first, then hot → warm → cold; agents see their own and unassigned ones."""
        return self.answer(request, read_query(request, CallFilters))

    def answer(self, request: Request, filters: dict[str, Any]) -> Response:
        """Return one page of what the filters find."""
        rows, pagination = paginate(request, list_calls(staff_of(request), filters))
        return ok({"call_tasks": CallTaskOutput(rows, many=True).data, "pagination": pagination})


class CallTasksTodayView(CallTasksView):
    """What is to be done today."""

    @extend_schema(
        operation_id="call_tasks_today", parameters=[TodayFilters], responses={200: CallTaskOutput(many=True)}
    )
    def get(self, request: Request) -> Response:
        """List the open calls that are due today or were due earlier."""
        due = {"status": CallTask.Status.PENDING, "until": local_date(timezone.now())}
        return self.answer(request, {**read_query(request, TodayFilters), **due})


class CallTaskStatusView(APIView):
    """How a call ended."""

    permission_classes = (HasPermission,)
    permission = P.OUTREACH_WORK
    rate_area = "customers"

    @extend_schema(operation_id="call_tasks_status", request=CallStatusInput, responses={200: CallTaskOutput})
    def put(self, request: Request, task_id: UUID) -> Response:
        """Note how a call ended; a completed one becomes a contact on the guest's timeline."""
        form = CallStatusInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        outcome, detail = split_outcome(given.get("outcome", ""))
        end = CallEnd(
            status=given["status"],
            outcome=outcome,
            detail=detail,
            note=given.get("notes"),
            follow_up_date=given.get("follow_up_date"),
        )
        task = end_call(actor=staff_of(request).actor, task_id=task_id, end=end)
        return ok({"call_task": CallTaskOutput(task).data})
