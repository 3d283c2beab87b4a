"""``/loyalty/``."""

from django.urls import path

from loyalty.web import views

app_name = "loyalty"
urlpatterns = [
    path("card/<uuid:customer_id>/", views.TierRing.as_view(), name="card"),
    path("panel/<uuid:customer_id>/", views.LoyaltyPanel.as_view(), name="panel"),
]
