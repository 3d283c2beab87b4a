"""Request id, and refusals of the domain on web pages."""

import re
import secrets
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from servaan_crm.core.context import request_id
from servaan_crm.core.errors import DomainError

_GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{6,64}")


class RequestIdMiddleware:
    """Gives each request an id for logs, audit and error answers; a sane ``X-Request-Id`` is kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        value = given if _GIVEN_ID.fullmatch(given) else f"req_{secrets.token_hex(8)}"
        token = request_id.set(value)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-Id"] = value
        return response


class ClientAddressMiddleware:
    """Puts the caller's own address into ``REMOTE_ADDR`` when the server stands behind proxies.

    Each proxy appends the address it was called from to ``X-Forwarded-For``, so with ``PROXY_HOPS`` proxies
    of ours the entry that many places from the end is the caller; what stands before it anybody can write.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.hops: int = settings.PROXY_HOPS

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.hops:
            chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
            if len(chain) >= self.hops and chain[-self.hops]:
                request.META["REMOTE_ADDR"] = chain[-self.hops]
        return self.get_response(request)


class DomainErrorMiddleware:
    """Shows a DomainError raised by a page: a toast for htmx, an error page otherwise.

    The API maps the same errors in its exception handler.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, (DataError, OverflowError)):
            # A value no column or calendar holds (a null character, the year 10000): the asker's mistake.
            raise BadRequest(str(exception)) from exception
        if not isinstance(exception, DomainError):
            return None
        htmx = request.headers.get("HX-Request") == "true"
        template = "errors/_toast.html" if htmx else "errors/domain.html"
        response = render(request, template, {"error": exception}, status=exception.status)
        if htmx:
            response["HX-Retarget"] = "#toasts"
            response["HX-Reswap"] = "beforeend"
        return response
