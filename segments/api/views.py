"""Segments over HTTP."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.api.preconditions import expected_version
from customers.selectors import get_customer
from segments import services
from segments.api import serializers as shapes
from segments.language import json_schema
from segments.models import Segment, SegmentRun
from segments.selectors import explain, get_segment, list_segments_with_counts, preview
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.actors import Actor
from servaan_crm.core.errors import NotFound
from servaan_crm.core.responses import ok, render

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the segment as you saw it."
)


class SegmentAPIView(APIView):
    """Base of the segment addresses: everybody with the right to see segments reads, managers change."""

    permission_classes = (HasPermission,)
    permission = P.SEGMENTS_MANAGE
    permissions_by_method = {"GET": P.SEGMENTS_VIEW}
    rate_area = "customers"

    @property
    def actor(self) -> Actor:
        """The caller as the author of a change."""
        return staff_of(self.request).actor

    def read(self, form: Any) -> dict[str, Any]:
        """Return the validated body."""
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)


def _answer(segment: Segment, status: int = 200) -> Response:
    response = ok({"segment": shapes.detail_payload(segment)}, status=status)
    response["ETag"] = f'"v{segment.version}"'
    return response


class SegmentsView(SegmentAPIView):
    """The café's segments with their counts."""

    @extend_schema(operation_id="segments_list", responses={200: dict})
    def get(self, request: Request) -> Response:
        """List the active segments in display order, the built-in ones first."""
        rows = [shapes.segment_payload(*row) for row in list_segments_with_counts()]
        return ok({"segments": rows})

    @extend_schema(operation_id="segments_create", request=shapes.NewSegmentSerializer, responses={201: dict})
    def post(self, request: Request) -> Response:
        """Add a segment: ``criteria``, or ``kind: "static"`` with ``members``. Its guests follow in the background."""
        values = self.read(shapes.NewSegmentSerializer(data=request.data))
        shapes.check_kind(values)
        values.pop("version", None)
        members = values.pop("members", None)
        values["key"] = values.get("key") or services.new_key(values["name"])
        segment = services.create_segment(actor=self.actor, values=values, members=members)
        return _answer(segment, status=201)


class SegmentView(SegmentAPIView):
    """One segment, by id or key."""

    @extend_schema(operation_id="segments_read", responses={200: dict})
    def get(self, request: Request, segment_id: str) -> Response:
        """Return one segment; the ``ETag`` is what ``If-Match`` of a change expects."""
        return _answer(get_segment(segment_id))

    @extend_schema(
        operation_id="segments_change", parameters=[IF_MATCH], request=shapes.SegmentSerializer(partial=True),
        responses={200: dict},
    )  # fmt: skip
    def patch(self, request: Request, segment_id: str) -> Response:
        """Change some fields. Built-in segments answer 409: make a copy."""
        changes = self.read(shapes.SegmentSerializer(data=request.data, partial=True))
        version = changes.pop("version", None) or expected_version(request)
        segment = services.change_segment(
            actor=self.actor, segment_id=get_segment(segment_id).pk, changes=changes, expected_version=version
        )
        return _answer(segment)

    @extend_schema(operation_id="segments_delete", parameters=[IF_MATCH], responses={200: dict})
    def delete(self, request: Request, segment_id: str) -> Response:
        """Delete a segment. While something uses it, 409 ``CONFLICT`` lists what in ``details.used_by``."""
        found = services.delete_segment(
            actor=self.actor,
            segment_id=get_segment(segment_id).pk,
            expected_version=expected_version(request),
        )
        return ok({"segment": {"id": found.key, "uuid": str(found.pk), "deleted": True}})


class RecomputeView(SegmentAPIView):
    """Calculate again."""

    @extend_schema(operation_id="segments_recompute", request=shapes.NothingSerializer, responses={202: dict})
    def post(self, request: Request, segment_id: str) -> Response:
        """Ask for a calculation. All segments are calculated together; poll the run's address."""
        self.read(shapes.NothingSerializer(data=request.data or {}))
        get_segment(segment_id)
        run = services.ask_for_run("on demand")
        return ok({"run": shapes.run_payload(run)}, status=202)


class RunView(SegmentAPIView):
    """One calculation."""

    @extend_schema(operation_id="segments_run", responses={200: dict})
    def get(self, request: Request, run_id: UUID) -> Response:
        """Say how far a calculation is."""
        run = SegmentRun.objects.filter(pk=run_id).first()
        if run is None:
            raise NotFound(details={"run_id": str(run_id)})
        return ok({"run": shapes.run_payload(run)})


class PreviewView(SegmentAPIView):
    """Criteria that are still being written."""

    permission = P.SEGMENTS_VIEW

    @extend_schema(operation_id="segments_preview", request=shapes.PreviewSerializer, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Count the guests that match, exactly or (``is_estimate``) from a sample of the book. Writes nothing."""
        values = self.read(shapes.PreviewSerializer(data=request.data))
        return ok(shapes.preview_payload(preview(values["criteria"], sample=values["sample"])))


class SchemaView(SegmentAPIView):
    """The language."""

    @extend_schema(operation_id="segments_schema", responses={200: dict, 304: None})
    def get(self, request: Request) -> Response:
        """Return the JSON Schema of criteria in this café; ``If-None-Match`` saves the way when it is the same."""
        keys = list(Segment.objects.values_list("key", flat=True))
        body = {"schema": json_schema(keys)}
        etag = f'"{hashlib.sha256(render(body).encode()).hexdigest()[:32]}"'
        same = etag in [part.strip() for part in request.headers.get("If-None-Match", "").split(",")]
        response = Response(status=304) if same else ok(body)
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        return response


class ExplainView(SegmentAPIView):
    """Why, or why not."""

    @extend_schema(operation_id="segments_explain", responses={200: dict})
    def get(self, request: Request, segment_id: str, customer_id: UUID) -> Response:
        """Say of each condition what was asked, what the guest has, and whether it holds."""
        segment, customer = get_segment(segment_id), get_customer(customer_id)
        return ok(shapes.explanation_payload(segment, customer, explain(segment, customer)))


class DuplicateView(SegmentAPIView):
    """A copy."""

    @extend_schema(
        operation_id="segments_duplicate", request=shapes.DuplicateSerializer, responses={201: dict}
    )
    def post(self, request: Request, segment_id: str) -> Response:
        """Make an editable copy, also of a built-in segment."""
        values = self.read(shapes.DuplicateSerializer(data=request.data or {}))
        pk = get_segment(segment_id).pk
        copy = services.duplicate_segment(actor=self.actor, segment_id=pk, name=values["name"])
        return _answer(copy, status=201)
