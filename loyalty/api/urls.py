"""``/api/crm/loyalty/`` and the club's part of a customer."""

from django.urls import include, path

from loyalty.api import views
from servaan_crm.core.urls import both

urlpatterns = [
    path("", include("loyalty.api.urls_ledger")),
    path("", include("loyalty.api.urls_rewards")),
    path("", include("loyalty.api.urls_program")),
    path("", include("loyalty.api.urls_codes")),
    path("", include("loyalty.api.urls_referrals")),
    path("", include("loyalty.api.urls_reviews")),
    *both("customers/<uuid:customer_id>/loyalty", views.LoyaltyStatusView.as_view(), name="loyalty-status"),
    *both("loyalty/award-points", views.AwardPointsView.as_view(), name="award-points"),
    *both("loyalty/redeem-points", views.RedeemPointsView.as_view(), name="redeem-points"),
    *both("loyalty/adjust-points", views.AdjustPointsView.as_view(), name="adjust-points"),
]
