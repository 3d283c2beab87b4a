"""``/api/crm/segments``."""

from segments.api import views
from servaan_crm.core.urls import both

urlpatterns = [*both("segments", views.SegmentsView.as_view(), name="segments")]
