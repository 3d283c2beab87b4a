"""Callbacks of message providers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from servaan_crm.core.errors import MethodNotAllowed, NotFound, PermissionDenied
from servaan_crm.core.problems import problem_response
from servaan_crm.core.responses import render
from servaan_crm.messaging import callbacks

_KINDS = frozenset({"status", "receive", "all"})


@method_decorator(csrf_exempt, name="dispatch")
class ProviderCallback(View):
    """A provider tells about a delivery or an inbound text. The secret in the path is the proof of origin."""

    http_method_names = ["get", "post", "head"]

    def get(self, request: HttpRequest, provider: str, kind: str, secret: str) -> HttpResponse:
        """Accept a report; unknown message ids are fine, a wrong secret or kind is 404."""
        source = callbacks.identify_source(provider, secret)
        if source is None or kind not in _KINDS:
            return problem_response(NotFound())
        found = callbacks.handle_call(source, kind, callbacks.read_call(request))
        if found is None:
            return problem_response(PermissionDenied())
        changed, content = found
        if content.answer is not None:
            return HttpResponse(content.answer, content_type="text/plain; charset=utf-8")
        body = render({"success": True, "data": {"changed": changed}})
        return HttpResponse(body, content_type="application/json; charset=utf-8")

    def head(self, request: HttpRequest, provider: str, kind: str, secret: str) -> HttpResponse:
        """Say that the address is right: some providers look before they accept it, without a signature."""
        known = callbacks.identify_source(provider, secret) is not None and kind in _KINDS
        return HttpResponse() if known else problem_response(NotFound())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As GET."""
        return self.get(request, *args, **kwargs)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """405 in the shape of every refusal of the API."""
        response = problem_response(MethodNotAllowed())
        response["Allow"] = "GET, HEAD, POST"
        return response
