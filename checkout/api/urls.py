"""``/api/crm/visits``."""

from checkout.api import views
from servaan_crm.core.urls import both

urlpatterns = [
    *both("visits", views.VisitsView.as_view(), name="visits"),
    *both("visits/<uuid:visit_id>", views.VisitView.as_view(), name="visit"),
    *both("visits/<uuid:visit_id>/void", views.VoidVisitView.as_view(), name="visit-void"),
]
