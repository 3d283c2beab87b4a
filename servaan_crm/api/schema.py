"""The published description of the API: OpenAPI 3.1 as JSON, and a page to read it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from servaan_crm.core.responses import CafeJSONRenderer

Endpoint = tuple[str, str, str, Callable[..., Any]]


def one_form_each(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Leave out the addresses with a trailing slash: they are the same ones again."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


class BearerScheme(OpenApiAuthenticationExtension):
    """``Authorization: Bearer …``."""

    target_class = "servaan_crm.accounts.authentication.CafeJWTAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """``X-Api-Key: …``."""

    target_class = "servaan_crm.accounts.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}


class SessionScheme(OpenApiAuthenticationExtension):
    """The browser's session."""

    target_class = "servaan_crm.accounts.authentication.BrowserSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class JsonErrors(APIView):
    """A view that answers in another format when all is well, and in the API's own when it is not."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code >= 400 or request.method == "OPTIONS":
            response.accepted_renderer = CafeJSONRenderer()
            response.accepted_media_type = CafeJSONRenderer.media_type
        return response


class SchemaView(JsonErrors, SpectacularJSONAPIView):
    """``GET /api/schema``."""


class DocsView(JsonErrors, SpectacularSwaggerSplitView):
    """``GET /api/docs``: assets of this host only and no inline script, as our content policy asks."""

    template_name = "api/docs.html"
