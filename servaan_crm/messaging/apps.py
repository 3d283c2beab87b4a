"""Messaging: the outbox every room sends through, and the gateways behind it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MessagingConfig(AppConfig):
    name = "servaan_crm.messaging"
    label = "messaging"
    verbose_name = _("Messages")
