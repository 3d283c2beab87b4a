"""``/visits/``."""

from django.urls import path

from checkout.web import visit_views as views

app_name = "visits"
urlpatterns = [
    path("<uuid:visit_id>/", views.VisitPage.as_view(), name="detail"),
    path("<uuid:visit_id>/edit/", views.EditVisit.as_view(), name="edit"),
    path("<uuid:visit_id>/void/", views.VoidVisit.as_view(), name="void"),
    path("<uuid:visit_id>/restore/", views.RestoreVisit.as_view(), name="restore"),
    path("<uuid:visit_id>/move/", views.MoveVisit.as_view(), name="move"),
]
