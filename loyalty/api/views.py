"""The club over HTTP."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.errors import CustomerNotFound
from customers.models import Customer
from loyalty.api import serializers
from loyalty.api.confirmations import confirmed_by
from loyalty.models import LedgerEntry
from loyalty.selectors import get_loyalty_status
from loyalty.services import adjust_points, award_points, redeem_points
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.responses import ok


def _customer(customer_id: UUID) -> Customer:
    customer = Customer.objects.select_related("summary").filter(pk=customer_id, deleted_at=None).first()
    if customer is None:
        raise CustomerNotFound(details={"customer_id": str(customer_id)})
    return customer


class LoyaltyStatusView(APIView):
    """Where one guest stands."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(responses={200: dict})
    def get(self, request: Request, customer_id: UUID) -> Response:
        return ok(serializers.status_payload(get_loyalty_status(_customer(customer_id))))


class MoveView(APIView):
    """Base of the three ways points move by hand."""

    permission_classes = (HasPermission,)
    rate_area = "customers"
    serializer: type = serializers.AdjustSerializer

    def post(self, request: Request) -> HttpResponse:
        form = self.serializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = self.prepare(request, dict(form.validated_data))
        return answer_once(request, lambda: self._answer(request, data))

    def prepare(self, request: Request, data: dict[str, Any]) -> dict[str, Any]:
        """Do what must not be taken back with a refusal; returns what the service is called with."""
        return data

    def _answer(self, request: Request, data: dict[str, Any]) -> Response:
        entry = self.move(request, data)
        return ok({"transaction": serializers.entry_payload(entry)}, status=201)

    def move(self, request: Request, data: dict[str, Any]) -> LedgerEntry:
        """Call the service."""
        raise NotImplementedError


@extend_schema(request=serializers.AwardSerializer, responses={201: dict})
class AwardPointsView(MoveView):
    permission = P.LOYALTY_AWARD
    serializer = serializers.AwardSerializer

    def move(self, request: Request, data: dict[str, Any]) -> LedgerEntry:
        data["reference"] = data.pop("transaction_id")
        return award_points(actor=staff_of(request).actor, **data)


@extend_schema(request=serializers.RedeemSerializer, responses={201: dict})
class RedeemPointsView(MoveView):
    permission = P.LOYALTY_REDEEM
    serializer = serializers.RedeemSerializer

    def prepare(self, request: Request, data: dict[str, Any]) -> dict[str, Any]:
        code = data.pop("confirmation_code")
        data["confirmed"] = confirmed_by(
            request, customer_id=data["customer_id"], code=code, points=data["points"]
        )
        return data

    def move(self, request: Request, data: dict[str, Any]) -> LedgerEntry:
        data["reference"] = data.pop("applied_to_order")
        return redeem_points(actor=staff_of(request).actor, **data)


@extend_schema(request=serializers.AdjustSerializer, responses={201: dict})
class AdjustPointsView(MoveView):
    permission = P.LOYALTY_ADJUST
    serializer = serializers.AdjustSerializer

    def move(self, request: Request, data: dict[str, Any]) -> LedgerEntry:
        return adjust_points(actor=staff_of(request).actor, **data)
