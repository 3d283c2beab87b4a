"""``/loyalty/referrals/`` and the profile's part with code and card."""

from django.urls import path

from loyalty.web import referrals

urlpatterns = [
    path("referrals/", referrals.ReferralsPage.as_view(), name="referrals"),
    path("referrals/<uuid:referral_id>/", referrals.DecideReferral.as_view(), name="referral-decide"),
    path("guests/<uuid:customer_id>/club/", referrals.GuestClub.as_view(), name="guest-club"),
    path("guests/<uuid:customer_id>/link/", referrals.GuestLink.as_view(), name="guest-link"),
]
