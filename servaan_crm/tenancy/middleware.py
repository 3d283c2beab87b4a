"""Finds the café of a request by its host name and sets the connection to its schema."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.urls import set_urlconf

from servaan_crm.core.errors import DomainError
from servaan_crm.core.problems import problem_response
from servaan_crm.l10n.locale import use_locale
from servaan_crm.tenancy.errors import TenantInactive, TenantNotFound
from servaan_crm.tenancy.models import Cafe
from servaan_crm.tenancy.selectors import get_cafe_by_host


class CafeMiddleware:
    """``<café>.<base domain>`` is a café; the base domain itself and bare addresses are the platform."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        connection.set_schema_to_public()
        try:
            host, _port = split_domain_port(request.get_host())
        except DisallowedHost:
            return self._refuse(request, TenantNotFound())
        if is_platform_host(host):
            request.cafe = None  # type: ignore[attr-defined]
            request.urlconf = settings.PUBLIC_SCHEMA_URLCONF  # type: ignore[attr-defined]
            set_urlconf(settings.PUBLIC_SCHEMA_URLCONF)
            return self.get_response(request)
        cafe = get_cafe_by_host(host)
        if cafe is None:
            return self._refuse(request, TenantNotFound(details={"host": host}))
        if not cafe.is_active:
            return self._refuse(request, TenantInactive(details={"host": host}))
        return self._serve(request, cafe)

    def _serve(self, request: HttpRequest, cafe: Cafe) -> HttpResponse:
        request.cafe = request.tenant = cafe  # type: ignore[attr-defined]
        connection.set_tenant(cafe)
        set_urlconf(settings.ROOT_URLCONF)
        with use_locale(cafe.locale):
            return self.get_response(request)

    def _refuse(self, request: HttpRequest, error: DomainError) -> HttpResponse:
        request.urlconf = settings.PUBLIC_SCHEMA_URLCONF  # type: ignore[attr-defined]
        request.cafe = None  # type: ignore[attr-defined]
        set_urlconf(settings.PUBLIC_SCHEMA_URLCONF)
        if request.path.startswith("/api/"):
            return problem_response(error)
        return render(request, "errors/tenant.html", {"error": error}, status=error.status)


def is_platform_host(host: str) -> bool:
    """Say whether ``host`` is the platform itself: the base domain, its www, or a bare IP address."""
    if host in {settings.BASE_DOMAIN, f"www.{settings.BASE_DOMAIN}"}:
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
