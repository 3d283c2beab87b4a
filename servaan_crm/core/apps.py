"""Core: what every room stands on. It knows no business."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "servaan_crm.core"
    label = "core"
    verbose_name = "Core"
