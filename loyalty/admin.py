"""The club in the back office: the rules can be changed, the ledger can only be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from loyalty.models import LedgerEntry, LoyaltyAccount, LoyaltyProgram, Tier, TierChange
from loyalty.services.program import update_program, update_tier
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin


@admin.register(LoyaltyProgram)
class LoyaltyProgramAdmin(ServiceAdmin):
    """How points are earned. Each change makes a new version; what was earned before stays as it was."""

    list_display = ("__str__", "is_active", "amount_per_point", "point_value", "tier_basis", "updated_at")
    readonly_fields = ("version", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> LoyaltyProgram:
        return update_program(actor=request.user.actor, changes=changes)  # type: ignore[union-attr]


@admin.register(Tier)
class TierAdmin(ServiceAdmin):
    """The four steps of the club."""

    list_display = ("level", "threshold", "multiplier", "discount_percent", "updated_at")
    readonly_fields = ("level",)
    not_money = ("threshold",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Tier:
        return update_tier(actor=request.user.actor, tier_id=row.pk, changes=changes)  # type: ignore[union-attr]


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
