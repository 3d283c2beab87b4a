"""``/api/crm/customers/{id}/behavior`` and ``…/analytics``: how one guest behaves, in figures."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Avg, Count
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from customers.api.views import CustomerAPIView
from customers.models import Visit
from customers.selectors import get_customer
from customers.selectors.behavior import Behavior, DayPart, TrendStatus, get_behavior, preferred
from customers.selectors.behavior import Count as Tally
from customers.selectors.favourites import Favourite
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok
from servaan_crm.l10n.jalali import week_order
from servaan_crm.l10n.serializers import MoneyField

# By date.weekday().
WEEKDAY_CODES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class NoQuery(serializers.Serializer[None]):
    """The address takes no parameters but ``refresh``, which changes nothing: the answer is never cached."""

    refresh = serializers.BooleanField(required=False)


class FavouriteSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    visits = serializers.IntegerField(help_text="Bills it is on.")
    quantity = serializers.FloatField()


class FavouritesSerializer(serializers.Serializer[Any]):
    last_12_months = FavouriteSerializer(many=True)
    lifetime = FavouriteSerializer(many=True)


class RhythmSerializer(serializers.Serializer[Any]):
    """Days between visit days. ``own_days`` is the median, null with fewer than three gaps."""

    status = serializers.ChoiceField(choices=TrendStatus.choices)
    mean_days = serializers.FloatField(allow_null=True)
    median_days = serializers.FloatField(allow_null=True)
    own_days = serializers.IntegerField(allow_null=True)
    spread_days = serializers.FloatField(allow_null=True)
    overdue_factor = serializers.FloatField(allow_null=True)


class TrendSerializer(serializers.Serializer[Any]):
    """Spend of the last 90 days against the 90 before; ``change_percent`` is null without enough data."""

    status = serializers.ChoiceField(choices=TrendStatus.choices)
    last_90_days = MoneyField()
    previous_90_days = MoneyField()
    change_percent = serializers.FloatField(allow_null=True)


class BehaviorSerializer(serializers.Serializer[Any]):
    """Seed 003's behaviour in snake_case, and ours. A café has no carts, so nothing is said of abandoned ones."""

    customer_id = serializers.UUIDField()
    avg_order_value = MoneyField(help_text="Lifetime spend per visit, rounded down.")
    preferred_categories = serializers.ListField(child=serializers.CharField())
    preferred_payment_method = serializers.ChoiceField(choices=Visit.PaymentMethod.choices, allow_null=True)
    avg_days_between_orders = serializers.IntegerField(allow_null=True)
    peak_order_time = serializers.ChoiceField(choices=DayPart.choices, allow_null=True)
    preferred_items = serializers.ListField(child=serializers.CharField())
    preferred_weekday = serializers.ChoiceField(choices=WEEKDAY_CODES, allow_null=True)
    preferred_visit_type = serializers.ChoiceField(choices=Visit.VisitType.choices, allow_null=True)
    total_orders = serializers.IntegerField()
    next_expected_visit = serializers.DateField(allow_null=True)
    rhythm = RhythmSerializer()
    spend_trend = TrendSerializer()
    items = FavouritesSerializer()
    categories = FavouritesSerializer()


def behavior_payload(behavior: Behavior) -> dict[str, Any]:
    """Return the behaviour of one guest as :class:`BehaviorSerializer` describes it."""
    summary, patterns, rhythm = behavior.customer.summary, behavior.patterns, behavior.rhythm
    weekday = preferred(patterns.weekdays)
    return {
        "customer_id": str(behavior.customer.pk),
        "avg_order_value": summary.average_spend,
        "preferred_categories": behavior.categories.names,
        "preferred_payment_method": preferred(patterns.payments),
        "avg_days_between_orders": rhythm.average_days,
        "peak_order_time": behavior.peak_order_time,
        "preferred_items": behavior.items.names,
        "preferred_weekday": None if weekday is None else WEEKDAY_CODES[weekday],
        "preferred_visit_type": preferred(patterns.visit_types),
        "total_orders": summary.total_visits,
        "next_expected_visit": rhythm.next_expected,
        "rhythm": _rhythm(behavior),
        "spend_trend": _trend(behavior),
        "items": _favourites(behavior.items.recent, behavior.items.lifetime),
        "categories": _favourites(behavior.categories.recent, behavior.categories.lifetime),
    }


def _status(is_known: bool) -> str:
    return str(TrendStatus.OK if is_known else TrendStatus.NOT_ENOUGH)


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 1)


def _rhythm(behavior: Behavior) -> dict[str, Any]:
    rhythm = behavior.rhythm
    return {
        "status": _status(rhythm.is_known),
        "mean_days": _rounded(rhythm.mean),
        "median_days": _rounded(rhythm.median),
        "own_days": rhythm.own_days,
        "spread_days": _rounded(rhythm.spread),
        "overdue_factor": behavior.overdue_factor,
    }


def _trend(behavior: Behavior) -> dict[str, Any]:
    trend = behavior.spending.trend
    return {
        "status": str(trend.status),
        "last_90_days": trend.recent,
        "previous_90_days": trend.previous,
        "change_percent": trend.percent,
    }


def _favourites(recent: tuple[Favourite, ...], lifetime: tuple[Favourite, ...]) -> dict[str, Any]:
    def rows(things: tuple[Favourite, ...]) -> list[dict[str, Any]]:
        return [{"name": one.name, "visits": one.visits, "quantity": one.quantity} for one in things]

    return {"last_12_months": rows(recent), "lifetime": rows(lifetime)}


class CustomerBehaviorView(CustomerAPIView):
    """How one guest behaves (seed 003 ``/cdm/behavior/{id}``)."""

    @extend_schema(operation_id="customers_behavior", responses={200: BehaviorSerializer})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return preferences, rhythm and trend of one guest."""
        read_query(request, NoQuery, extra=())
        behavior = get_behavior(get_customer(customer_id))
        return ok({"behavior": behavior_payload(behavior)})


class CustomerAnalyticsView(CustomerAPIView):
    """Visits, spend, items and satisfaction of one guest, for charts (seed 002)."""

    @extend_schema(operation_id="customers_analytics", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, customer_id: UUID) -> Response:
        """Return the figures behind the behaviour tab; a figure without enough data is null and says so."""
        read_query(request, NoQuery, extra=())
        behavior = get_behavior(get_customer(customer_id))
        return ok({"analytics": analytics_payload(behavior)})


def analytics_payload(behavior: Behavior) -> dict[str, Any]:
    """Return visit patterns, spend, items and satisfaction of one guest; one query, for the ratings."""
    summary, patterns, rhythm = behavior.customer.summary, behavior.patterns, behavior.rhythm
    weekdays, hours = patterns.weekdays, _by_hour(behavior)
    return {
        "customer_id": str(behavior.customer.pk),
        "visits": {
            "total": summary.total_visits,
            "first": summary.first_visit_at,
            "last": summary.last_visit_at,
            "rhythm": _rhythm(behavior),
            "next_expected": rhythm.next_expected,
            "by_weekday": [_tally("weekday", WEEKDAY_CODES[day], weekdays.get(day)) for day in week_order()],
            "by_hour": [_tally("hour", hour, hours.get(hour)) for hour in range(24)],
            "by_type": [_tally("type", kind, count) for kind, count in sorted(patterns.visit_types.items())],
            "by_payment_method": [
                _tally("payment_method", kind, count) for kind, count in sorted(patterns.payments.items())
            ],
        },
        "spend": {
            "lifetime": summary.lifetime_spent,
            "average": summary.average_spend,
            "trend": _trend(behavior),
            "by_month": [
                {"month": month.first, "visits": month.visits, "spent": month.spent}
                for month in behavior.spending.months
            ],
        },
        "items": _favourites(behavior.items.recent, behavior.items.lifetime),
        "categories": _favourites(behavior.categories.recent, behavior.categories.lifetime),
        "satisfaction": _satisfaction(behavior),
    }


def _by_hour(behavior: Behavior) -> dict[int, Tally]:
    hours: dict[int, Tally] = {}
    for (_weekday, hour), count in behavior.patterns.hours.items():
        hours[hour] = hours[hour] + count if hour in hours else count
    return hours


def _tally(name: str, value: str | int, count: Tally | None) -> dict[str, Any]:
    return {name: value, "visits": count.visits if count else 0, "spent": count.spent if count else 0}


def _satisfaction(behavior: Behavior) -> dict[str, Any]:
    rated = Visit.objects.filter(customer=behavior.customer, voided_at=None)
    row = rated.aggregate(count=Count("feedback_rating"), mean=Avg("feedback_rating"))
    mean = row["mean"]
    return {"ratings": row["count"], "average": None if mean is None else round(float(mean), 2)}
