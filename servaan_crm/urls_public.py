"""Addresses of the platform itself."""

from django.urls import include, path, re_path

from servaan_crm.api.exceptions import not_found
from servaan_crm.core.admin_site import platform_site
from servaan_crm.web.views import landing

urlpatterns = [
    re_path(r"^api/.*$", not_found),
    path("admin/", platform_site.urls),
    path("", landing, name="landing"),
    path("", include("servaan_crm.web.urls_public")),
]

handler400 = "servaan_crm.web.errors.bad_request"
handler403 = "servaan_crm.web.errors.forbidden"
handler404 = "servaan_crm.web.errors.page_not_found"
handler500 = "servaan_crm.web.errors.server_error"
