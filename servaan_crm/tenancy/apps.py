"""Tenancy: cafés, their domains, plans and feature toggles, on the public schema."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenancyConfig(AppConfig):
    name = "servaan_crm.tenancy"
    label = "tenancy"
    verbose_name = _("Cafés")
