"""Refusals of the feedback room."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError


class FeedbackExists(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("Feedback for this visit was given already.")
