from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class L10nConfig(AppConfig):
    """Registers the template tags; the room has no models."""

    name = "servaan_crm.l10n"
    label = "l10n"
    verbose_name = _("Localisation")
