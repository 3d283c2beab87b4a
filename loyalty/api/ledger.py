"""One guest's ledger and lots over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customers.selectors import get_customer
from loyalty.api.serializers import entry_payload
from loyalty.models import LedgerEntry
from loyalty.selectors.ledger import LedgerFilter, guest_entries, open_lots_of
from loyalty.selectors.status import get_account
from loyalty.services.ledger import usable_points
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.l10n.serializers import DateField


class TransactionsQuery(serializers.Serializer[None]):
    """``type`` as in the ledger; ``from`` and ``to`` are days of the café, both included."""

    type = serializers.ChoiceField(choices=LedgerEntry.Type.choices, required=False)
    to = DateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        # "from" is a word of Python's own, so it cannot be a class attribute.
        return {"from": DateField(required=False), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("from"), attrs.get("to")
        if first and last and first > last:
            raise serializers.ValidationError({"from": [_("The first day is after the last one.")]})
        return attrs


class TransactionsView(APIView):
    """One guest's ledger, newest first."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(parameters=[TransactionsQuery], responses={200: dict})
    def get(self, request: Request, customer_id: UUID) -> Response:
        asked = read_query(request, TransactionsQuery)
        wanted = LedgerFilter(asked.get("type", ""), asked.get("from"), asked.get("to"))
        page, pagination = paginate(request, guest_entries(get_customer(customer_id).pk, wanted))
        return ok({"transactions": [entry_payload(row) for row in page], "pagination": pagination})


class LotSerializer(serializers.Serializer[None]):
    """``expires_on`` is the last day the points can be used; null: for ever. ``days_left``: 0 on that day."""

    expires_on = serializers.DateField(allow_null=True)
    points = serializers.IntegerField()
    days_left = serializers.IntegerField(allow_null=True)


class LotsSerializer(serializers.Serializer[None]):
    """``usable_points``: the sum of the lots, without what ran out and waits for the night."""

    usable_points = serializers.IntegerField()
    lots = LotSerializer(many=True)


class LotsView(APIView):
    """Which points of one guest run out when, the first in front: the order in which they are used."""

    permission_classes = (HasPermission,)
    permission = P.LOYALTY_VIEW
    rate_area = "customers"

    @extend_schema(responses={200: LotsSerializer})
    def get(self, request: Request, customer_id: UUID) -> Response:
        account = get_account(get_customer(customer_id))
        return ok({
            "usable_points": usable_points(account),
            "lots": [
                {"expires_on": lot.expires_on, "points": lot.points, "days_left": lot.days}
                for lot in open_lots_of(account)
            ],
        })  # fmt: skip
