"""Addresses of the shell (namespace ``web``)."""

from django.urls import path

from servaan_crm.web import home, search, views

app_name = "web"
urlpatterns = [
    path("", home.HomePage.as_view(), name="home"),
    path("manifest.webmanifest", views.manifest, name="manifest"),
    path("search/", search.Search.as_view(), name="search"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", views.Logout.as_view(), name="logout"),
    path("preferences/theme/", views.SetTheme.as_view(), name="theme"),
    path("preferences/language/", views.SetLanguage.as_view(), name="language"),
]
