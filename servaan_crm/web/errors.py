"""Error pages of the browser; under /api/ the same errors in JSON.

The views of the API answer for themselves. What fails before a view is reached (a refused host, the database
away while the café is looked up) comes here.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token

from servaan_crm.api.exceptions import json_error

# Shown when even the error page cannot be drawn (no static manifest, no templates).
_LAST_RESORT = '<!doctype html><meta charset="utf-8"><title>{0}</title><h1>{0}</h1>'


_API_CODES = {
    400: "BAD_REQUEST", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR", 503: "SERVICE_UNAVAILABLE",
}  # fmt: skip


def _page(request: HttpRequest, template: str, status: int, fallback: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return json_error(_API_CODES[status], status)
    try:
        body: str = render_to_string(template, request=request)
    except Exception:  # an error page must never raise: whatever failed is already being reported
        body = _LAST_RESORT.format(fallback)
    return HttpResponse(body, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: a request no browser of ours sends (too many fields, a broken upload)."""
    return _page(request, "errors/400.html", 400, _("This request cannot be read"))


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the role does not open this page."""
    return _page(request, "errors/403.html", 403, _("You may not open this page"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose security token is stale (a page left open for long, cookies switched off)."""
    return _page(request, "errors/csrf.html", 403, _("This form has expired"))


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: no such page."""
    return _page(request, "errors/404.html", 404, _("Page not found"))


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """429: too many tries in a short time."""
    return _page(request, "errors/429.html", 429, _("Too many attempts"))


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault; the log has it under the request id."""
    return _page(request, "errors/500.html", 500, _("Something went wrong on our side"))


def database_down(request: HttpRequest) -> HttpResponse:
    """503: the database does not answer; the browser may try again shortly."""
    response = _page(request, "errors/database.html", 503, _("The database does not answer"))
    response["Retry-After"] = "10"
    return response
