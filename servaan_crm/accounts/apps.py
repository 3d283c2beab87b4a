"""Accounts: the café's own house - outlets, staff, roles, keys."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "servaan_crm.accounts"
    label = "accounts"
    verbose_name = _("Staff")

    def ready(self) -> None:
        from servaan_crm.accounts import receivers  # noqa: F401
