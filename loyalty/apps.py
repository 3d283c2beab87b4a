"""Loyalty: program, tiers, accounts and the ledger of points."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltyConfig(AppConfig):
    name = "loyalty"
    verbose_name = _("Loyalty club")

    def ready(self) -> None:
        from loyalty import card_progress, erasing, own_data, push_hooks, receivers, referral_hooks  # noqa: F401
        from loyalty.services import merging, merging_club  # noqa: F401
        from loyalty.web import ledger_tab  # noqa: F401
