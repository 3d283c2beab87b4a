"""Addresses of the shell on the platform's own host: there is a language to choose, but no café to log in to."""

from django.urls import path

from servaan_crm.web import views

app_name = "web"
urlpatterns = [
    path("preferences/theme/", views.SetTheme.as_view(), name="theme"),
    path("preferences/language/", views.SetLanguage.as_view(), name="language"),
]
