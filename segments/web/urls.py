"""``/segments/``."""

from django.urls import path

from segments.web import builder, views

app_name = "segments"
urlpatterns = [
    path("", views.SegmentsPage.as_view(), name="list"),
    path("new/", builder.NewSegment.as_view(), name="new"),
    path("preview/", builder.PreviewPart.as_view(), name="preview"),
    path("rfm/", views.RfmPage.as_view(), name="rfm"),
    path("recalculate/", views.Recalculate.as_view(), name="recalculate"),
    path("<slug:key>/", views.SegmentPage.as_view(), name="detail"),
    path("<slug:key>/edit/", builder.EditSegment.as_view(), name="edit"),
    path("<slug:key>/changes/", views.ChangesPage.as_view(), name="changes"),
    path("<slug:key>/explain/", views.ExplainPart.as_view(), name="explain"),
    path("<slug:key>/duplicate/", views.DuplicateSegment.as_view(), name="duplicate"),
    path("<slug:key>/delete/", views.DeleteSegment.as_view(), name="delete"),
    path("<slug:key>/guests/", views.ListedGuests.as_view(), name="guests"),
]
