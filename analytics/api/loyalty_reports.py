"""``/api/crm/loyalty/liability``, ``…/flow``, and the guests and ledger rows behind their figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.api.serializers import StatisticsQuery, TierCounts, period_of
from analytics.api.views import StatisticsView
from analytics.calendar_months import month_code, month_span
from analytics.periods import TIME_RANGES, last_days, today
from customers.models import CustomerSummary
from loyalty.api.serializers import entry_payload
from loyalty.selectors.flow import KINDS, entries, get_flow, get_monthly_flow
from loyalty.selectors.liability import Holders, Liability, get_liability
from servaan_crm.core.pagination import paginate
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok

MOST_DAYS = 3660


class FlowQuery(StatisticsQuery):
    """The period, at most ten years; without one the last 365 days."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        period = period_of(attrs)
        if period and period.days > MOST_DAYS:
            raise serializers.ValidationError({"from": [_("Ask for ten years at most.")]})
        return attrs


class EntriesQuery(FlowQuery):
    """``kind``: the figure whose rows are wanted."""

    kind = serializers.ChoiceField(choices=list(KINDS))


class HoldersQuery(serializers.Serializer[None]):
    """``month`` as ``by_expiry_month`` names it, ``never_expires``, or neither for all points; and one ``tier``."""

    month = serializers.CharField(max_length=7, required=False)
    never_expires = serializers.BooleanField(required=False)
    tier = serializers.ChoiceField(choices=CustomerSummary.TierLevel.choices, required=False)

    def validate_month(self, code: str) -> Any:
        try:
            return month_span(code)
        except ValueError:
            raise serializers.ValidationError(
                _("Give a month of the café's calendar, such as %(example)s.")
                % {"example": month_code(today())}
            ) from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("month") and attrs.get("never_expires"):
            raise serializers.ValidationError({"never_expires": [_("Give either month or never_expires.")]})
        return attrs


class Points(serializers.Serializer[None]):
    """issued - redeemed - expired - corrected is by how much the points that guests hold grew."""

    issued = serializers.IntegerField()
    redeemed = serializers.IntegerField()
    expired = serializers.IntegerField()
    corrected = serializers.IntegerField()


class MonthOfFlow(Points):
    month = serializers.CharField()
    first_day = serializers.DateField()


class FlowReport(serializers.Serializer[None]):
    months = MonthOfFlow(many=True)
    total = Points()


class ExpiryMonth(serializers.Serializer[None]):
    """``month`` of the café's calendar; ``first_day`` and ``last_day`` of it."""

    month = serializers.CharField()
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    points = serializers.IntegerField()
    value = serializers.FloatField()


class RewardMeasure(serializers.Serializer[None]):
    reward = serializers.CharField()
    price = serializers.FloatField()
    points_cost = serializers.IntegerField()


class ExpectedBreakage(serializers.Serializer[None]):
    """``points`` and ``share`` are null while ``reason`` says why nothing can be expected yet."""

    points = serializers.IntegerField(allow_null=True)
    share = serializers.FloatField(allow_null=True)
    ended_points = serializers.IntegerField()
    unused_points = serializers.IntegerField()
    reason = serializers.CharField(allow_null=True)


class LiabilityReport(serializers.Serializer[None]):
    """Amounts in the base unit. ``value_in_rewards``: at today's price of the reward that costs the café least."""

    outstanding_points = serializers.IntegerField()
    never_expiring_points = serializers.IntegerField()
    point_value = serializers.FloatField()
    value = serializers.FloatField()
    value_in_rewards = serializers.FloatField(allow_null=True)
    cheapest_reward = RewardMeasure(allow_null=True)
    by_expiry_month = ExpiryMonth(many=True)
    by_tier = TierCounts()
    expected_breakage = ExpectedBreakage()
    generated_at = serializers.DateTimeField()


class ReportView(StatisticsView):
    """What the reports of the club share."""

    features = ("analytics", "loyalty")


class RefreshQuery(serializers.Serializer[None]):
    """``refresh`` is taken for the sake of clients that send it everywhere: the figures are never cached."""

    refresh = serializers.BooleanField(required=False)


class LiabilityView(ReportView):
    """What the café owes its guests in points, and when it runs out."""

    @extend_schema(parameters=[RefreshQuery], responses={200: LiabilityReport})
    def get(self, request: Request) -> Response:
        read_query(request, RefreshQuery, extra=())
        return ok(liability_payload(get_liability(today())))


def liability_payload(found: Liability) -> dict[str, Any]:
    """Return the report as the API gives it."""
    months = []
    for first, points in found.by_month.items():
        code = month_code(first)
        months.append({
            "month": code, "first_day": first, "last_day": month_span(code)[1], "points": points,
            "value": points * found.point_value,
        })  # fmt: skip
    cheapest, breakage = found.cheapest, found.breakage
    return {
        "outstanding_points": found.outstanding,
        "never_expiring_points": found.never,
        "point_value": found.point_value,
        "value": found.value,
        "value_in_rewards": found.value_in_rewards,
        "cheapest_reward": cheapest
        and {"reward": cheapest.name, "price": cheapest.price, "points_cost": cheapest.points},
        "by_expiry_month": months,
        "by_tier": {tier: found.by_tier.get(tier, 0) for tier in CustomerSummary.TierLevel.values},
        "expected_breakage": {
            "points": found.expected_breakage,
            "share": None if breakage.share is None else round(float(breakage.share), 4),
            "ended_points": breakage.ended,
            "unused_points": breakage.unused,
            "reason": None if breakage.is_enough else _("not enough data yet"),
        },
        "generated_at": timezone.now(),
    }


class LiabilityGuestsView(ReportView):
    """The guests behind a figure of the liability, those with most points first."""

    @extend_schema(parameters=[HoldersQuery], responses={200: dict})
    def get(self, request: Request) -> Response:
        asked = read_query(request, HoldersQuery)
        found: Any = Holders(
            today(),
            tier=asked.get("tier", ""),
            never=asked.get("never_expires", False),
            span=asked.get("month"),
        )
        page, pagination = paginate(request, found)
        guests = [
            {
                "customer_id": holder.customer.pk,
                "name": holder.customer.name,
                "phone": holder.customer.phone,
                "tier_level": holder.customer.summary.tier,
                "points": holder.points,
                "next_expiry": holder.first_day,
            }
            for holder in page
        ]
        return ok({"guests": guests, "pagination": pagination})


class FlowView(ReportView):
    """Points issued, redeemed, expired and corrected, month by month of the café's calendar."""

    @extend_schema(parameters=[FlowQuery], responses={200: FlowReport})
    def get(self, request: Request) -> Response:
        period = self.period(request, FlowQuery, extra=())
        months = [
            {"month": month_code(first), "first_day": first, **asdict(flow)}
            for first, flow in get_monthly_flow(period.first, period.last)
        ]
        return ok({"months": months, "total": asdict(get_flow(period.start, period.end))})

    def period(self, request: Request, form: Any, **options: Any) -> Any:
        """Return the period asked for, or the last year."""
        return period_of(read_query(request, form, **options)) or last_days(TIME_RANGES["1y"])


class EntriesView(FlowView):
    """The ledger rows behind a figure of the flow, newest first."""

    @extend_schema(operation_id="loyalty_entries", parameters=[EntriesQuery], responses={200: dict})
    def get(self, request: Request) -> Response:
        period, kind = self.period(request, EntriesQuery), request.query_params["kind"]
        rows = entries((kind,), first=period.first, last=period.last)
        page, pagination = paginate(request, rows.order_by("-created_at", "-id"))
        return ok({"entries": [entry_payload(row) for row in page], "pagination": pagination})
