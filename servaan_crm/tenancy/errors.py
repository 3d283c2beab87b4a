"""Refusals of the tenancy room."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class TenantNotFound(DomainError):
    code = "TENANT_NOT_FOUND"
    status = 404
    message = _("Tenant not found")


class TenantInactive(DomainError):
    code = "TENANT_INACTIVE"
    status = 403
    message = _("Tenant is inactive")


class CafeExists(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("A café with this address exists already.")
