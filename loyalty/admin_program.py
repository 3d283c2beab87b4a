"""The program in the back office: rules change through the services, their versions can only be read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from loyalty.models import BonusRule, LoyaltyProgram, ProgramVersion, Tier
from loyalty.selectors.program import outlet_names, terms_of
from loyalty.services.bonus_rules import change_bonus_rule, create_bonus_rule, delete_bonus_rule
from loyalty.services.program import update_program, update_tier
from loyalty.words import bonus_sentence
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


@admin.register(BonusRule)
class BonusRuleAdmin(ServiceAdmin):
    """More points when everything that is set fits a bill. The order is changed on the page of the program."""

    list_display = ("position", "name", "sentence", "is_active", "updated_at")
    list_display_links = ("name",)
    list_filter = ("is_active", "kind")
    search_fields = ("name",)
    ordering = ("position",)
    exclude = ("position",)

    @admin.display(description=_("rule"))
    def sentence(self, rule: BonusRule) -> str:
        """The rule in words."""
        return bonus_sentence(terms_of(rule), outlet_names() if rule.outlets else {})

    def create(self, request: HttpRequest, values: dict[str, Any]) -> BonusRule:
        return create_bonus_rule(actor=request.user.actor, values=values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> BonusRule:
        return change_bonus_rule(actor=request.user.actor, rule_id=row.pk, changes=changes)  # type: ignore[union-attr]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_delete(request)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_bonus_rule(actor=request.user.actor, rule_id=obj.pk)  # type: ignore[union-attr]

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for rule in queryset:
            self.delete_model(request, rule)


@admin.register(ProgramVersion)
class ProgramVersionAdmin(ReadOnlyAdmin):
    """The rules as they stood in each version."""

    list_display = ("version", "created_at", "author")
    list_select_related = ("created_by",)
    ordering = ("-version",)

    @admin.display(description=_("staff member"), ordering="created_by")
    def author(self, version: ProgramVersion) -> str:
        """Who made the version; "–" for the system."""
        return version.created_by.display_name if version.created_by else "–"
