"""The error answer of the API: one shape for every refusal and failure."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse

from servaan_crm.core.context import request_id
from servaan_crm.core.errors import DomainError
from servaan_crm.core.responses import render


def problem_body(code: str, message: str, message_en: str, details: Any = None) -> dict[str, Any]:
    """Return ``{"success": false, "error": {…}}`` with the time and the request's id."""
    return {
        "success": False,
        "error": {
            "code": code,
            "message": message,
            "message_en": message_en,
            "details": details or {},
            "timestamp": datetime.now(UTC),
            "request_id": request_id.get(),
        },
    }


def problem_of(error: DomainError) -> dict[str, Any]:
    """Return the body for a DomainError."""
    return problem_body(error.code, error.text("fa"), error.text("en"), error.details)


def problem_response(error: DomainError) -> HttpResponse:
    """Return the answer for a DomainError raised outside DRF's views."""
    return HttpResponse(
        render(problem_of(error)), status=error.status, content_type="application/json; charset=utf-8"
    )
