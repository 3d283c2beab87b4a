"""What web pages of the café share: a login, a permission, a feature."""

from typing import Any

from django.contrib.auth.mixins import AccessMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from servaan_crm.accounts.permissions import P, can, require_permission_feature
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.actors import Actor
from servaan_crm.core.errors import PermissionDenied


class RolePage(AccessMixin):
    """Mixin of every staff page. ``permission`` names what the page needs.

    Visitors go to the login page; a role without the permission gets a refusal, and so does everybody
    while the café has the feature switched off.
    """

    permission: P
    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # A part of a page cannot show the login form; 401 makes the script reload the whole page.
            htmx = request.headers.get("HX-Request") == "true"
            return HttpResponse(status=401) if htmx else self.handle_no_permission()
        if not can(request.user, self.permission):
            raise PermissionDenied(details={"permission": str(self.permission)})
        require_permission_feature(self.permission)
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    @property
    def actor(self) -> Actor:
        """The logged-in user as the author of a change."""
        return staff_of(self.request).actor
