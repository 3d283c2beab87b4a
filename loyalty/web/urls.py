"""``/loyalty/``."""

from django.urls import include, path

from loyalty.web import views

app_name = "loyalty"
urlpatterns = [
    path("", include("loyalty.web.urls_codes")),
    path("", include("loyalty.web.urls_ledger")),
    path("", include("loyalty.web.urls_program")),
    path("", include("loyalty.web.urls_referrals")),
    path("", include("loyalty.web.urls_rewards")),
    path("", include("loyalty.web.urls_reviews")),
    path("card/<uuid:customer_id>/", views.TierRing.as_view(), name="card"),
    path("panel/<uuid:customer_id>/", views.LoyaltyPanel.as_view(), name="panel"),
]
