"""Rewards, vouchers and stamps in the back office: changed through the services, or only read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from loyalty.models import Reward, StampCard, StampEntry, Voucher
from loyalty.services.rewards import create_reward, update_reward
from loyalty.services.stamp_cards import create_stamp_card, update_stamp_card
from loyalty.services.vouchers import cancel_voucher
from loyalty.words import WEEKDAYS
from servaan_crm.accounts.models import Outlet
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin
from servaan_crm.core.errors import DomainError
from servaan_crm.l10n.jalali import week_order


@admin.register(Reward)
class RewardAdmin(ServiceAdmin):
    """The catalogue. Vouchers that guests hold stay as they were issued."""

    list_display = ("name", "kind", "points_cost", "stock", "valid_until", "min_tier", "is_active")
    list_filter = ("is_active", "kind")
    search_fields = ("name", "item_name")
    not_money = ("value",)
    ordering = ("position", "points_cost")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Weekdays and outlets are ticked, not typed."""
        if db_field.name == "weekdays":
            return _ticked(db_field, int, [(str(day), WEEKDAYS[day]) for day in week_order()])
        if db_field.name == "outlets":
            return _ticked(db_field, UUID, [(str(row.pk), row.name) for row in Outlet.objects.all()])
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Reward:
        return create_reward(actor=request.user.actor, values=values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Reward:
        actor = request.user.actor  # type: ignore[union-attr]
        return update_reward(actor=actor, reward_id=row.pk, changes=changes)


@admin.register(Voucher)
class VoucherAdmin(ReadOnlyAdmin):
    """Rights to a reward. They can be cancelled here; their points come back through the ledger."""

    list_display = ("code", "name", "customer", "source", "status", "points_paid", "expires_on", "created_at")
    list_filter = ("status", "source")
    list_select_related = ("customer",)
    search_fields = ("=code", "customer__name", "=customer__phone")
    leave_out = ("source_reference",)
    ordering = ("-created_at",)
    actions = ("cancel",)  # type: ignore[assignment]

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Those who may redeem may also take back."""
        return can(request.user, P.LOYALTY_REDEEM)

    @admin.action(description=_("Cancel the vouchers and give their points back"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Voucher]) -> None:
        """Cancel the chosen vouchers one by one; what was used or is over stays as it is."""
        done, gifts = 0, can(request.user, P.LOYALTY_MANAGE)
        for voucher_id in queryset.values_list("pk", flat=True):
            try:
                cancel_voucher(
                    actor=request.user.actor,  # type: ignore[union-attr]
                    voucher_id=voucher_id,
                    may_cancel_gifts=gifts,
                )
                done += 1
            except DomainError as error:
                self.message_user(request, str(error), messages.WARNING)
        text = ngettext("%(count)s voucher was cancelled.", "%(count)s vouchers were cancelled.", done)
        self.message_user(request, text % {"count": done})


@admin.register(StampCard)
class StampCardAdmin(ServiceAdmin):
    """The rules of the stamp cards."""

    list_display = ("name", "counts", "stamps_needed", "reward", "points", "is_active")
    list_filter = ("is_active", "counts")
    list_select_related = ("reward",)
    search_fields = ("name",)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> StampCard:
        return create_stamp_card(actor=request.user.actor, values=values)  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> StampCard:
        actor = request.user.actor  # type: ignore[union-attr]
        return update_stamp_card(actor=actor, card_id=row.pk, changes=changes)


@admin.register(StampEntry)
class StampEntryAdmin(ReadOnlyAdmin):
    """Every stamp that was put on or taken off."""

    list_display = ("created_at", "customer", "card", "stamps", "total_after", "full_cards")
    list_filter = ("card",)
    list_select_related = ("customer", "card")
    search_fields = ("customer__name", "=customer__phone")
    ordering = ("-created_at",)


def _ticked(db_field: Any, coerce: Any, choices: Iterable[tuple[str, Any]]) -> forms.Field:
    return forms.TypedMultipleChoiceField(
        label=db_field.verbose_name,
        required=False,
        coerce=coerce,
        choices=list(choices),
        widget=forms.CheckboxSelectMultiple,
    )
