"""Discount codes over HTTP."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.selectors.customers import get_customer
from loyalty.benefits import OpenBill
from loyalty.code_errors import DiscountCodeNotUsable
from loyalty.models import DiscountCode, DiscountUse, Tier
from loyalty.selectors.codes import (
    STATES,
    code_figures,
    get_code,
    given_by,
    list_codes,
    list_uses,
    state_of,
)
from loyalty.selectors.status import get_account
from loyalty.services.codes import (
    MAX_GENERATED,
    create_code,
    generate_codes,
    normal_code,
    quote,
    switch_off_code,
    update_code,
)
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.errors import NotFound
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.core.serializers import StrictSerializer
from servaan_crm.l10n.serializers import DateField, MoneyField


class TermsSerializer(StrictSerializer):
    """What a code takes off, and from whom."""

    name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    kind = serializers.ChoiceField(DiscountCode.Kind.choices)
    value = serializers.DecimalField(max_digits=14, decimal_places=2)
    max_discount = MoneyField(required=False, allow_null=True)
    item_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    minimum_amount = MoneyField(required=False)
    starts_on = DateField(required=False, allow_null=True)
    ends_on = DateField(required=False, allow_null=True)
    max_uses_per_guest = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=1_000_000
    )
    tiers = serializers.ListField(child=serializers.ChoiceField(Tier.Level.choices), required=False)
    outlets = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=200)
    is_active = serializers.BooleanField(required=False)


class CodeSerializer(TermsSerializer):
    """One code; without ``code`` one is drawn."""

    code = serializers.CharField(max_length=40, required=False, allow_blank=True)
    max_uses = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=100_000_000)
    customer_id = serializers.UUIDField(required=False, allow_null=True)


class GenerateSerializer(TermsSerializer):
    """Many codes, each usable once."""

    count = serializers.IntegerField(min_value=1, max_value=MAX_GENERATED)
    prefix = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class CodeFilters(serializers.Serializer[Any]):
    """The filters of the list."""

    search = serializers.CharField(max_length=100, required=False)
    state = serializers.ChoiceField([(state, state) for state in STATES], required=False)
    kind = serializers.ChoiceField(DiscountCode.Kind.choices, required=False)
    customer_id = serializers.UUIDField(required=False)
    campaign_id = serializers.UUIDField(required=False)
    personal = serializers.BooleanField(required=False, allow_null=True, default=None)
    used = serializers.BooleanField(required=False, allow_null=True, default=None)


class CheckQuery(serializers.Serializer[Any]):
    """The bill a code is checked against."""

    total_amount = MoneyField()
    customer_id = serializers.UUIDField(required=False)
    outlet_id = serializers.UUIDField(required=False)


class NoFilters(serializers.Serializer[Any]):
    """No parameters but the paging."""


class CodesView(APIView):
    """The codes of the café."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    permissions_by_method = {"GET": P.LOYALTY_VIEW}
    rate_area = "customers"

    @extend_schema(operation_id="codes_list", parameters=[CodeFilters], responses={200: dict})
    def get(self, request: Request) -> Response:
        """List codes, newest first, with the figures of all that match."""
        rows = list_codes(read_query(request, CodeFilters))
        page, pagination = paginate(request, rows)
        given, figures = given_by(page), code_figures(rows)
        summary = {
            "codes": figures.codes, "uses": figures.uses, "guests": figures.guests,
            "discount_given": figures.given, "revenue": figures.revenue,
        }  # fmt: skip
        codes = [code_payload(row, given.get(row.pk, Decimal(0))) for row in page]
        return ok({"codes": codes, "summary": summary, "pagination": pagination})

    @extend_schema(operation_id="codes_create", request=CodeSerializer, responses={201: dict})
    def post(self, request: Request) -> HttpResponse:
        """Create a code."""
        return answer_once(request, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        form = CodeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        code = _told(create_code, actor=staff_of(request).actor, values=form.validated_data)
        return ok({"code": code_payload(code)}, status=201)


class CodeView(APIView):
    """One code."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    permissions_by_method = {"GET": P.LOYALTY_VIEW}
    rate_area = "customers"

    @extend_schema(operation_id="codes_read", responses={200: dict})
    def get(self, request: Request, code_id: UUID) -> Response:
        return ok({"code": _full(get_code(code_id))})

    @extend_schema(operation_id="codes_change", request=CodeSerializer(partial=True), responses={200: dict})
    def patch(self, request: Request, code_id: UUID) -> Response:
        """Change a code from now on."""
        form = CodeSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        _told(update_code, actor=staff_of(request).actor, code_id=code_id, changes=form.validated_data)
        return ok({"code": _full(get_code(code_id))})

    @extend_schema(operation_id="codes_switch_off", responses={200: dict})
    def delete(self, request: Request, code_id: UUID) -> Response:
        """Switch a code off; its uses stay."""
        switch_off_code(actor=staff_of(request).actor, code_id=code_id)
        return ok({"code": _full(get_code(code_id))})


class GenerateCodesView(APIView):
    """Many single-use codes at once."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_MANAGE
    rate_area = "customers"

    @extend_schema(operation_id="codes_generate", request=GenerateSerializer, responses={201: dict})
    def post(self, request: Request) -> HttpResponse:
        """Draw ``count`` codes that nobody can guess, each usable once."""
        return answer_once(request, lambda: self._generate(request))

    def _generate(self, request: Request) -> Response:
        form = GenerateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = dict(form.validated_data)
        count, prefix = values.pop("count"), values.pop("prefix")
        codes = _told(
            generate_codes, actor=staff_of(request).actor, count=count, prefix=prefix, values=values
        )
        return ok({"codes": codes, "count": len(codes)}, status=201)


class CheckCodeView(APIView):
    """What a code would take off a bill, or why nothing."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="codes_check", parameters=[CheckQuery], responses={200: dict})
    def get(self, request: Request, code: str) -> Response:
        """Check a code; nothing is used up. ``usable`` false comes with the ``reason`` in one word."""
        if not DiscountCode.objects.filter(code=normal_code(code)).exists():
            raise NotFound
        asked = read_query(request, CheckQuery, extra=())
        customer = get_customer(asked["customer_id"]) if asked.get("customer_id") else None
        try:
            found = quote(
                code,
                customer=customer,
                tier=get_account(customer).tier if customer else "",
                bill=OpenBill(asked["total_amount"]),
                total=asked["total_amount"],
                outlet_id=asked.get("outlet_id") or staff_of(request).outlet_id,
                at=timezone.now(),
            )
        except DiscountCodeNotUsable as refusal:
            return ok({
                "code": refusal.details["discount_code"], "usable": False, "discount": Decimal(0),
                "reason": refusal.details["reason"], "message": str(refusal),
            })  # fmt: skip
        return ok({
            "code": found.code.code, "usable": True, "discount": found.discount, "reason": None, "message": None,
        })  # fmt: skip


class CodeUsesView(APIView):
    """The bills a code was used on."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(operation_id="codes_uses", responses={200: dict})
    def get(self, request: Request, code_id: UUID) -> Response:
        """List the uses, newest first, those taken back with their bill too."""
        read_query(request, NoFilters)
        page, pagination = paginate(request, list_uses(get_code(code_id)))
        return ok({"uses": [use_payload(row) for row in page], "pagination": pagination})


def code_payload(code: DiscountCode, given: Decimal = Decimal(0)) -> dict[str, Any]:
    """Return one code as the API shows it. Amounts are in the base unit; ``value`` of a percentage is percent."""
    return {
        "id": code.pk, "code": code.code, "name": code.name, "state": state_of(code), "kind": code.kind,
        "value": code.value, "max_discount": code.max_discount, "item_name": code.item_name or None,
        "minimum_amount": code.minimum_amount, "starts_on": code.starts_on, "ends_on": code.ends_on,
        "max_uses": code.max_uses, "max_uses_per_guest": code.max_uses_per_guest, "times_used": code.times_used,
        "discount_given": given, "customer_id": code.customer_id, "tiers": code.tiers, "outlets": code.outlets,
        "campaign_id": code.campaign_id, "is_active": code.is_active, "created_at": code.created_at,
    }  # fmt: skip


def use_payload(use: DiscountUse) -> dict[str, Any]:
    """Return one use as the API shows it."""
    return {
        "id": use.pk, "visit_id": use.visit_id, "customer_id": use.customer_id, "amount": use.amount,
        "total_amount": use.visit.total_amount, "visit_date": use.visit.visit_date,
        "status": "reversed" if use.reversed_at else "used", "reversed_at": use.reversed_at,
    }  # fmt: skip


def _full(code: DiscountCode) -> dict[str, Any]:
    return code_payload(code, given_by([code]).get(code.pk, Decimal(0)))


def _told(service: Any, **arguments: Any) -> Any:
    """Call a service and give its refusals the names of the body's fields."""
    try:
        return service(**arguments)
    except DjangoValidationError as error:
        raise ValidationError(error.message_dict) from error
