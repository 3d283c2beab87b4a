"""Every error under ``/api/`` in one shape."""

import logging
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response

from servaan_crm.core.errors import DomainError, RequestTooLarge, ServiceUnavailable
from servaan_crm.core.problems import problem_body, problem_of
from servaan_crm.core.responses import render
from servaan_crm.l10n.serializers import phone_problem

log = logging.getLogger(__name__)

_CODES = {
    exceptions.NotAuthenticated: "AUTHENTICATION_REQUIRED",
    exceptions.AuthenticationFailed: "AUTHENTICATION_REQUIRED",
    exceptions.PermissionDenied: "PERMISSION_DENIED",
    exceptions.NotFound: "NOT_FOUND",
    exceptions.MethodNotAllowed: "METHOD_NOT_ALLOWED",
    exceptions.NotAcceptable: "NOT_ACCEPTABLE",
    exceptions.UnsupportedMediaType: "UNSUPPORTED_MEDIA_TYPE",
    exceptions.ParseError: "MALFORMED_JSON",
    exceptions.Throttled: "RATE_LIMIT_EXCEEDED",
}
_MESSAGES = {
    "AUTHENTICATION_REQUIRED": _("Log in first: the token or key is missing, expired or not of this café."),
    "PERMISSION_DENIED": _("Your role does not allow this."),
    "NOT_FOUND": _("Nothing was found at this address."),
    "METHOD_NOT_ALLOWED": _("This address does not take this method."),
    "NOT_ACCEPTABLE": _("Only JSON can be returned."),
    "UNSUPPORTED_MEDIA_TYPE": _("Send the body as JSON."),
    "MALFORMED_JSON": _("The body is not valid JSON."),
    "BAD_REQUEST": _("This request cannot be read."),
    "RATE_LIMIT_EXCEEDED": _("Too many requests. Wait a moment and try again."),
    "VALIDATION_ERROR": _("Some fields are not right; see the details."),
    "INVALID_PHONE_FORMAT": _("The phone number is not valid."),
    "SERVICE_UNAVAILABLE": ServiceUnavailable.message,
    "INTERNAL_ERROR": _("Something went wrong on our side. It was recorded under this request id."),
}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Map any exception of a view to the error answer. Nothing leaves as HTML or as a stack trace."""
    error = _translated(error)
    if isinstance(error, DomainError):
        return Response(problem_of(error), status=error.status)
    if isinstance(error, exceptions.ValidationError):
        return _validation(error)
    if isinstance(error, exceptions.APIException):
        return _api_exception(error)
    log.exception("unexpected error in %s", context.get("view"))
    return _answer("INTERNAL_ERROR", 500)


def _translated(error: Exception) -> Exception:
    """Return what Django, the database or Python said in the words of DRF or of the domain."""
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, DjangoPermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, DjangoValidationError):
        details = error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
        return exceptions.ValidationError(details)
    if isinstance(error, RequestDataTooBig):
        return RequestTooLarge()
    if isinstance(error, (SuspiciousOperation, BadRequest)):
        return exceptions.ParseError()
    if isinstance(error, (OperationalError, InterfaceError)):
        log.exception("database unavailable")
        return ServiceUnavailable()
    if isinstance(error, (DataError, OverflowError)):
        return exceptions.ValidationError({"non_field_errors": [_("A value is out of range.")]})
    return error


def _answer(code: str, status: int, details: Any = None, headers: dict[str, str] | None = None) -> Response:
    message = _MESSAGES[code]
    with translation.override("fa"):
        persian = str(message)
    with translation.override("en"):
        english = str(message)
    return Response(problem_body(code, persian, english, details), status=status, headers=headers)


def _api_exception(error: exceptions.APIException) -> Response:
    code = next((value for kind, value in _CODES.items() if isinstance(error, kind)), None)
    if code is None:
        # simplejwt's InvalidToken and other 401s derive from AuthenticationFailed; what is left is ours.
        code = "AUTHENTICATION_REQUIRED" if error.status_code == 401 else "INTERNAL_ERROR"
    headers: dict[str, str] = {}
    details: dict[str, Any] = {}
    if isinstance(error, exceptions.Throttled):
        seconds = max(1, int(getattr(error, "wait", None) or 1))
        headers["Retry-After"] = str(seconds)
        details["retry_after_seconds"] = seconds
    elif isinstance(error, exceptions.ParseError):
        details["reason"] = str(error.detail)
    elif (header := getattr(error, "auth_header", None)) is not None:
        headers["WWW-Authenticate"] = header
    return _answer(code, error.status_code, details, headers)


def _validation(error: exceptions.ValidationError) -> Response:
    codes = error.get_codes()
    details = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
    if _only_phone(codes):
        return _answer("INVALID_PHONE_FORMAT", 400, {**details, **(phone_problem(codes) or {})})
    return _answer("VALIDATION_ERROR", 400, details)


def _only_phone(codes: Any) -> bool:
    """Whether the phone number is all that is wrong."""
    if isinstance(codes, dict):
        return bool(codes) and all(_only_phone(value) for value in codes.values())
    if isinstance(codes, list):
        return bool(codes) and all(_only_phone(value) for value in codes)
    return codes == "INVALID_PHONE_FORMAT"


def json_error(code: str, status: int) -> HttpResponse:
    """Return an error answer outside DRF (unknown address, crash before a view)."""
    response = _answer(code, status)
    return HttpResponse(render(response.data), status=status, content_type="application/json; charset=utf-8")


def not_found(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """Answer any address under ``/api/`` that is not there."""
    return json_error("NOT_FOUND", 404)
