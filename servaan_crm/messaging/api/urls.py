"""Addresses for providers, included under ``/api/callbacks/``."""

from django.urls import path

from servaan_crm.messaging.api.views import ProviderCallback

app_name = "callbacks"
urlpatterns = [
    path("<slug:provider>/<slug:kind>/<str:secret>", ProviderCallback.as_view(), name="provider"),
    path("<slug:provider>/<slug:kind>/<str:secret>/", ProviderCallback.as_view()),
]
