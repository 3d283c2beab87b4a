"""``/api/crm/automations``."""

from campaigns.api import automations as views
from servaan_crm.core.urls import both

_ONE = "automations/<uuid:automation_id>"

urlpatterns = [
    *both("automations", views.AutomationsView.as_view(), name="automations"),
    *both(_ONE, views.AutomationView.as_view(), name="automation"),
    *both(f"{_ONE}/dry-run", views.DryRunView.as_view(), name="automation-dry-run"),
    *both(f"{_ONE}/runs", views.RunsView.as_view(), name="automation-runs"),
]
