"""Duplicates, merging and its undoing over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api.preconditions import with_version
from customers.api.schema import PaginationSerializer
from customers.api.serializers import CustomerSerializer, customer_payload
from customers.api.views import CustomerAPIView
from customers.filters import unknown_parameters
from customers.merging.candidates import REASONS, Pair, pairs_of_rows, stored_pairs
from customers.merging.fields import FieldResult
from customers.merging.preview import Preview, preview_merge
from customers.merging.scan import request_scan, scan_state
from customers.merging.services import dismiss_duplicate, merge_customers, undo_merge
from customers.models import Customer, CustomerSummary
from customers.selectors import get_customer
from servaan_crm.accounts.permissions import P
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import national


class StrictBody(StrictSerializer):
    """A body with nothing it does not know, so that a misspelt ``dry_run`` does not merge."""


class OtherBody(StrictBody):
    """A body that names another customer."""

    other_id = serializers.UUIDField()


class MergeBody(OtherBody):
    """The body of a merge. ``choices``: field → "kept", "merged" or, for notes and preferences, "both"."""

    dry_run = serializers.BooleanField(required=False, default=False)
    choices = serializers.DictField(child=serializers.CharField(), required=False, default=dict)


class _PlainNames(serializers.Serializer[None]):
    """``fields`` and ``source`` are names in the answer which a serializer uses itself: written with a line below."""

    def get_fields(self) -> dict[str, Any]:
        return {name.rstrip("_"): field for name, field in super().get_fields().items()}


class FieldResultSerializer(_PlainNames):
    field = serializers.CharField()
    kept = serializers.JSONField(allow_null=True)
    merged = serializers.JSONField(allow_null=True)
    result = serializers.JSONField(allow_null=True)
    source_ = serializers.ChoiceField(choices=["kept", "merged", "both"])
    reason = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField())


class OutcomeSerializer(serializers.Serializer[None]):
    current_points = serializers.IntegerField()
    tier_level = serializers.ChoiceField(choices=CustomerSummary.TierLevel.choices)
    total_visits = serializers.IntegerField()
    lifetime_spent = serializers.IntegerField()
    tags = serializers.ListField(child=serializers.CharField())


class PreviewSerializer(_PlainNames):
    kept_id = serializers.UUIDField()
    merged_id = serializers.UUIDField()
    fields_ = FieldResultSerializer(many=True)
    moves = serializers.DictField(child=serializers.IntegerField())
    result = OutcomeSerializer()


class DuplicateReasonSerializer(serializers.Serializer[None]):
    code = serializers.CharField()
    text = serializers.CharField()


class DuplicateSerializer(serializers.Serializer[None]):
    score = serializers.IntegerField(help_text="0-100")
    likelihood = serializers.CharField()
    reasons = DuplicateReasonSerializer(many=True)
    customers = CustomerSerializer(many=True)


class DuplicateScanSerializer(serializers.Serializer[None]):
    state = serializers.ChoiceField(choices=["never", "waiting", "running", "done"])
    percent = serializers.IntegerField(help_text="0-100, while it runs")
    found = serializers.IntegerField()
    finished_at = serializers.DateTimeField(allow_null=True)


class MergeResultSerializer(serializers.Serializer[None]):
    id = serializers.UUIDField()
    kept_id = serializers.UUIDField()
    merged_id = serializers.UUIDField()


def _answer(name: str, **data: Any) -> Any:
    inner = inline_serializer(f"{name}Data", fields=data)
    return inline_serializer(name, fields={"success": serializers.BooleanField(), "data": inner})


class MergeView(CustomerAPIView):
    """Two customers become one."""

    permission = P.CUSTOMERS_DELETE

    @extend_schema(
        operation_id="customers_merge",
        request=MergeBody,
        responses={
            200: _answer(
                "MergeAnswer",
                customer=CustomerSerializer(required=False),
                merge=MergeResultSerializer(required=False),
                preview=PreviewSerializer(required=False),
            )
        },
    )
    def post(self, request: Request, customer_id: UUID) -> HttpResponse:
        """Merge ``other_id`` into this customer; with ``dry_run`` ``data.preview`` says what that would do."""
        return answer_once(request, lambda: self._merge(request, customer_id))

    def _merge(self, request: Request, customer_id: UUID) -> Response:
        body = MergeBody(data=request.data)
        body.is_valid(raise_exception=True)
        other_id, choices = body.validated_data["other_id"], body.validated_data["choices"]
        if body.validated_data["dry_run"]:
            seen = preview_merge(kept_id=customer_id, merged_id=other_id, choices=choices)
            return ok({"preview": preview_payload(seen)})
        record = merge_customers(actor=self.actor, kept_id=customer_id, merged_id=other_id, choices=choices)
        customer = get_customer(customer_id)
        merge = {"id": str(record.pk), "kept_id": str(customer_id), "merged_id": str(other_id)}
        return with_version(ok({"customer": customer_payload(customer), "merge": merge}), customer)


class UndoMergeView(CustomerAPIView):
    """One customer becomes two again."""

    permission = P.CUSTOMERS_DELETE

    @extend_schema(
        operation_id="merges_undo",
        request=None,
        responses={
            200: _answer(
                "UndoMergeAnswer", customer=CustomerSerializer(), restored_customer=CustomerSerializer()
            )
        },
    )
    def post(self, request: Request, merge_id: UUID) -> HttpResponse:
        """Undo a merge; 409 once either customer, or anything that belongs to it, changed since."""
        return answer_once(request, lambda: self._undo(request, merge_id))

    def _undo(self, request: Request, merge_id: UUID) -> Response:
        StrictBody(data=request.data).is_valid(raise_exception=True)
        record = undo_merge(actor=self.actor, merge_id=merge_id)
        kept, restored = get_customer(record.kept_id), get_customer(record.merged_id)
        return ok({"customer": customer_payload(kept), "restored_customer": customer_payload(restored)})


class DuplicatesView(CustomerAPIView):
    """Customers that may be one person."""

    permission = P.CUSTOMERS_DELETE

    @extend_schema(
        operation_id="customers_duplicates",
        parameters=[
            OpenApiParameter("page", OpenApiTypes.INT),
            OpenApiParameter("limit", OpenApiTypes.INT),
            OpenApiParameter("reason", OpenApiTypes.STR, enum=list(REASONS)),
            OpenApiParameter(
                "refresh", OpenApiTypes.BOOL, description="Ask for a new search; it takes seconds."
            ),
        ],
        responses={
            200: _answer(
                "DuplicatePage",
                duplicates=DuplicateSerializer(many=True),
                pagination=PaginationSerializer(),
                scan=DuplicateScanSerializer(),
            )
        },
    )
    def get(self, request: Request) -> Response:
        """List pairs with the reasons, likeliest first, as the search of last night and the changes since left them.

        ``scan`` says how far a new search is, which ``refresh=true`` asks for.
        """
        if problems := unknown_parameters(request.query_params, ("page", "limit", "reason", "refresh")):
            raise ValidationError(problems)
        refresh = request.query_params.get("refresh", "false")
        if refresh not in ("true", "false"):
            raise ValidationError({"refresh": [_("Give true or false.")]})
        reason = request.query_params.get("reason", "")
        if reason and reason not in REASONS:
            legal = ", ".join(REASONS)
            raise ValidationError(
                {"reason": [_("There is no such reason. There are: %(names)s") % {"names": legal}]}
            )
        rows, pagination = paginate(request, stored_pairs(reason))
        scan = scan_state()
        if refresh == "true" or scan.state == "never":
            request_scan()
            scan = scan_state()
        shown = {
            "state": scan.state,
            "percent": scan.percent,
            "found": scan.found,
            "finished_at": scan.finished_at,
        }
        pairs = pairs_payload(pairs_of_rows(rows))
        return ok({"duplicates": pairs, "pagination": pagination, "scan": shown})


class NotDuplicateView(CustomerAPIView):
    """Two customers that are two people."""

    permission = P.CUSTOMERS_DELETE

    @extend_schema(
        operation_id="customers_not_duplicate",
        request=OtherBody,
        responses={200: _answer("NotDuplicateAnswer", customer=CustomerSerializer())},
    )
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Say that this customer and ``other_id`` are two people; the pair is not offered again."""
        body = OtherBody(data=request.data)
        body.is_valid(raise_exception=True)
        dismiss_duplicate(actor=self.actor, first_id=customer_id, second_id=body.validated_data["other_id"])
        return ok({"customer": customer_payload(get_customer(customer_id))})


def pairs_payload(pairs: list[Pair]) -> list[dict[str, Any]]:
    """Return pairs as the API shows them; one query for all guests."""
    ids = {key for pair in pairs for key in (pair.first_id, pair.second_id)}
    guests = Customer.objects.select_related("summary").defer("search_key", "sort_key").in_bulk(ids)
    return [
        {
            "score": pair.score,
            "likelihood": str(pair.likelihood),
            "reasons": [
                {"code": code, "text": str(text)} for code, text in zip(pair.reasons, pair.words, strict=True)
            ],
            "customers": [customer_payload(guests[key]) for key in (pair.first_id, pair.second_id)],
        }
        for pair in pairs
        if pair.first_id in guests and pair.second_id in guests
    ]


def preview_payload(preview: Preview) -> dict[str, Any]:
    """Return a preview as the API shows it; amounts in the base unit."""
    outcome = preview.outcome
    return {
        "kept_id": str(preview.kept.pk),
        "merged_id": str(preview.merged.pk),
        "fields": [_field(row) for row in preview.fields],
        "moves": {part.code: part.count for part in preview.parts},
        "result": {
            "current_points": outcome.points,
            "tier_level": outcome.tier,
            "total_visits": outcome.total_visits,
            "lifetime_spent": outcome.lifetime_spent,
            "tags": outcome.tags,
        },
    }


def _field(row: FieldResult) -> dict[str, Any]:
    def shown(value: Any) -> Any:
        if row.name == "phone":
            return national(value, get_locale().phone_region)
        return str(value) if isinstance(value, UUID) else value

    return {
        "field": row.name,
        "kept": shown(row.kept),
        "merged": shown(row.merged),
        "result": shown(row.result),
        "source": row.source,
        "reason": str(row.reason),
        "choices": list(row.choices),
    }
