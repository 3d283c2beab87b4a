"""``/api/crm/customers``. Ids are UUIDs, so words such as ``statistics`` are free for other rooms."""

from django.urls import include, path

from customers.api import views
from servaan_crm.core.urls import both

urlpatterns = [
    path("", include("customers.api.urls_merging")),
    path("", include("customers.api.urls_lists")),
    path("", include("customers.api.urls_behavior")),
    path("", include("customers.api.urls_profile")),
    path("", include("customers.api.urls_imports")),
    *both("customers", views.CustomersView.as_view(), name="customers"),
    *both("customers/phone/<str:phone>", views.CustomerByPhoneView.as_view(), name="customer-by-phone"),
    *both("customers/validate-phone", views.ValidatePhoneView.as_view(), name="customer-validate-phone"),
    *both("customers/<uuid:customer_id>", views.CustomerView.as_view(), name="customer"),
    *both(
        "customers/<uuid:customer_id>/restore", views.RestoreCustomerView.as_view(), name="customer-restore"
    ),
    *both("customers/<uuid:customer_id>/visits", views.CustomerVisitsView.as_view(), name="customer-visits"),
]
