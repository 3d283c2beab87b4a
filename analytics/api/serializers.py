"""Queries and answers of the statistics."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers

from analytics.periods import TIME_RANGES, Period, last_days, today
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.serializers import DateField

MOST_DAYS = 3660


class StatisticsQuery(serializers.Serializer[None]):
    """``time_range`` or ``from``/``to`` (both days included; ``to`` is today by default).

    They restrict the figures of flow; without them these are of the café's current calendar month.
    ``refresh`` is taken for the sake of clients that send it everywhere: the figures are never cached.
    """

    time_range = serializers.ChoiceField(choices=list(TIME_RANGES), required=False)
    to = DateField(required=False)
    refresh = serializers.BooleanField(required=False)

    def get_fields(self) -> dict[str, Any]:
        # "from" is a word of Python's own, so it cannot be a class attribute.
        return {"from": DateField(required=False), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("from"), attrs.get("to")
        if attrs.get("time_range") and (first or last):
            raise serializers.ValidationError({"time_range": [_("Give either time_range or from/to.")]})
        if last and not first:
            raise serializers.ValidationError({"from": [_("Give the first day as well.")]})
        if first and first > (last or today()):
            raise serializers.ValidationError({"from": [_("The first day is after the last one.")]})
        return attrs


class VisitAnalyticsQuery(StatisticsQuery):
    """The period (the last 30 days by default, at most ten years) and one ``outlet`` instead of all."""

    outlet = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        period = period_of(attrs)
        if period and period.days > MOST_DAYS:
            raise serializers.ValidationError({"from": [_("Ask for ten years at most.")]})
        return attrs

    def validate_outlet(self, outlet_id: UUID) -> UUID:
        if not Outlet.objects.filter(pk=outlet_id).exists():
            raise serializers.ValidationError(_("There is no such outlet."))
        return outlet_id


def period_of(query: dict[str, Any]) -> Period | None:
    """Return the period that a validated query asks for, or None for the default."""
    if "time_range" in query:
        return last_days(TIME_RANGES[query["time_range"]])
    if "from" in query:
        return Period(query["from"], query.get("to") or today())
    return None


class SegmentCounts(serializers.Serializer[None]):
    new = serializers.IntegerField()
    occasional = serializers.IntegerField()
    regular = serializers.IntegerField()
    vip = serializers.IntegerField()


class TierCounts(serializers.Serializer[None]):
    bronze = serializers.IntegerField()
    silver = serializers.IntegerField()
    gold = serializers.IntegerField()
    platinum = serializers.IntegerField()


class CustomerStatistics(serializers.Serializer[None]):
    """``monthly_growth`` in percent, null while there was nobody before the period; amounts in the base unit."""

    total = serializers.IntegerField()
    active = serializers.IntegerField()
    new_this_month = serializers.IntegerField()
    monthly_growth = serializers.FloatField(allow_null=True)
    average_lifetime_value = serializers.FloatField()
    average_visits_per_customer = serializers.FloatField()
    by_segment = SegmentCounts()
    by_tier = TierCounts()


class LoyaltyStatistics(serializers.Serializer[None]):
    total_points_issued = serializers.IntegerField()
    total_points_redeemed = serializers.IntegerField()
    active_points = serializers.IntegerField()
    average_points_per_customer = serializers.FloatField()
    tier_distribution = TierCounts()
    points_issued_this_month = serializers.IntegerField()
    points_redeemed_this_month = serializers.IntegerField()


class TopCustomer(serializers.Serializer[None]):
    customer_id = serializers.UUIDField()
    customer_name = serializers.CharField()
    total_spent = serializers.FloatField()
    visit_count = serializers.IntegerField()


class PeakHour(serializers.Serializer[None]):
    hour = serializers.IntegerField(min_value=0, max_value=23)
    visit_count = serializers.IntegerField()
    revenue = serializers.FloatField()


class DailyRevenue(serializers.Serializer[None]):
    date = serializers.DateField()
    revenue = serializers.FloatField()
    visit_count = serializers.IntegerField()


class VisitAnalytics(serializers.Serializer[None]):
    """Amounts in the base unit; all 24 hours and every day of the period are listed."""

    total_visits = serializers.IntegerField()
    total_revenue = serializers.FloatField()
    average_order_value = serializers.FloatField()
    visits_this_month = serializers.IntegerField()
    revenue_this_month = serializers.FloatField()
    average_visits_per_customer = serializers.FloatField()
    top_customers = TopCustomer(many=True)
    peak_hours = PeakHour(many=True)
    daily_revenue = DailyRevenue(many=True)
    generated_at = serializers.DateTimeField()
