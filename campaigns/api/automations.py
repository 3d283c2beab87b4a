"""Automations over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as ModelError
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.automations import services
from campaigns.automations.dry_run import DryRun, Example, dry_run
from campaigns.automations.selectors import Results, list_automations, list_runs, reason_words, results_of
from campaigns.automations.sentences import say
from campaigns.models import Automation, AutomationRun
from customers.api.preconditions import expected_version
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer

MOST_SAMPLE = 20
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the automation as you saw it."
)


class AutomationSerializer(StrictSerializer):
    """The body of POST, and of PATCH (partial). What trigger and actions take is in the API guide."""

    name = serializers.CharField(max_length=100)
    description = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    trigger = serializers.ChoiceField(Automation.Trigger.choices)
    trigger_options = serializers.JSONField(required=False)
    wait_minutes = serializers.IntegerField(required=False, min_value=0, max_value=services.MAX_WAIT)
    at_time = serializers.TimeField(required=False, allow_null=True)
    condition = serializers.JSONField(required=False)
    actions = serializers.JSONField(required=False)
    channel = serializers.ChoiceField(Automation.Channel.choices, required=False)
    purpose = serializers.ChoiceField(["transactional", "marketing"], required=False)
    template = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    link_url = serializers.URLField(required=False, allow_blank=True, max_length=500)
    rest_days = serializers.IntegerField(required=False, min_value=0, max_value=3650)
    is_active = serializers.BooleanField(required=False)
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="The version you saw; PATCH alone."
    )


class DryRunSerializer(StrictSerializer):
    """How many examples to name."""

    sample = serializers.IntegerField(min_value=0, max_value=MOST_SAMPLE, default=5)


class RunsQuery(serializers.Serializer[None]):
    """The query of the runs."""

    state = serializers.ChoiceField(AutomationRun.State.choices, required=False)
    customer_id = serializers.UUIDField(required=False)


def automation_payload(automation: Automation, results: Results | None = None) -> dict[str, Any]:
    """Return one automation; of a call outside the address only, never its secret."""
    names = (
        "key", "name", "description", "trigger", "trigger_options", "wait_minutes", "at_time", "condition", "channel",
        "purpose", "template", "link_url", "rest_days", "is_active", "active_since", "is_system", "version",
        "created_at", "updated_at",
    )  # fmt: skip
    payload = {"id": str(automation.pk), **{name: getattr(automation, name) for name in names}}
    payload["sentence"] = say(automation)
    payload["actions"] = [
        {name: value for name, value in params.items() if name != "sealed"} for params in automation.actions
    ]
    if results is not None:
        payload["results"] = {
            "runs": results.runs,
            "done": results.done,
            "waiting": results.waiting,
            "messages": results.messages,
            "attributed_visits": results.visits,
            "attributed_revenue": results.revenue,
            "last_at": results.last_at,
        }
    return payload


def run_payload(run: AutomationRun) -> dict[str, Any]:
    """Return one run; ``reason`` is a word for programs, ``explanation`` the sentence."""
    names = ("occurrence", "state", "reason", "due_at", "created_at", "finished_at", "attempts", "results")
    return {
        "id": str(run.pk),
        "customer": {"id": str(run.customer_id), "name": run.customer.name},
        **{name: getattr(run, name) for name in names},
        "explanation": reason_words(run.reason, run.results) if run.reason else "",
        "message_id": run.message_id and str(run.message_id),
    }


def dry_run_payload(found: DryRun) -> dict[str, Any]:
    """Return who would get it and who would not."""

    def shown(example: Example) -> dict[str, Any]:
        customer = {"id": str(example.customer_id), "name": example.name}
        return {"customer": customer, "occurrence": example.occurrence}

    return {
        "count": found.count,
        "is_cut": found.is_cut,
        "sample": [{**shown(one), "text": one.text, "due_at": one.due_at} for one in found.sample],
        "left_out": [
            {"reason": reason, "explanation": reason_words(reason), "count": count}
            for reason, count in found.left_out.most_common()
        ],
        "left_out_sample": [
            {**shown(one), "reason": one.reason, "explanation": reason_words(one.reason)}
            for one in found.left_out_sample
        ],
    }


class AutomationAPIView(APIView):
    """Base of the addresses: whoever sees campaigns reads, whoever manages them changes."""

    permission_classes = (HasPermission,)
    permission = P.CAMPAIGNS_MANAGE
    permissions_by_method = {"GET": P.CAMPAIGNS_VIEW}
    rate_area = "campaigns"

    def read(self, form: Any) -> dict[str, Any]:
        """Return the validated body without ``version``, which PATCH alone has a use for."""
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def answer(self, automation: Automation, status: int = 200) -> Response:
        """Return one automation with its version as ETag."""
        results = results_of([automation])[automation.pk]
        response = ok({"automation": automation_payload(automation, results)}, status=status)
        response["ETag"] = f'"v{automation.version}"'
        return response


class AutomationsView(AutomationAPIView):
    """What the café says and does by itself."""

    @extend_schema(operation_id="automations_list", responses={200: dict})
    def get(self, request: Request) -> Response:
        """List the automations with a sentence and the results of the last 90 days, those at work first."""
        rows, pagination = paginate(request, list_automations())
        results = results_of(rows)
        found = [automation_payload(row, results[row.pk]) for row in rows]
        return ok({"automations": found, "pagination": pagination})

    @extend_schema(operation_id="automations_create", request=AutomationSerializer, responses={201: dict})
    def post(self, request: Request) -> Response:
        """Add an automation; it is switched off unless ``is_active`` says otherwise."""
        values = self.read(AutomationSerializer(data=request.data))
        if "version" in values:
            raise ValidationError({"version": [_("A new automation has no version yet.")]})
        automation = services.create_automation(actor=staff_of(request).actor, values=values)
        return self.answer(automation, status=201)


class AutomationView(AutomationAPIView):
    """One automation."""

    @extend_schema(operation_id="automations_read", responses={200: dict})
    def get(self, request: Request, automation_id: UUID) -> Response:
        """Return one automation; the ``ETag`` is what ``If-Match`` of a change expects."""
        return self.answer(services.get_automation(automation_id))

    @extend_schema(
        operation_id="automations_change", parameters=[IF_MATCH], request=AutomationSerializer(partial=True),
        responses={200: dict},
    )  # fmt: skip
    def patch(self, request: Request, automation_id: UUID) -> Response:
        """Change some fields. Switched off, waiting runs are cancelled; switched on, only what happens then counts."""
        changes = self.read(AutomationSerializer(data=request.data, partial=True))
        version = changes.pop("version", None) or expected_version(request)
        automation = services.update_automation(
            actor=staff_of(request).actor,
            automation_id=automation_id,
            changes=changes,
            expected_version=version,
        )
        return self.answer(automation)

    @extend_schema(operation_id="automations_delete", parameters=[IF_MATCH], responses={200: dict})
    def delete(self, request: Request, automation_id: UUID) -> Response:
        """Delete one that never ran (``deleted: true``); one with a past, or built in, is switched off and kept."""
        automation, gone = services.delete_automation(
            actor=staff_of(request).actor,
            automation_id=automation_id,
            expected_version=expected_version(request),
        )
        return ok({"automation": {**automation_payload(automation), "deleted": gone}})


class DryRunView(AutomationAPIView):
    """Who would get this today."""

    @extend_schema(operation_id="automations_dry_run", request=DryRunSerializer, responses={200: dict})
    def post(self, request: Request, automation_id: UUID) -> Response:
        """Ask trigger, condition and all checks for today, also of one that is switched off. Writes nothing."""
        values = self.read(DryRunSerializer(data=request.data or {}))
        automation = services.get_automation(automation_id)
        try:
            found = dry_run(automation, sample=values["sample"])
        except ModelError as error:  # a text that was valid when it was saved, and is not any more
            raise ValidationError({"template": error.messages}) from None
        return ok({"dry_run": dry_run_payload(found)})


class RunsView(AutomationAPIView):
    """What an automation did, for whom, and for whom not and why."""

    @extend_schema(operation_id="automations_runs", parameters=[RunsQuery], responses={200: dict})
    def get(self, request: Request, automation_id: UUID) -> Response:
        """List the runs, newest first."""
        query = read_query(request, RunsQuery)
        automation = services.get_automation(automation_id)
        found = list_runs(automation, state=query.get("state", ""), customer_id=query.get("customer_id"))
        rows, pagination = paginate(request, found)
        return ok({"runs": [run_payload(row) for row in rows], "pagination": pagination})
