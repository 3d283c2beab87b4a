from django.apps import AppConfig


class L10nConfig(AppConfig):
    """Registers the template tags; the room has no models."""

    name = "servaan_crm.l10n"
    label = "l10n"
    verbose_name = "Localisation"
