"""``/customers/``."""

from django.urls import include, path

from customers.web import views

app_name = "customers"
urlpatterns = [
    path("", include("customers.web.urls_merging")),
    path("", include("customers.web.urls_profile")),
    path("", include("customers.web.urls_imports")),
    path("", include("customers.web.urls_lists")),
    path("", include("customers.web.urls_behavior")),
    path("", include("customers.web.urls_timeline")),
    path("new/", views.CreateCustomer.as_view(), name="create"),
    path("<uuid:customer_id>/", views.CustomerPage.as_view(), name="detail"),
    path("<uuid:customer_id>/edit/", views.EditCustomer.as_view(), name="edit"),
    path("<uuid:customer_id>/delete/", views.DeleteCustomer.as_view(), name="delete"),
    path("<uuid:customer_id>/restore/", views.RestoreCustomer.as_view(), name="restore"),
    path("<uuid:customer_id>/visits/", views.CustomerVisits.as_view(), name="visits"),
]
