"""Customers: the book of guests and their visits."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = _("Customers")

    def ready(self) -> None:
        from customers import own_data, receivers  # noqa: F401
        from customers.merging import movers  # noqa: F401
        from customers.merging import receivers as duplicates  # noqa: F401
        from customers.services import bulk_effects  # noqa: F401
        from customers.web import registered_tabs  # noqa: F401
