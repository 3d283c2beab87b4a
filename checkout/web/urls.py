"""``/counter/``."""

from django.urls import path

from checkout.web import views

app_name = "checkout"
urlpatterns = [
    path("", views.CounterPage.as_view(), name="counter"),
    path("today/", views.TodayPart.as_view(), name="today"),
    path("lookup/", views.LookupPart.as_view(), name="lookup"),
    path("guest/<uuid:customer_id>/", views.GuestPart.as_view(), name="guest"),
    path("guest/<uuid:customer_id>/restore/", views.RestorePart.as_view(), name="restore"),
    path("for/<uuid:customer_id>/", views.FindGuest.as_view(), name="for-guest"),
    path("new/", views.NewGuestPart.as_view(), name="new-guest"),
    path("walk-in/", views.WalkInPart.as_view(), name="walk-in"),
    path("preview/", views.PreviewPart.as_view(), name="preview"),
    path("record/", views.RecordVisit.as_view(), name="record"),
    path("undo/<uuid:visit_id>/", views.UndoVisit.as_view(), name="undo"),
]
