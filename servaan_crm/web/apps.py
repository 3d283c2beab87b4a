from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    """The shell of the staff screens: layout, components, navigation, login."""

    name = "servaan_crm.web"
    label = "web"
    verbose_name = _("Screens")
