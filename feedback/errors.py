"""Refusals of the feedback room."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class FeedbackExists(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("Feedback for this visit was given already.")


class CannotBeAsked(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("Nobody can be asked about this visit: it was rated already, voided, or has no guest to ask.")
