"""Pages of the messaging room, included under ``/phones/``."""

from django.urls import path

from servaan_crm.messaging.web.views import TestPhones, TestPhonesPart

app_name = "messaging"
urlpatterns = [
    path("", TestPhones.as_view(), name="test-phones"),
    path("part", TestPhonesPart.as_view(), name="test-phones-part"),
]
