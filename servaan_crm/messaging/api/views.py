"""Callbacks of message providers."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from servaan_crm.core.errors import MethodNotAllowed, NotFound
from servaan_crm.core.problems import problem_response
from servaan_crm.core.responses import render
from servaan_crm.messaging import callbacks

_HANDLERS = {"status": callbacks.handle_status, "receive": callbacks.handle_receive}


@method_decorator(csrf_exempt, name="dispatch")
class ProviderCallback(View):
    """A provider tells about a delivery or an inbound text. The secret in the path is the proof of origin."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, provider: str, kind: str, secret: str) -> HttpResponse:
        """Accept a report; unknown message ids are fine, a wrong secret or kind is 404."""
        source = callbacks.identify_source(provider, secret)
        handler = _HANDLERS.get(kind)
        if source is None or handler is None:
            return problem_response(NotFound())
        changed = handler(source, callbacks.read_parameters(request))
        body = render({"success": True, "data": {"changed": changed}})
        return HttpResponse(body, content_type="application/json; charset=utf-8")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As GET."""
        return self.get(request, *args, **kwargs)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """405 in the shape of every refusal of the API."""
        response = problem_response(MethodNotAllowed())
        response["Allow"] = "GET, HEAD, POST"
        return response
