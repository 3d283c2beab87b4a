"""The back office: Django's admin in the café's language, calendar, time zone and money."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.admin_display import LocalDisplay
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.l10n.locale import get_locale

# Rooms in the order of daily use; what is not named here comes last.
ORDER = (
    "tenancy", "customers", "loyalty", "feedback", "segments", "campaigns", "outreach", "messaging", "accounts", "core",
)  # fmt: skip
# Tables of libraries that are nobody's daily work: roles replace groups, tokens are kept by the API.
LEFT_OUT = {"auth", "token_blacklist"}


class LocalSite(admin.AdminSite):
    """What the café's back office and the platform's have in common."""

    empty_value_display = "–"

    def register(
        self, model_or_iterable: Any, admin_class: type[admin.ModelAdmin[Any]] | None = None, **options: Any
    ) -> None:
        """Register with the café's dates, digits and money mixed in, whatever the room wrote."""
        models = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else list(model_or_iterable)
        models = [model for model in models if model._meta.app_label not in LEFT_OUT]  # type: ignore[union-attr]
        base = admin_class or admin.ModelAdmin
        if not issubclass(base, LocalDisplay):
            base = type(
                base.__name__, (LocalDisplay, base), {"__module__": base.__module__, "__doc__": base.__doc__}
            )
        super().register(models, base, **options)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Run the page, its rendering included, in the café's time zone."""
        inner = super().admin_view(view, cacheable)

        def in_local_time(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with timezone.override(get_locale().tz):
                response: HttpResponse = inner(request, *args, **kwargs)
                if not getattr(response, "is_rendered", True):
                    response.render()  # type: ignore[attr-defined]
                return response

        return in_local_time

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Return the rooms in our order; models keep the order of their names."""
        apps = super().get_app_list(request, app_label)
        place = {label: number for number, label in enumerate(ORDER)}
        return sorted(apps, key=lambda app: place.get(app["app_label"], len(place)))


class CafeAdminSite(LocalSite):
    """The back office of one café. Log-in is the café's own page; a role without access is told so."""

    site_title = _("Management")
    site_header = _("Management")
    index_title = _("Everything by room")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send visitors to the café's log-in, and others away."""
        if self.has_permission(request):
            return HttpResponseRedirect(resolve_url("admin:index"))
        if request.user.is_authenticated:
            raise PermissionDenied(details={"permission": "admin.site"})
        return redirect_to_login(
            request.GET.get("next") or resolve_url("admin:index"), resolve_url(settings.LOGIN_URL)
        )


class PlatformAdminSite(LocalSite):
    """The back office of the platform itself, on the public schema: cafés, domains, platform owners."""

    site_title = _("Servaan platform")
    site_header = _("Servaan platform")
    index_title = _("Cafés and owners")


platform_site = PlatformAdminSite(name="admin")
