"""One contract for refusals: a code, an HTTP status and a sentence in Persian and English."""

from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servaan_crm.l10n.digits import to_persian


class DomainError(Exception):
    """An action that is refused for a reason of the domain; it changed nothing.

    Subclasses set ``code``, ``status`` and ``message`` (a lazy English source string, which may hold
    ``%(name)s`` placeholders filled from ``params``). ``details`` goes to the client as it is.
    """

    code = "CONFLICT"
    status = 409
    message: str | Promise = _("This action is not possible now.")

    def __init__(
        self,
        message: str | Promise | None = None,
        *,
        details: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.details = details or {}
        self.params = params or {}
        if message is not None:
            self.message = message
        super().__init__(self.code)

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("fa" or "en")."""
        with translation.override(language):
            template = str(self.message)
            params = self.params
            if language == "fa":
                params = {k: to_persian(v) if isinstance(v, int) else v for k, v in params.items()}
            return template % params if params else template

    def __str__(self) -> str:
        return self.text(translation.get_language() or "en")


class NotFound(DomainError):
    code = "NOT_FOUND"
    status = 404
    message = _("Nothing was found at this address.")


class PermissionDenied(DomainError):
    code = "PERMISSION_DENIED"
    status = 403
    message = _("Your role does not allow this.")


class FeatureDisabled(DomainError):
    code = "FEATURE_DISABLED"
    status = 403
    message = _("This feature is switched off for this café.")


class IdempotencyKeyReused(DomainError):
    code = "IDEMPOTENCY_KEY_REUSED"
    status = 409
    message = _("This idempotency key was already used with another request body.")


class EditConflict(DomainError):
    code = "CONFLICT"
    status = 409
    message = _("Someone else changed this record meanwhile. Reload it and try again.")


class ServiceUnavailable(DomainError):
    code = "SERVICE_UNAVAILABLE"
    status = 503
    message = _("The service is busy for a moment. Please try again.")


class RequestTooLarge(DomainError):
    code = "REQUEST_TOO_LARGE"
    status = 413
    message = _("The body is too large.")


class MethodNotAllowed(DomainError):
    code = "METHOD_NOT_ALLOWED"
    status = 405
    message = _("This address does not take this method.")
