"""Refusals of the club."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class InsufficientPoints(DomainError):
    code = "INSUFFICIENT_POINTS"
    status = 409
    message = _("There are not enough points: %(available)s of %(requested)s.")


class ProgramInactive(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("The loyalty program is switched off.")
