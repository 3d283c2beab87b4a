"""``/api/crm/customers/statistics`` and ``/api/crm/loyalty/statistics``."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import selectors
from analytics.api.serializers import (
    CustomerStatistics,
    LoyaltyStatistics,
    StatisticsQuery,
    VisitAnalytics,
    VisitAnalyticsQuery,
    period_of,
)
from analytics.periods import TIME_RANGES, last_days
from servaan_crm.accounts.permissions import HasPermission, P
from servaan_crm.core.features import require_feature
from servaan_crm.core.query import read_query
from servaan_crm.core.responses import ok


class StatisticsView(APIView):
    """What both statistics share."""

    permission_classes = (HasPermission,)
    permission = P.CUSTOMERS_STATISTICS
    rate_area = "analytics"
    features: ClassVar[tuple[str, ...]] = ("analytics",)

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        for feature in self.features:
            require_feature(feature)

    def read(self, request: Request) -> Any:
        """Return the period asked for, or None."""
        return period_of(read_query(request, StatisticsQuery, extra=()))


class CustomerStatisticsView(StatisticsView):
    """Guests in figures (seed 002 ``/api/customers/statistics``)."""

    @extend_schema(parameters=[StatisticsQuery], responses={200: CustomerStatistics})
    def get(self, request: Request) -> Response:
        return ok(selectors.get_customer_statistics(self.read(request)))


class LoyaltyStatisticsView(StatisticsView):
    """The club in figures (seed 002 ``/api/loyalty/statistics``)."""

    features = ("analytics", "loyalty")

    @extend_schema(parameters=[StatisticsQuery], responses={200: LoyaltyStatistics})
    def get(self, request: Request) -> Response:
        return ok(selectors.get_loyalty_statistics(self.read(request)))


class VisitAnalyticsView(StatisticsView):
    """The visits in figures (seed 002 ``getVisitAnalytics``)."""

    permission = P.ANALYTICS_VIEW
    features = ("analytics", "crm")

    @extend_schema(
        operation_id="visits_analytics", parameters=[VisitAnalyticsQuery], responses={200: VisitAnalytics}
    )
    def get(self, request: Request) -> Response:
        asked = read_query(request, VisitAnalyticsQuery, extra=())
        period = period_of(asked) or last_days(TIME_RANGES["30d"])
        return ok(selectors.get_visit_analytics(period, asked.get("outlet")))
