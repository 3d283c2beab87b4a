"""Discount codes in the back office: changed through the service, uses can only be read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from loyalty.models import DiscountCode, DiscountUse, Tier
from loyalty.services.codes import create_code, update_code
from servaan_crm.accounts.models import Outlet
from servaan_crm.core.admin_display import ReadOnlyAdmin, ServiceAdmin


@admin.register(DiscountCode)
class DiscountCodeAdmin(ServiceAdmin):
    """Codes that take something off a bill."""

    list_display = ("code", "name", "kind", "times_used", "max_uses", "ends_on", "is_active")
    list_filter = ("kind", "is_active")
    search_fields = ("=code", "name")
    readonly_fields = ("times_used", "campaign_id", "created_at")
    autocomplete_fields = ("customer",)
    not_money = ("value",)
    ordering = ("-created_at",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Tiers and outlets are ticked, not typed."""
        if db_field.name == "tiers":
            return forms.MultipleChoiceField(
                label=db_field.verbose_name, choices=Tier.Level.choices, required=False,
                widget=forms.CheckboxSelectMultiple,
            )  # fmt: skip
        if db_field.name == "outlets":
            return forms.TypedMultipleChoiceField(
                label=db_field.verbose_name, required=False, coerce=UUID, widget=forms.CheckboxSelectMultiple,
                choices=[(str(row.pk), row.name) for row in Outlet.objects.all()],
            )  # fmt: skip
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> DiscountCode:
        return create_code(actor=request.user.actor, values=_service_values(values))  # type: ignore[union-attr]

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> DiscountCode:
        actor = request.user.actor  # type: ignore[union-attr]
        return update_code(actor=actor, code_id=row.pk, changes=_service_values(changes))


def _service_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values in the words of the service."""
    found = dict(values)
    if "customer" in found:
        customer = found.pop("customer")
        found["customer_id"] = customer.pk if customer else None
    return found


@admin.register(DiscountUse)
class DiscountUseAdmin(ReadOnlyAdmin):
    """On which bills codes were used."""

    list_display = ("created_at", "code", "customer", "amount", "reversed_at")
    list_select_related = ("code", "customer")
    list_filter = (("reversed_at", admin.EmptyFieldListFilter),)
    search_fields = ("=code__code", "customer__name", "=customer__phone")
    ordering = ("-created_at",)
