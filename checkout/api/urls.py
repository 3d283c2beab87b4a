"""``/api/crm/visits``."""

from checkout.api import corrections, views
from servaan_crm.core.urls import both

urlpatterns = [
    *both("visits", views.VisitsView.as_view(), name="visits"),
    *both("visits/<uuid:visit_id>", corrections.VisitView.as_view(), name="visit"),
    *both("visits/<uuid:visit_id>/void", views.VoidVisitView.as_view(), name="visit-void"),
    *both("visits/<uuid:visit_id>/move", corrections.MoveVisitView.as_view(), name="visit-move"),
    *both("visits/<uuid:visit_id>/restore", corrections.RestoreVisitView.as_view(), name="visit-restore"),
    *both("visits/<uuid:visit_id>/history", corrections.VisitHistoryView.as_view(), name="visit-history"),
]
