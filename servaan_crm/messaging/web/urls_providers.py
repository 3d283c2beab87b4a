"""``/settings/providers/``."""

from django.urls import path

from servaan_crm.messaging.web import providers

app_name = "providers"
urlpatterns = [
    path("", providers.ProvidersPage.as_view(), name="list"),
    path("new/", providers.ChooseProvider.as_view(), name="choose"),
    path("new/account/", providers.NewProvider.as_view(), name="new"),
    path("<uuid:provider_id>/", providers.EditProvider.as_view(), name="edit"),
    path("<uuid:provider_id>/test/", providers.TestProvider.as_view(), name="test"),
    path("<uuid:provider_id>/resume/", providers.ResumeProvider.as_view(), name="resume"),
    path("<uuid:provider_id>/delete/", providers.DeleteProvider.as_view(), name="delete"),
]
