"""``/card/``: short, because it travels by SMS."""

from django.urls import path

from loyalty.web.guest import GuestCardManifest, GuestCardPage
from loyalty.web.guest_push import GuestCardPush, GuestCardWorker

urlpatterns = [
    path("<str:card_token>/", GuestCardPage.as_view(), name="guest-card"),
    path("<str:card_token>/card.webmanifest", GuestCardManifest.as_view(), name="guest-card-manifest"),
    path("<str:card_token>/push", GuestCardPush.as_view(), name="guest-card-push"),
    path("<str:card_token>/worker.js", GuestCardWorker.as_view(), name="guest-card-worker"),
]
