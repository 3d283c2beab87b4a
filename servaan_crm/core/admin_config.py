"""Puts our admin site in the place of Django's."""

from django.contrib.admin.apps import AdminConfig


class CafeAdminConfig(AdminConfig):
    default_site = "servaan_crm.core.admin_site.CafeAdminSite"
    # Café times and dates are written by the site itself, so nothing else of the app changes.
    default = False
