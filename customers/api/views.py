"""Customers over HTTP."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.api import schema
from customers.api.preconditions import expected_version, with_version
from customers.api.serializers import (
    CustomerWriteSerializer,
    PhoneSerializer,
    customer_payload,
    visit_payload,
)
from customers.filters import CustomerFilter
from customers.models import Customer
from customers.selectors import find_deleted, get_by_phone, get_customer, list_visits, recent_visits
from customers.services import create_customer, delete_customer, restore_customer, update_customer
from servaan_crm.accounts.models import User
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.actors import Actor
from servaan_crm.core.idempotent import answer_once
from servaan_crm.core.pagination import paginate
from servaan_crm.core.responses import ok
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import PhoneError, national, parse_phone
from servaan_crm.l10n.serializers import PhoneErrorCode

PAGING = ("page", "limit")


class CustomerAPIView(APIView):
    """Base of the customer addresses."""

    permission_classes = (HasPermission,)
    permission = P.CUSTOMERS_VIEW
    rate_area = "customers"

    @property
    def actor(self) -> Actor:
        """The caller as the author of a change."""
        user = self.request.user
        assert isinstance(user, User)
        return user.actor


class CustomersView(CustomerAPIView):
    """List and create."""

    permissions_by_method = {"POST": P.CUSTOMERS_EDIT}

    @extend_schema(
        operation_id="customers_list", parameters=schema.LIST, responses={200: schema.CustomerPage}
    )
    def get(self, request: Request) -> Response:
        """List the customers that match, newest first unless sorted otherwise."""
        asked = CustomerFilter(request.query_params, extra=PAGING)
        if problems := asked.problems():
            raise ValidationError(problems)
        rows, pagination = paginate(request, asked.customers())  # type: ignore[arg-type]
        return ok({"customers": [customer_payload(row) for row in rows], "pagination": pagination})

    @extend_schema(
        operation_id="customers_create",
        request=CustomerWriteSerializer,
        responses={201: schema.CustomerAnswer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Enter a customer. When a deleted one had the number, ``data.restorable_customer_id`` names it."""
        return answer_once(request, lambda: self._create(request))

    def _create(self, request: Request) -> Response:
        form = CustomerWriteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        before = find_deleted(form.validated_data["phone"])
        customer = create_customer(actor=self.actor, **form.validated_data)
        data: dict[str, Any] = {"customer": customer_payload(customer)}
        if before is not None:
            data["restorable_customer_id"] = str(before.pk)
        return with_version(ok(data, status=201), customer)


class CustomerByPhoneView(CustomerAPIView):
    """One customer by its number."""

    @extend_schema(operation_id="customers_by_phone", responses={200: schema.CustomerByPhone})
    def get(self, request: Request, phone: str) -> Response:
        """Return the customer with this number, in any usual form, and the last visits."""
        customer = get_by_phone(read_phone(phone))
        visits = [visit_payload(visit) for visit in recent_visits(customer.pk)]
        return with_version(ok({"customer": customer_payload(customer), "recent_visits": visits}), customer)


class CustomerView(CustomerAPIView):
    """Read, replace, change, delete one customer."""

    permissions_by_method = {
        "PUT": P.CUSTOMERS_EDIT,
        "PATCH": P.CUSTOMERS_EDIT,
        "DELETE": P.CUSTOMERS_DELETE,
    }

    @extend_schema(operation_id="customers_read", responses={200: schema.CustomerAnswer})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return one customer; the ``ETag`` is what ``If-Match`` of a change expects."""
        return _answer(get_customer(customer_id))

    @extend_schema(
        operation_id="customers_replace",
        parameters=[schema.IF_MATCH],
        request=CustomerWriteSerializer,
        responses={200: schema.CustomerAnswer},
    )
    def put(self, request: Request, customer_id: UUID) -> Response:
        """Replace one customer: what the body leaves out is emptied."""
        form = CustomerWriteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self._change(request, customer_id, form.replacement())

    @extend_schema(
        operation_id="customers_change",
        parameters=[schema.IF_MATCH],
        request=CustomerWriteSerializer(partial=True),
        responses={200: schema.CustomerAnswer},
    )
    def patch(self, request: Request, customer_id: UUID) -> Response:
        """Change some fields of one customer."""
        form = CustomerWriteSerializer(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return self._change(request, customer_id, form.validated_data)

    @extend_schema(operation_id="customers_delete", responses={200: schema.CustomerAnswer})
    def delete(self, request: Request, customer_id: UUID) -> Response:
        """Take one customer out of the book; it can be restored."""
        return _answer(delete_customer(actor=self.actor, customer_id=customer_id))

    def _change(self, request: Request, customer_id: UUID, changes: dict[str, Any]) -> Response:
        customer = update_customer(
            actor=self.actor,
            customer_id=customer_id,
            expected_version=expected_version(request),
            changes=changes,
        )
        return _answer(customer)


class RestoreCustomerView(CustomerAPIView):
    """Bring a deleted customer back. Whoever may enter a guest may: the number comes back at the counter."""

    permission = P.CUSTOMERS_EDIT

    @extend_schema(operation_id="customers_restore", request=None, responses={200: schema.CustomerAnswer})
    def post(self, request: Request, customer_id: UUID) -> Response:
        """Restore a deleted customer; 409 when another one has the number meanwhile."""
        return _answer(restore_customer(actor=self.actor, customer_id=customer_id))


class CustomerVisitsView(CustomerAPIView):
    """The visits of one customer."""

    @extend_schema(
        operation_id="customers_visits", parameters=schema.VISITS, responses={200: schema.VisitPage}
    )
    def get(self, request: Request, customer_id: UUID) -> Response:
        """List the visits that count, newest first."""
        bounds = schema.VisitQuery.read(request, extra=PAGING)
        customer = get_customer(customer_id)
        rows, pagination = paginate(request, list_visits(customer.pk, **bounds))
        return ok({"visits": [visit_payload(row) for row in rows], "pagination": pagination})


class ValidatePhoneView(CustomerAPIView):
    """Check a number before it is used."""

    @extend_schema(
        operation_id="customers_validate_phone", request=PhoneSerializer, responses={200: schema.PhoneCheck}
    )
    def post(self, request: Request) -> Response:
        """Say whether the number can be stored, how, and who has it; nothing is written."""
        form = PhoneSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        typed = form.validated_data["phone"]
        try:
            phone = parse_phone(typed, get_locale().phone_region)
        except PhoneError as error:
            return ok({**_PHONE_CHECK, "is_valid": False, **error.details(), "reason": error.reason})
        owner = Customer.objects.filter(phone=phone, deleted_at=None).values_list("pk", flat=True).first()
        return ok(
            {
                **_PHONE_CHECK,
                "phone": typed,
                "is_valid": True,
                "national": national(phone, get_locale().phone_region),
                "international": phone,
                "customer_id": str(owner) if owner else None,
            }
        )


_PHONE_CHECK: dict[str, Any] = dict.fromkeys(
    ("phone", "is_valid", "national", "international", "customer_id", "reason", "suggestion", "suggestion_en")
)


def read_phone(typed: str) -> str:
    """Return a number from an address as E.164. Raises ValidationError with INVALID_PHONE_FORMAT."""
    try:
        return parse_phone(typed, get_locale().phone_region)
    except PhoneError as error:
        raise ValidationError(
            {"phone": [_("The phone number is not valid.")]}, PhoneErrorCode.of(error)
        ) from None


def _answer(customer: Customer) -> Response:
    return with_version(ok({"customer": customer_payload(customer)}), customer)
