"""Cafés and their domains, on the platform's back office."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from servaan_crm.core.admin_display import ServiceAdmin
from servaan_crm.core.admin_site import platform_site
from servaan_crm.core.features import FEATURES
from servaan_crm.tenancy import services
from servaan_crm.tenancy.models import Cafe, Domain

_NAMES = {
    "crm": _("customers and counter"),
    "loyalty": _("loyalty club"),
    "campaigns": _("campaigns and automations"),
    "feedback": _("feedback"),
    "outreach": _("calls and contacts"),
    "analytics": _("analytics"),
}


class NewCafeForm(forms.ModelForm):
    """What a new café needs; money, calendar, language and time zone follow from the country."""

    class Meta:
        model = Cafe
        fields = ("slug", "name", "name_en", "country")


class CafeForm(forms.ModelForm):
    """A café and its feature toggles, as boxes to tick."""

    features = forms.MultipleChoiceField(
        label=_("features"), required=False, widget=forms.CheckboxSelectMultiple, choices=_NAMES.items()
    )

    class Meta:
        model = Cafe
        fields = (
            "name", "name_en", "is_active", "plan", "country", "currency", "show_toman", "calendar", "language",
            "time_zone", "features",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        toggles = self.instance.features or {}
        self.initial["features"] = [name for name in FEATURES if toggles.get(name, True)]

    def clean_features(self) -> dict[str, bool]:
        """Return the toggles as they are stored."""
        chosen = self.cleaned_data["features"]
        return {**(self.instance.features or {}), **{name: name in chosen for name in FEATURES}}


class DomainInline(admin.TabularInline):
    """Host names of the café; one of them is the main one."""

    model = Domain
    extra = 0
    min_num = 1


@admin.register(Cafe, site=platform_site)
class CafeAdmin(ServiceAdmin):
    """Cafés. Creating one makes its schema, tables and first contents, which takes some seconds."""

    list_display = ("name", "slug", "country", "plan", "is_active", "provisioned_at", "created_at")
    list_filter = ("is_active", "country", "plan", "is_demo")
    search_fields = ("name", "name_en", "slug", "domains__domain")
    readonly_fields = ("slug", "schema_name", "is_demo", "provisioned_at", "created_at")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = CafeForm if obj else NewCafeForm
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return super().get_readonly_fields(request, obj) if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*CafeForm.Meta.fields, *self.readonly_fields) if obj else NewCafeForm.Meta.fields

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return [DomainInline] if obj else []

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Cafe:
        return services.create_cafe(**values)

    def update(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> Cafe:
        row.save()
        return row


@admin.register(Domain, site=platform_site)
class DomainAdmin(admin.ModelAdmin):
    """Host names of all cafés."""

    list_display = ("domain", "tenant", "is_primary")
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__name")
