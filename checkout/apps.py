"""Counter room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    name = "checkout"
    verbose_name = _("Counter")

    def ready(self) -> None:
        from checkout.services.undo_import import reverse_imported
        from customers.imports.undo_steps import register_points_reversal

        register_points_reversal(reverse_imported)
