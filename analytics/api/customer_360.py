"""``/api/crm/customers/{id}/360``, ``…/360`` and ``…/at-risk`` (seed 003 ``/cdm/customer360``, ``/cdm/dropoff``)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.selectors.customer_360 import Customer360, find_360, get_360
from analytics.selectors.dropoff import RISK_LEVELS, AtRisk, describe_at_risk, find_at_risk
from customers.selectors import get_customer, get_facts
from customers.selectors.derived import CustomerType, Lifecycle, Risk, Temperature
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.l10n.serializers import MoneyField


class Customer360Query(serializers.Serializer[None]):
    """Derived facts to narrow the list by."""

    customer_type = serializers.ChoiceField(choices=CustomerType.choices, required=False)
    lifecycle_stage = serializers.ChoiceField(choices=Lifecycle.choices, required=False)
    temperature = serializers.ChoiceField(choices=Temperature.choices, required=False)


class NoQuery(serializers.Serializer[None]):
    """No parameters but ``refresh``, which changes nothing: the answer is never cached."""

    refresh = serializers.BooleanField(required=False)


class Customer360Serializer(serializers.Serializer[Any]):
    """A guest's 360° row. The name is parted at its last space; days are the café's calendar days."""

    customer_id = serializers.UUIDField()
    first_name = serializers.CharField()
    last_name = serializers.CharField(allow_blank=True)
    email = serializers.EmailField(allow_null=True)
    phone = serializers.CharField()
    customer_type = serializers.ChoiceField(choices=CustomerType.choices)
    lifecycle_stage = serializers.ChoiceField(choices=Lifecycle.choices)
    customer_temperature = serializers.ChoiceField(choices=Temperature.choices)
    lifetime_value = MoneyField()
    total_orders = serializers.IntegerField()
    avg_order_value = MoneyField()
    last_order_date = serializers.DateField(allow_null=True)
    days_since_last_order = serializers.IntegerField(allow_null=True)
    family_members_count = serializers.IntegerField()
    total_interactions = serializers.IntegerField()
    preferred_categories = serializers.ListField(child=serializers.CharField())
    avg_days_between_orders = serializers.IntegerField(allow_null=True)


class AtRiskQuery(serializers.Serializer[None]):
    risk_level = serializers.ChoiceField(
        choices=[(level, Risk(level).label) for level in RISK_LEVELS], required=False
    )


class AtRiskSerializer(serializers.Serializer[Any]):
    """A guest at risk. ``overdue_factor``: the absence in units of the own rhythm, null while not known."""

    customer_id = serializers.UUIDField()
    name = serializers.CharField()
    last_active_date = serializers.DateField()
    days_inactive = serializers.IntegerField()
    risk_level = serializers.ChoiceField(choices=[(level, Risk(level).label) for level in RISK_LEVELS])
    lifetime_value = MoneyField()
    recovery_attempted = serializers.BooleanField(
        help_text="The café called or advertised since the last visit."
    )
    recovery_successful = serializers.BooleanField(
        help_text="An earlier absence ended after the café had been in touch."
    )
    overdue_factor = serializers.FloatField(allow_null=True)
    own_rhythm_days = serializers.IntegerField(allow_null=True)
    is_late = serializers.BooleanField(help_text="So long an absence is unusual for this guest.")


def payload_360(row: Customer360) -> dict[str, Any]:
    """Return the keys of seed 003, all of them and no other."""
    return {**asdict(row), "customer_id": str(row.customer_id)}


def at_risk_payload(row: AtRisk) -> dict[str, Any]:
    """Return one guest as :class:`AtRiskSerializer` describes it."""
    return {
        "customer_id": str(row.customer.pk),
        "name": row.customer.name,
        "last_active_date": row.last_active_date,
        "days_inactive": row.days_inactive,
        "risk_level": row.risk_level,
        "lifetime_value": row.lifetime_value,
        "recovery_attempted": row.recovery.attempted_at is not None,
        "recovery_successful": row.recovery.succeeded_before,
        "overdue_factor": row.overdue_factor,
        "own_rhythm_days": row.rhythm.own_days,
        "is_late": row.is_late,
    }


class CustomerBookView(APIView):
    """Base of these addresses: for everybody who may see guests."""

    permission_classes = (HasPermission,)
    permission = P.CUSTOMERS_VIEW
    rate_area = "customers"


class Customer360View(CustomerBookView):
    """One guest."""

    @extend_schema(operation_id="customers_360", responses={200: Customer360Serializer})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return the 360° row of one guest."""
        read_query(request, NoQuery, extra=())
        return ok({"customer": payload_360(get_360([get_customer(customer_id)])[0])})


class Customers360View(CustomerBookView):
    """A page of guests."""

    @extend_schema(
        operation_id="customers_360_list",
        parameters=[Customer360Query],
        responses={200: Customer360Serializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List the 360° rows of the guests that match, the newest guest first."""
        query = read_query(request, Customer360Query)
        facts = get_facts()
        rows, pagination = paginate(request, find_360(facts=facts, **query))  # type: ignore[arg-type]
        return ok({"customers": [payload_360(row) for row in get_360(rows, facts)], "pagination": pagination})


class AtRiskView(CustomerBookView):
    """Guests who are dropping off."""

    @extend_schema(
        operation_id="customers_at_risk",
        parameters=[AtRiskQuery],
        responses={200: AtRiskSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """List the guests at risk, those who spent most first; blocked and deleted ones are left out."""
        query = read_query(request, AtRiskQuery)
        facts = get_facts()
        levels = [query["risk_level"]] if "risk_level" in query else []
        rows, pagination = paginate(request, find_at_risk(levels, facts))  # type: ignore[arg-type]
        data = [at_risk_payload(row) for row in describe_at_risk(rows, facts)]
        return ok({"customers": data, "pagination": pagination})
