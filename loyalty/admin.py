"""The club in the back office: the rules can be changed, the ledger can only be read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from loyalty import admin_codes, admin_program, admin_referrals, admin_reviews, admin_rewards  # noqa: F401
from loyalty.models import LedgerEntry, LoyaltyAccount, TierChange
from servaan_crm.core.admin_display import ReadOnlyAdmin


@admin.register(LoyaltyAccount)
class LoyaltyAccountAdmin(ReadOnlyAdmin):
    """Balances, as the ledger sums them up."""

    list_display = (
        "customer",
        "balance",
        "points_earned_total",
        "points_redeemed_total",
        "tier",
        "updated_at",
    )
    list_filter = ("tier",)
    list_select_related = ("customer",)
    search_fields = ("customer__name", "=customer__phone")
    ordering = ("-balance",)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Every change of every balance."""

    list_display = ("created_at", "customer", "type", "points", "balance_after", "description", "author")
    list_filter = ("type",)
    list_select_related = ("customer", "created_by")
    search_fields = ("customer__name", "=customer__phone", "=reference")
    ordering = ("-created_at",)

    @admin.display(description=_("staff member"), ordering="created_by")
    def author(self, entry: LedgerEntry) -> str:
        """Who made the entry; "–" for the system."""
        return entry.created_by.display_name if entry.created_by else "–"


@admin.register(TierChange)
class TierChangeAdmin(ReadOnlyAdmin):
    """Who moved up or down, and when."""

    list_display = ("created_at", "customer", "from_tier", "to_tier", "reason")
    list_filter = ("to_tier",)
    list_select_related = ("customer",)
    search_fields = ("customer__name", "=customer__phone")
