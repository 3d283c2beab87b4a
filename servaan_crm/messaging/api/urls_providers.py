"""``/api/crm/providers``."""

from servaan_crm.core.urls import both
from servaan_crm.messaging.api import providers

urlpatterns = [
    *both("providers", providers.ProvidersView.as_view(), name="providers"),
    *both("providers/<uuid:provider_id>", providers.ProviderView.as_view(), name="provider"),
    *both("providers/<uuid:provider_id>/test", providers.TestProviderView.as_view(), name="provider-test"),
    *both(
        "providers/<uuid:provider_id>/resume", providers.ResumeProviderView.as_view(), name="provider-resume"
    ),
]
