"""``/api/crm/segments``. A segment is named by its id or its key; fixed words come first."""

from segments.api import members, views
from servaan_crm.core.urls import both

_ONE = "segments/<slug:segment_id>"

urlpatterns = [
    *both("segments", views.SegmentsView.as_view(), name="segments"),
    *both("segments/preview", views.PreviewView.as_view(), name="segments-preview"),
    *both("segments/schema", views.SchemaView.as_view(), name="segments-schema"),
    *both("segments/runs/<uuid:run_id>", views.RunView.as_view(), name="segments-run"),
    *both(_ONE, views.SegmentView.as_view(), name="segment"),
    *both(f"{_ONE}/customers", members.MembersView.as_view(), name="segment-customers"),
    *both(f"{_ONE}/file", members.MembersFileView.as_view(), name="segment-file"),
    *both(f"{_ONE}/changes", members.ChangesView.as_view(), name="segment-changes"),
    *both(f"{_ONE}/history", members.HistoryView.as_view(), name="segment-history"),
    *both(f"{_ONE}/recompute", views.RecomputeView.as_view(), name="segment-recompute"),
    *both(f"{_ONE}/duplicate", views.DuplicateView.as_view(), name="segment-duplicate"),
    *both(f"{_ONE}/explain/<uuid:customer_id>", views.ExplainView.as_view(), name="segment-explain"),
]
