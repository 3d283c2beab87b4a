"""Referrals and the link of a guest's card under ``/api/crm/``."""

from loyalty.api import referrals
from servaan_crm.core.urls import both

_ONE = "loyalty/referrals/<uuid:referral_id>"

urlpatterns = [
    *both("loyalty/referrals", referrals.ReferralsView.as_view(), name="referrals"),
    *both(_ONE, referrals.ReferralView.as_view(), name="referral"),
    *both(f"{_ONE}/release", referrals.ReleaseReferralView.as_view(), name="referral-release"),
    *both(f"{_ONE}/refuse", referrals.RefuseReferralView.as_view(), name="referral-refuse"),
    *both(
        "customers/<uuid:customer_id>/loyalty/referrals",
        referrals.GuestReferralsView.as_view(),
        name="guest-referrals",
    ),
    *both(
        "customers/<uuid:customer_id>/loyalty/card-link",
        referrals.CardLinkView.as_view(),
        name="guest-card-link",
    ),
]
