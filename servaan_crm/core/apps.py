"""Core: what every room stands on. It knows no business."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "servaan_crm.core"
    label = "core"
    verbose_name = _("System")
