"""What decisions about reviews refuse."""

from django.utils.translation import gettext_lazy as _

from servaan_crm.core.errors import DomainError, NotFound


class ReviewNotFound(NotFound):
    code = "REVIEW_NOT_FOUND"
    message = _("There is no such review.")


class ReviewClosed(DomainError):
    code = "REVIEW_CLOSED"
    status = 409
    message = _("This review was decided already.")
