"""Outreach room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutreachConfig(AppConfig):
    name = "outreach"
    verbose_name = _("Outreach")

    def ready(self) -> None:
        from outreach import merging, own_data, receivers, tabs  # noqa: F401
        from outreach.calls import automation

        automation.register()
