"""``/messages/``."""

from django.urls import path

from servaan_crm.messaging.web import log

app_name = "messages"
urlpatterns = [
    path("", log.LogPage.as_view(), name="log"),
    path("inbound/", log.InboundPage.as_view(), name="inbound"),
    path("<uuid:message_id>/", log.MessagePage.as_view(), name="message"),
]
