"""Campaigns and message templates over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns import selectors, services
from campaigns.api import shapes
from campaigns.errors import InvalidTemplate
from campaigns.models import Campaign
from campaigns.selectors.kept import kept_figures_of
from campaigns.selectors.statistics import statistics_payload
from campaigns.services.campaigns import draft_of
from campaigns.services.release import create_and_release
from customers.api.preconditions import expected_version
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.actors import Actor
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate, read_number
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the campaign as you saw it."
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Makes a repetition answer as the first time.",
)
MOST_DETAILS = 1_000
PAGE = [OpenApiParameter("page", int), OpenApiParameter("limit", int)]


class CampaignAPIView(APIView):
    """Base of the campaign addresses: those who may see campaigns read, those who manage them change."""

    permission_classes = (HasPermission,)
    permission = P.CAMPAIGNS_MANAGE
    permissions_by_method = {"GET": P.CAMPAIGNS_VIEW}
    rate_area = "campaigns"

    @property
    def actor(self) -> Actor:
        """The caller as the author of a change."""
        return staff_of(self.request).actor

    def read(self, form: Any) -> dict[str, Any]:
        """Return the validated body."""
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def handle_exception(self, exc: Exception) -> Response:
        """Name fields as they were sent; a text that is not valid has a code of its own, when nothing else is wrong."""
        if isinstance(exc, DjangoValidationError) and hasattr(exc, "error_dict"):
            exc = DjangoValidationError(
                {shapes.SENT_AS.get(name, name): found for name, found in exc.error_dict.items()}
            )
            faults = [fault for found in exc.error_dict.values() for fault in found]
            if faults and all(fault.code == "INVALID_TEMPLATE" for fault in faults):
                exc = InvalidTemplate(details=exc.message_dict)
        return super().handle_exception(exc)


def _answer(campaign: Campaign, status: int = 200) -> Response:
    found = selectors.get_campaign(campaign.pk)
    response = ok({"campaign": shapes.campaign_payload(found)}, status=status)
    response["ETag"] = f'"v{found.version}"'
    return response


class CampaignsView(CampaignAPIView):
    """All campaigns."""

    @extend_schema(
        operation_id="campaigns_list", parameters=[shapes.CampaignQuery, *PAGE], responses={200: dict}
    )
    def get(self, request: Request) -> Response:
        """List them, newest first, each with its figures (those of more than 20,000 guests of a moment ago)."""
        query = read_query(request, shapes.CampaignQuery)
        names = {"created_from": "first", "created_to": "last"}
        found = selectors.list_campaigns(**{names.get(name, name): given for name, given in query.items()})
        rows, pagination = paginate(request, found.prefetch_related("variants"))
        figures = kept_figures_of(rows)
        listed = [
            {**shapes.campaign_payload(row), "statistics": shapes.figures_payload(figures[row.pk])}
            for row in rows
        ]
        return ok({"campaigns": listed, "pagination": pagination})

    @extend_schema(
        operation_id="campaigns_create", parameters=[IDEMPOTENCY_KEY], request=shapes.NewCampaignSerializer,
        responses={201: dict},
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """Create a campaign.

        ``send_immediately`` sends it; a ``scheduled_date`` in the future schedules it; else it is a draft, as it is
        when its time is past. More recipients than one person may write to: it waits for approval.
        """

        def create() -> Response:
            body = self.read(shapes.NewCampaignSerializer(data=request.data))
            at_once = body.pop("send_immediately")
            campaign = create_and_release(actor=self.actor, values=shapes.values_of(body), at_once=at_once)
            return _answer(campaign, status=201)

        return answer_once(request, create)


class CampaignView(CampaignAPIView):
    """One campaign."""

    @extend_schema(operation_id="campaigns_read", responses={200: dict})
    def get(self, request: Request, campaign_id: UUID) -> Response:
        """Return one campaign; the ``ETag`` is what ``If-Match`` of a change expects."""
        return _answer(selectors.get_campaign(campaign_id))

    @extend_schema(
        operation_id="campaigns_change", parameters=[IF_MATCH], request=shapes.CampaignChangeSerializer(partial=True),
        responses={200: dict},
    )  # fmt: skip
    def patch(self, request: Request, campaign_id: UUID) -> Response:
        """Change a draft; anything else answers 409."""
        body = self.read(shapes.CampaignChangeSerializer(data=request.data, partial=True))
        version = body.pop("version", None) or expected_version(request)
        campaign = services.update_campaign(
            actor=self.actor, campaign_id=campaign_id, changes=shapes.values_of(body), version=version
        )
        return _answer(campaign)

    @extend_schema(operation_id="campaigns_delete", parameters=[IF_MATCH], responses={200: dict})
    def delete(self, request: Request, campaign_id: UUID) -> Response:
        """Delete a draft; anything else answers 409."""
        services.delete_campaign(actor=self.actor, campaign_id=campaign_id, version=expected_version(request))
        return ok({"campaign": {"id": str(campaign_id), "deleted": True}})


class PreviewView(CampaignAPIView):
    """What a campaign would come to."""

    permission = P.CAMPAIGNS_VIEW

    @extend_schema(
        operation_id="campaigns_preview", request=shapes.CampaignPreviewSerializer, responses={200: dict}
    )
    def post(self, request: Request) -> Response:
        """Return funnel, parts, cost, samples and warnings of a campaign body. Writes nothing."""
        body = self.read(shapes.CampaignPreviewSerializer(data=request.data))
        body.pop("send_immediately", None)
        body.setdefault("name", "preview")
        draft = draft_of(
            {name: given for name, given in shapes.values_of(body).items() if name != "new_code"}
        )
        found = selectors.preview_campaign(draft.campaign, wanted=draft.wanted, variants=draft.variants or [])
        return ok(shapes.preview_payload(found))


class ActionView(CampaignAPIView):
    """A decision about a campaign; each address has its own."""

    form = shapes.DecisionSerializer
    status = 200

    def decide(self, campaign_id: UUID, values: dict[str, Any]) -> Campaign:
        """Do it."""
        raise NotImplementedError

    def post(self, request: Request, campaign_id: UUID) -> HttpResponse:
        """Take the decision and return the campaign."""

        def act() -> Response:
            values = self.read(self.form(data=request.data or {}))
            values["version"] = values.get("version") or expected_version(request)
            return _answer(self.decide(campaign_id, values), status=self.status)

        return answer_once(request, act)


def _action(name: str, service: Any, doc: str, *, form: Any = None, status: int = 200) -> type[ActionView]:
    """Return the view of one decision."""

    def decide(self: ActionView, campaign_id: UUID, values: dict[str, Any]) -> Campaign:
        if "scheduled_date" in values:
            values["at"] = values.pop("scheduled_date")
        done: Campaign = service(actor=self.actor, campaign_id=campaign_id, **values)
        return done

    form = form or shapes.DecisionSerializer
    view = type(f"{name.capitalize()}View", (ActionView,), {"decide": decide, "form": form, "status": status})
    view.__doc__ = doc
    described = extend_schema(
        operation_id=f"campaigns_{name}", request=form, responses={status: dict},
        parameters=[IDEMPOTENCY_KEY, IF_MATCH], description=doc,
    )  # fmt: skip

    # A function of its own for each: what is said of it for the document is kept on the function.
    def post(self: ActionView, request: Request, campaign_id: UUID) -> HttpResponse:
        return ActionView.post(self, request, campaign_id)

    view.post = described(post)  # type: ignore[attr-defined]
    return view


SubmitView = _action("submit", services.submit_campaign, "Ask for approval.")
ApproveView = _action(
    "approve", services.approve_campaign,
    "Approve. With a time in the future it is scheduled, else it is a draft that may be sent. Not by its author.",
)  # fmt: skip
RejectView = _action(
    "reject", services.reject_campaign, "Send it back to its author.", form=shapes.CampaignRejectSerializer
)
WithdrawView = _action("withdraw", services.withdraw_campaign, "Make a waiting campaign a draft again.")
ScheduleView = _action(
    "schedule", services.schedule_campaign, "Let it go at its time.", form=shapes.CampaignScheduleSerializer
)
SendView = _action(
    "send", services.send_campaign, "Let it go now. Again: 409 `CAMPAIGN_ALREADY_SENT`.", status=202
)
PauseView = _action("pause", services.pause_campaign, "Stop before the next batch.")
ResumeView = _action("resume", services.resume_campaign, "Go on.", status=202)
CancelView = _action("cancel", services.cancel_campaign, "End it; what was not sent will not be.")


class RetryView(CampaignAPIView):
    """Failed ones once more."""

    @extend_schema(
        operation_id="campaigns_retry", request=shapes.DecisionSerializer, responses={202: dict},
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
    )  # fmt: skip
    def post(self, request: Request, campaign_id: UUID) -> HttpResponse:
        """Send again to those whose message surely never left; ``retried`` says how many."""

        def act() -> Response:
            values = self.read(shapes.DecisionSerializer(data=request.data or {}))
            version = values.get("version") or expected_version(request)
            count = services.retry_failed(actor=self.actor, campaign_id=campaign_id, version=version)
            found = selectors.get_campaign(campaign_id)
            return ok({"campaign": shapes.campaign_payload(found), "retried": count}, status=202)

        return answer_once(request, act)


class TestView(CampaignAPIView):
    """The text on one phone."""

    @extend_schema(
        operation_id="campaigns_test", request=shapes.CampaignTestSerializer, responses={202: dict},
        parameters=[IDEMPOTENCY_KEY],
    )  # fmt: skip
    def post(self, request: Request, campaign_id: UUID) -> HttpResponse:
        """Send the text once to a number or a guest. It counts for nothing."""

        def act() -> Response:
            values = self.read(shapes.CampaignTestSerializer(data=request.data or {}))
            message = services.send_test(actor=self.actor, campaign_id=campaign_id, **values)
            return ok(
                {"message": {"id": str(message.pk), "text": message.body, "parts": message.parts}}, status=202
            )

        return answer_once(request, act)


class DuplicateCampaignView(CampaignAPIView):
    """A copy."""

    @extend_schema(
        operation_id="campaigns_duplicate", request=shapes.DuplicateCampaignSerializer, responses={201: dict}
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        """Make a new draft of any campaign."""
        values = self.read(shapes.DuplicateCampaignSerializer(data=request.data or {}))
        copy = services.duplicate_campaign(actor=self.actor, campaign_id=campaign_id, **values)
        return _answer(copy, status=201)


class StatsView(CampaignAPIView):
    """Statistics in the shape of the first specification."""

    @extend_schema(operation_id="campaigns_stats", parameters=PAGE, responses={200: dict})
    def get(self, request: Request, campaign_id: UUID) -> Response:
        """Return the statistics; ``delivery_details`` come ``limit`` (1,000) a page.

        How many there are is in the header ``X-Total-Count``, because the body has the specification's fields alone.
        """
        read_query(request, shapes.NoQuery)
        campaign = selectors.get_campaign(campaign_id)
        figures = selectors.get_figures(campaign)
        limit = read_number(request, "limit", MOST_DETAILS, MOST_DETAILS)
        start = (read_number(request, "page", 1, 1_000_000) - 1) * limit
        rows = selectors.list_deliveries(campaign).exclude(state__in=["holdout", "skipped"])
        details = selectors.delivery_rows(list(rows[start : start + limit]))
        response = ok(statistics_payload(campaign, figures, details))
        response["X-Total-Count"] = str(figures.targeted)
        return response


class DeliveriesView(CampaignAPIView):
    """Who got it, who did not, and why."""

    @extend_schema(
        operation_id="campaigns_deliveries", parameters=[shapes.DeliveryQuery, *PAGE], responses={200: dict}
    )
    def get(self, request: Request, campaign_id: UUID) -> Response:
        """List the guests of a campaign; ``status=not_reached`` are all who have not got it, each with the reason."""
        query = read_query(request, shapes.DeliveryQuery)
        found = selectors.list_deliveries(selectors.get_campaign(campaign_id), **query)
        rows, pagination = paginate(request, found)
        listed = [shapes.delivery_payload(row) for row in selectors.delivery_rows(rows)]
        return ok({"deliveries": listed, "pagination": pagination})


class ResultsView(CampaignAPIView):
    """What it brought."""

    @extend_schema(operation_id="campaigns_results", responses={200: dict})
    def get(self, request: Request, campaign_id: UUID) -> Response:
        """Return visits, revenue, cost, redemptions, clicks and the lift against the guests left out."""
        campaign = selectors.get_campaign(campaign_id)
        found = selectors.get_results(campaign)
        return ok(
            {"results": shapes.results_payload(campaign, found, selectors.figures_by_variant(campaign))}
        )
