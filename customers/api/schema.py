"""What OpenAPI says about the customer addresses, and the query of the visit list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from customers.api.serializers import CustomerSerializer, VisitSerializer
from customers.filters import PARAMETER_HELP, CustomerFilter, unknown_parameters
from servaan_crm.l10n.serializers import DateField, MoneyField


class VisitQuery(serializers.Serializer[None]):
    """The narrowing parameters of a visit list; ``from_date`` and ``to_date`` are included."""

    from_date = DateField(required=False)
    to_date = DateField(required=False)
    min_amount = MoneyField(required=False)
    max_amount = MoneyField(required=False)

    @classmethod
    def read(cls, request: Request, *, extra: Iterable[str] = ()) -> dict[str, Any]:
        """Return the parameters as values. Raises ValidationError naming each that is wrong or unknown."""
        names = tuple(cls().fields)
        given = {name: request.query_params[name] for name in names if request.query_params.get(name)}
        query = cls(data=given)
        errors: dict[str, Any] = unknown_parameters(request.query_params, (*names, *extra))
        if not query.is_valid():
            errors |= query.errors
        if errors:
            raise ValidationError(errors)
        return dict(query.validated_data)


class PaginationSerializer(serializers.Serializer[None]):
    current_page = serializers.IntegerField()
    total_pages = serializers.IntegerField()
    total_items = serializers.IntegerField()
    items_per_page = serializers.IntegerField()


def _answer(name: str, **data: Any) -> Any:
    inner = inline_serializer(f"{name}Data", fields=data)
    return inline_serializer(name, fields={"success": serializers.BooleanField(), "data": inner})


CustomerAnswer = _answer("CustomerAnswer", customer=CustomerSerializer())
CustomerPage = _answer(
    "CustomerPage", customers=CustomerSerializer(many=True), pagination=PaginationSerializer()
)
CustomerByPhone = _answer(
    "CustomerByPhone", customer=CustomerSerializer(), recent_visits=VisitSerializer(many=True)
)
VisitPage = _answer("CustomerVisitPage", visits=VisitSerializer(many=True), pagination=PaginationSerializer())
PhoneCheck = _answer(
    "PhoneCheck",
    phone=serializers.CharField(),
    is_valid=serializers.BooleanField(),
    national=serializers.CharField(allow_null=True),
    international=serializers.CharField(allow_null=True),
    customer_id=serializers.UUIDField(allow_null=True),
    reason=serializers.CharField(allow_null=True),
    suggestion=serializers.CharField(allow_null=True),
    suggestion_en=serializers.CharField(allow_null=True),
)
IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="ETag of the customer as it was read."
)
_PAGING = [
    OpenApiParameter("page", OpenApiTypes.INT, description="From 1."),
    OpenApiParameter("limit", OpenApiTypes.INT, description="Items per page, at most 100; default 20."),
]


def _parameter(name: str) -> OpenApiParameter:
    extra = CustomerFilter.base_filters[name].extra
    return OpenApiParameter(
        name, OpenApiTypes.STR, enum=extra.get("codes"), description=str(PARAMETER_HELP.get(name, ""))
    )


LIST = [*_PAGING, *(_parameter(name) for name in CustomerFilter.base_filters)]
VISITS = [
    *_PAGING,
    OpenApiParameter("from_date", OpenApiTypes.DATE),
    OpenApiParameter("to_date", OpenApiTypes.DATE),
    OpenApiParameter("min_amount", OpenApiTypes.NUMBER),
    OpenApiParameter("max_amount", OpenApiTypes.NUMBER),
]
