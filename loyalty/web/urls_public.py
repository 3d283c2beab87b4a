"""``/card/``: short, because it travels by SMS."""

from django.urls import path

from loyalty.web.guest import GuestCardManifest, GuestCardPage

urlpatterns = [
    path("<str:card_token>/", GuestCardPage.as_view(), name="guest-card"),
    path("<str:card_token>/card.webmanifest", GuestCardManifest.as_view(), name="guest-card-manifest"),
]
