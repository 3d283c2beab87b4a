"""Pages of guests; short, because they travel by SMS."""

from django.urls import path

from customers.web.opt_out import OptOutPage

urlpatterns = [path("<str:token>/", OptOutPage.as_view(), name="guest-consent")]
