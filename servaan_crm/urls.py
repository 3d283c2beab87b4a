"""Addresses of a café."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from servaan_crm.api.exceptions import not_found
from servaan_crm.api.schema import DocsView, SchemaView
from servaan_crm.core.urls import both

api: list[URLPattern | URLResolver] = [
    path("auth/", include("servaan_crm.accounts.api.urls")),
    path("callbacks/", include("servaan_crm.messaging.api.urls")),
    path("crm/", include("servaan_crm.api.urls")),
    path("sms/", include("servaan_crm.messaging.api.urls_sms")),
    *both("schema", SchemaView.as_view(), name="schema"),
    *both("docs", DocsView.as_view(url_name="schema"), name="docs"),
    re_path(r"^.*$", not_found),
]

urlpatterns = [
    path("api/", include(api)),
    path("admin/", admin.site.urls),
    path("c/", include("customers.web.urls_public")),
    path("l/", include("campaigns.web.urls_public")),
    path("card/", include("loyalty.web.urls_public")),
    path("f/", include("feedback.web.urls_public")),
    path("counter/", include("checkout.web.urls")),
    path("customers/", include("customers.web.urls")),
    path("visits/", include("checkout.web.urls_visits")),
    path("customers/", include("analytics.web.urls")),
    path("customers/", include("feedback.web.urls")),
    path("loyalty/", include("loyalty.web.urls")),
    path("segments/", include("segments.web.urls")),
    path("campaigns/", include("campaigns.web.urls")),
    path("automations/", include("campaigns.web.urls_automations")),
    path("loyalty/", include("analytics.web.urls_loyalty")),
    path("customers/", include("outreach.web.urls")),
    path("calls/", include("outreach.web.urls_calls")),
    path("phones/", include("servaan_crm.messaging.web.urls")),
    path("messages/", include("servaan_crm.messaging.web.urls_log")),
    path("settings/providers/", include("servaan_crm.messaging.web.urls_providers")),
    path("", include("servaan_crm.web.urls")),
]

handler400 = "servaan_crm.web.errors.bad_request"
handler403 = "servaan_crm.web.errors.forbidden"
handler404 = "servaan_crm.web.errors.page_not_found"
handler500 = "servaan_crm.web.errors.server_error"
