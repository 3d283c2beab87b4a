"""The reports of the club, under ``/loyalty/reports/``."""

from django.urls import path

from analytics.web import loyalty_reports as pages

app_name = "loyalty_reports"
urlpatterns = [
    path("reports/", pages.ReportsPage.as_view(), name="page"),
    path("reports/export/", pages.ReportExport.as_view(), name="export"),
    path("reports/entries/", pages.EntriesPage.as_view(), name="entries"),
    path("reports/entries/export/", pages.EntriesExport.as_view(), name="entries-export"),
    path("reports/guests/", pages.HoldersPage.as_view(), name="guests"),
]
