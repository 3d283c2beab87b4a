"""Login, logout, and the switches of theme and language."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.http import require_safe

from servaan_crm.tenancy.models import Cafe
from servaan_crm.web.context_processors import THEME_COOKIE, cafe_name_of
from servaan_crm.web.errors import too_many_requests
from servaan_crm.web.forms import LoginForm, ThemeForm
from servaan_crm.web.middleware import LANGUAGE_COOKIE

YEAR = 365 * 24 * 3600
# Wrong passwords for one name from one address before a pause, and the length of the pause in seconds.
LOGIN_TRIES = 10
LOGIN_PAUSE = 300


def _next_address(request: HttpRequest) -> str:
    """Return the page to go back to: only addresses of this host count."""
    for address in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        if address and url_has_allowed_host_and_scheme(
            address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return address
    return "/"


def _remember(request: HttpRequest, cookie: str, value: str) -> HttpResponse:
    wants_no_page = request.headers.get("X-Requested-With") == "fetch"
    response = HttpResponse(status=204) if wants_no_page else HttpResponseRedirect(_next_address(request))
    response.set_cookie(cookie, value, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    return response


class Login(LoginView):
    """The door of the café. Guessing is slowed down per user name and address."""

    form_class = LoginForm
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def _tries_key(self) -> str:
        name = self.request.POST.get("username", "")[:60].strip().lower()
        return f"login-tries:{self.request.META.get('REMOTE_ADDR', '')}:{name}".replace(" ", "_")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if (cache.get(self._tries_key()) or 0) >= LOGIN_TRIES:
            return too_many_requests(request)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        key = self._tries_key()
        if not cache.add(key, 1, LOGIN_PAUSE):
            cache.set(key, (cache.get(key) or 0) + 1, LOGIN_PAUSE)
        return super().form_invalid(form)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        cache.delete(self._tries_key())
        return super().form_valid(form)

    def get_default_redirect_url(self) -> str:
        return reverse(settings.LOGIN_REDIRECT_URL)


class Logout(LogoutView):
    """Ends the session; POST only, so no foreign page can log a person out."""


class SetTheme(View):
    """POST theme=light|dark|auto: remembers it in this browser for a year."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ThemeForm(request.POST)
        if not form.is_valid():
            return HttpResponse(status=400)
        return _remember(request, THEME_COOKIE, form.cleaned_data["theme"])


class SetLanguage(View):
    """POST language=fa|en: remembers it in this browser for a year."""

    def post(self, request: HttpRequest) -> HttpResponse:
        language = request.POST.get("language", "")
        if language not in dict(settings.LANGUAGES):
            return HttpResponse(status=400)
        return _remember(request, LANGUAGE_COOKIE, language)


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to put the café on its home screen, in the café's own name."""
    name = cafe_name_of(request) or str(_("Servaan"))
    body = {
        "name": name,
        "short_name": name,
        "lang": get_language(),
        "dir": "rtl" if get_language_bidi() else "ltr",
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf7f2",
        "theme_color": "#874726",
        "icons": [
            {"src": static("img/logo.svg"), "sizes": "any", "type": "image/svg+xml"},
            {
                "src": static("img/icon-512.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "any maskable",
            },
        ],
    }
    answer = JsonResponse(
        body, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
    )
    patch_cache_control(answer, private=True, max_age=3600)
    return answer


def _demo_address(request: HttpRequest) -> str:
    """Return the address of the demonstration café, "" when this install has none."""
    cafe = Cafe.objects.filter(is_demo=True, is_active=True).order_by("created_at").first()
    if cafe is None:
        return ""
    _host, colon, port = request.get_host().partition(":")
    return f"{request.scheme}://{cafe.slug}.{settings.BASE_DOMAIN}{colon}{port}/"


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """The platform's own front page, on the base domain."""
    return render(request, "landing/index.html", {"demo_url": _demo_address(request)})
