"""Vouchers over HTTP."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loyalty.api.reward_shapes import VoucherCancellation, VoucherUse, quote_payload, voucher_payload
from loyalty.models import Voucher
from loyalty.selectors.vouchers import find_voucher, list_vouchers
from loyalty.services.vouchers import cancel_voucher, use_voucher
from servaan_crm.accounts.permissions import HasPermission, P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok


class VoucherFilters(serializers.Serializer[Any]):
    """The filters of the list."""

    search = serializers.CharField(max_length=100, required=False)
    customer_id = serializers.UUIDField(required=False)
    reward_id = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(Voucher.Status.choices, required=False)
    source = serializers.ChoiceField(Voucher.Source.choices, required=False)  # type: ignore[assignment]


class NoFilters(serializers.Serializer[Any]):
    """No parameters."""


class VouchersView(APIView):
    """The vouchers of the café."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="vouchers_list", parameters=[VoucherFilters], responses={200: dict})
    def get(self, request: Request) -> Response:
        """List vouchers, newest first."""
        page, pagination = paginate(request, list_vouchers(read_query(request, VoucherFilters)))
        return ok({"vouchers": [voucher_payload(row) for row in page], "pagination": pagination})


class VoucherView(APIView):
    """One voucher by its code."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="vouchers_read", responses={200: dict})
    def get(self, request: Request, voucher_code: str) -> Response:
        """Return the voucher with a typed or scanned code, in any state."""
        read_query(request, NoFilters, extra=())
        return ok({"voucher": voucher_payload(find_voucher(voucher_code))})


class VoucherAction(APIView):
    """Base of what is done with a voucher."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_REDEEM
    rate_area = "customers"


class CancelVoucherView(VoucherAction):
    """Take a voucher back."""

    @extend_schema(operation_id="vouchers_cancel", request=VoucherCancellation, responses={200: dict})
    def post(self, request: Request, voucher_id: UUID) -> HttpResponse:
        """Cancel a voucher that was not used: its points come back. Gifts are cancelled by managers alone."""
        form = VoucherCancellation(data=request.data)
        form.is_valid(raise_exception=True)
        staff = staff_of(request)

        def cancel() -> Response:
            voucher = cancel_voucher(
                actor=staff.actor,
                voucher_id=voucher_id,
                reason=form.validated_data["reason"],
                may_cancel_gifts=can(staff, P.LOYALTY_MANAGE),
            )
            return ok({"voucher": voucher_payload(voucher)})

        return answer_once(request, cancel)


class UseVoucherView(VoucherAction):
    """Use a voucher on a bill that is not recorded here."""

    @extend_schema(operation_id="vouchers_use", request=VoucherUse, responses={200: dict})
    def post(self, request: Request, voucher_id: UUID) -> HttpResponse:
        """Use a voucher up; ``discount`` is what it takes off ``total_amount``."""
        form = VoucherUse(data=request.data)
        form.is_valid(raise_exception=True)
        body = form.validated_data

        def use() -> Response:
            quote = use_voucher(
                actor=staff_of(request).actor,
                voucher_id=voucher_id,
                total=body["total_amount"],
                items=body.get("items", ()),
                outlet_id=body["outlet_id"],
            )
            return ok(quote_payload(quote))

        return answer_once(request, use)
