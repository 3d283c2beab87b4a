"""Visits over HTTP."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from checkout.api.serializers import (
    VisitRequestSerializer,
    VoidSerializer,
    receipt_payload,
    void_payload,
)
from checkout.services import record_visit, void_visit
from checkout.services.confirm import confirmed_by
from loyalty.models import RedemptionCode
from servaan_crm.accounts.permissions import HasPermission, P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once, was_answered
from servaan_crm.core.responses import ok


class VisitsView(APIView):
    """Record a visit."""

    permission_classes = (HasPermission,)
    permission = P.VISITS_RECORD
    rate_area = "customers"

    @extend_schema(request=VisitRequestSerializer, responses={201: dict})
    def post(self, request: Request) -> HttpResponse:
        confirmed = self._confirmed(request)
        return answer_once(request, lambda: self._record(request, confirmed))

    def _confirmed(self, request: Request) -> RedemptionCode | None:
        """Check the guest's SMS code before the transaction: a wrong try counts although the visit is refused."""
        if not _names_a_code(request.data) or was_answered(request):
            return None
        form = VisitRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.to_request(staff_of(request))
        return confirmed_by(wanted, str(form.validated_data["confirmation_code"]))

    def _record(self, request: Request, confirmed: RedemptionCode | None) -> Response:
        form = VisitRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = staff_of(request)
        receipt = record_visit(
            actor=user.actor,
            request=form.to_request(user),
            may_backdate=can(user, P.VISITS_BACKDATE),
            confirmed=confirmed,
        )
        return ok(receipt_payload(receipt), status=201)


def _names_a_code(data: Any) -> bool:
    return isinstance(data, dict) and bool(data.get("confirmation_code"))


class VoidVisitView(APIView):
    """Take a visit back."""

    permission_classes = (HasPermission,)
    permission = P.VISITS_VOID
    rate_area = "customers"

    @extend_schema(request=VoidSerializer, responses={200: dict})
    def post(self, request: Request, visit_id: UUID) -> HttpResponse:
        return answer_once(request, lambda: self._void(request, visit_id))

    def _void(self, request: Request, visit_id: UUID) -> Response:
        form = VoidSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        receipt = void_visit(
            actor=staff_of(request).actor,
            visit_id=visit_id,
            reason=form.validated_data["reason"],
            may_void_old=can(staff_of(request), P.VISITS_BACKDATE),
        )
        return ok(void_payload(receipt))
