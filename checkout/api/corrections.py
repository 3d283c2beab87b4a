"""Corrections of visits over HTTP: edit, move, restore, and the history they leave."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from checkout.api.serializers import ItemSerializer, MomentField, standing_payload, visit_payload
from checkout.errors import VisitNotFound
from checkout.history import Chapter, visit_history
from checkout.services import CorrectionReceipt, VisitItem, edit_visit, move_visit, restore_visit
from checkout.version import version_of, version_time
from customers.models import Visit
from customers.selectors import get_by_phone
from loyalty.models import LedgerEntry
from servaan_crm.accounts.permissions import HasPermission, P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import EmptySerializer, StrictSerializer
from servaan_crm.l10n.serializers import MoneyField, PhoneField

# The name in the API of what the visit calls otherwise.
_COLUMNS = {"discount_applied": "discount_amount", "items_ordered": "items"}
WIRE_NAMES = {column: name for name, column in _COLUMNS.items()}
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="ETag of the visit as it was read."
)


@extend_schema_field(ItemSerializer(many=True))
class ItemsField(serializers.Field[Any, Any, Any, Any]):
    """The lines of the bill, each of them whole also in a PATCH."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        form = ItemSerializer(data=data, many=True)
        form.is_valid(raise_exception=True)
        lines: list[dict[str, Any]] = form.validated_data
        return lines

    def to_representation(self, value: Any) -> Any:
        return value


class VisitChangeSerializer(StrictSerializer):
    """What can be corrected. PUT: what is left out is emptied, but date and outlet stay."""

    total_amount = MoneyField()
    discount_applied = MoneyField(default=Decimal(0))
    payment_method = serializers.ChoiceField(Visit.PaymentMethod.choices, allow_blank=True, default="")
    visit_date = MomentField(required=False)
    visit_type = serializers.ChoiceField(Visit.VisitType.choices, default=Visit.VisitType.DINE_IN)
    outlet_id = serializers.UUIDField(required=False)
    table_number = serializers.CharField(max_length=10, allow_blank=True, default="")
    server_name = serializers.CharField(max_length=100, allow_blank=True, default="")
    service_duration = serializers.IntegerField(min_value=0, max_value=1440, allow_null=True, default=None)
    items_ordered = ItemsField(default=list)
    notes = serializers.CharField(max_length=2000, allow_blank=True, default="")
    order_reference = serializers.CharField(max_length=100, allow_blank=True, default="")

    def changes(self) -> dict[str, Any]:
        """Return the validated body as the service's changes."""
        given = {_COLUMNS.get(name, name): value for name, value in self.validated_data.items()}
        if "items" in given:
            items = [VisitItem(**{**item, "item_id": item.get("item_id") or ""}) for item in given["items"]]
            given["items"] = [item.as_json() for item in items]
            given["item_count"] = sum(item.quantity for item in items)
        return given


class MoveSerializer(StrictSerializer):
    """The guest to give the visit to, by id or by phone."""

    customer_id = serializers.UUIDField(required=False)
    customer_phone = PhoneField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) == 2:
            raise ValidationError({"customer_phone": [_("Give the customer by id or by phone, not both.")]})
        if not attrs:
            raise ValidationError({"customer_id": [_("Give customer_id or customer_phone.")]})
        return attrs

    def target(self) -> UUID:
        """Return the guest's id. Raises CustomerNotFound for a phone nobody has."""
        if "customer_id" in self.validated_data:
            wanted: UUID = self.validated_data["customer_id"]
            return wanted
        return get_by_phone(self.validated_data["customer_phone"]).pk


class CorrectionView(APIView):
    """What the corrections share. Visits of an earlier day need the right to backdate."""

    permission_classes = (HasPermission,)
    permission = P.VISITS_VOID
    rate_area = "customers"

    @property
    def rights(self) -> dict[str, Any]:
        """Who acts, and how far back."""
        user = staff_of(self.request)
        return {"actor": user.actor, "may_edit_old": can(user, P.VISITS_BACKDATE)}


class VisitView(CorrectionView):
    """Read and correct one visit."""

    permissions_by_method = {"GET": P.CUSTOMERS_VIEW}

    @extend_schema(operation_id="visits_read", responses={200: dict})
    def get(self, request: Request, visit_id: UUID) -> Response:
        """Return one visit; the ``ETag`` is what ``If-Match`` of a correction expects."""
        visit = find_visit(visit_id)
        return _tagged(ok({"visit": visit_payload(visit)}), visit)

    @extend_schema(
        operation_id="visits_change",
        parameters=[IF_MATCH],
        request=VisitChangeSerializer(partial=True),
        responses={200: dict},
    )
    def patch(self, request: Request, visit_id: UUID) -> HttpResponse:
        """Correct some fields; changed amounts earn again, through the ledger."""
        return answer_once(request, lambda: self._edit(request, visit_id, partial=True))

    @extend_schema(
        operation_id="visits_replace",
        parameters=[IF_MATCH],
        request=VisitChangeSerializer,
        responses={200: dict},
    )
    def put(self, request: Request, visit_id: UUID) -> HttpResponse:
        """Replace what can be corrected: what the body leaves out is emptied, but date and outlet stay."""
        return answer_once(request, lambda: self._edit(request, visit_id, partial=False))

    def _edit(self, request: Request, visit_id: UUID, *, partial: bool) -> Response:
        form = VisitChangeSerializer(data=request.data, partial=partial)
        form.is_valid(raise_exception=True)
        seen = seen_version(request)
        try:
            receipt = edit_visit(visit_id=visit_id, changes=form.changes(), seen=seen, **self.rights)
        except DjangoValidationError as error:
            raise ValidationError(_on_wire(error)) from error
        return _tagged(ok(correction_payload(receipt)), receipt.visit)


class MoveVisitView(CorrectionView):
    """Give a visit to another guest, or a walk-in its guest."""

    @extend_schema(
        operation_id="visits_move", parameters=[IF_MATCH], request=MoveSerializer, responses={200: dict}
    )
    def post(self, request: Request, visit_id: UUID) -> HttpResponse:
        """Move the visit with its points; both guests' numbers stay without gaps."""
        return answer_once(request, lambda: self._move(request, visit_id))

    def _move(self, request: Request, visit_id: UUID) -> Response:
        form = MoveSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        seen = seen_version(request)
        receipt = move_visit(visit_id=visit_id, to_customer_id=form.target(), seen=seen, **self.rights)
        return _tagged(ok(correction_payload(receipt)), receipt.visit)


class RestoreVisitView(CorrectionView):
    """Let a voided visit count again."""

    @extend_schema(operation_id="visits_restore", request=EmptySerializer, responses={200: dict})
    def post(self, request: Request, visit_id: UUID) -> HttpResponse:
        """Take the void back; 409 when the visit is not voided."""
        return answer_once(request, lambda: self._restore(request, visit_id))

    def _restore(self, request: Request, visit_id: UUID) -> Response:
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        receipt = restore_visit(visit_id=visit_id, **self.rights)
        return _tagged(ok(correction_payload(receipt)), receipt.visit)


class NoFilters(serializers.Serializer[None]):
    """The history has no parameters but the paging."""


class VisitHistoryView(APIView):
    """What happened to one visit."""

    permission_classes = (HasPermission,)
    permission = P.CUSTOMERS_VIEW
    rate_area = "customers"

    @extend_schema(
        operation_id="visits_history",
        parameters=[OpenApiParameter("page", OpenApiTypes.INT), OpenApiParameter("limit", OpenApiTypes.INT)],
        responses={200: dict},
    )
    def get(self, request: Request, visit_id: UUID) -> Response:
        """List the recording, the corrections and the ledger entries, oldest first: who, when, what."""
        read_query(request, NoFilters)
        story: Any = visit_history(find_visit(visit_id))
        chapters, pagination = paginate(request, story)
        return ok({"history": [chapter_payload(chapter) for chapter in chapters], "pagination": pagination})


def find_visit(visit_id: UUID) -> Visit:
    """Return the visit with outlet and author. Raises VisitNotFound."""
    visit = Visit.objects.select_related("outlet", "created_by", "voided_by").filter(pk=visit_id).first()
    if visit is None:
        raise VisitNotFound(details={"visit_id": str(visit_id)})
    return visit


def correction_payload(receipt: CorrectionReceipt) -> dict[str, Any]:
    """Return the answer to a correction."""
    loyalty = standing_payload(receipt.status)
    if loyalty is not None:
        loyalty["points_not_recovered"] = receipt.shortfall
    changed = [WIRE_NAMES.get(name, name) for name in receipt.changed if name != "item_count"]
    return {"visit": visit_payload(receipt.visit), "loyalty": loyalty, "changed": changed}


def chapter_payload(chapter: Chapter) -> dict[str, Any]:
    """Return one thing that happened."""
    return {
        "at": chapter.at,
        "kind": chapter.kind,
        "actor_id": chapter.actor_id,
        "actor_name": chapter.actor_name or None,
        "changes": [
            {"field": WIRE_NAMES.get(change.field, change.field), "old": change.old, "new": change.new}
            for change in chapter.changes
        ],
        "ledger_entry": _entry_payload(chapter.entry) if chapter.entry else None,
    }


def _entry_payload(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "customer_id": entry.customer_id,
        "type": entry.type,
        "points": entry.points,
        "balance_after": entry.balance_after,
        "description": entry.description,
        "explanation": entry.explanation,
        "shortfall": entry.shortfall,
        "reverses_id": entry.reverses_id,
    }


def seen_version(request: Request) -> datetime | None:
    """Return the state the client saw, from ``If-Match``; None when it does not care.

    Raises ValidationError for a header that is none of ours.
    """
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    try:
        return version_time(given.removeprefix("W/").strip('"'))
    except ValueError:
        raise ValidationError({"If-Match": [_("Send back the ETag of the visit as you got it.")]}) from None


def _tagged(response: Response, visit: Visit) -> Response:
    response["ETag"] = f'"{version_of(visit)}"'
    return response


def _on_wire(error: DjangoValidationError) -> dict[str, Any]:
    if not hasattr(error, "error_dict"):
        return {"non_field_errors": error.messages}
    return {WIRE_NAMES.get(name, name): messages for name, messages in error.message_dict.items()}
