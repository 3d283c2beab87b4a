"""Staff, outlets and API keys in the back office."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from servaan_crm.accounts import services
from servaan_crm.accounts.models import ApiKey, Outlet, User
from servaan_crm.core.admin_display import ServiceAdmin
from servaan_crm.core.admin_site import platform_site

_ROLES_NOT_FOR_MANAGERS = {User.Role.OWNER}


class NewUserForm(BaseUserCreationForm):
    """User name, role and a password typed twice."""

    class Meta:
        model = User
        fields = ("username", "name", "role", "outlet")


class ChangeUserForm(UserChangeForm):
    """Everything but the password, which has a page of its own."""

    class Meta:
        model = User
        fields = ("username", "password", "name", "email", "phone", "role", "outlet", "is_active")


@admin.register(User)
class UserAdmin(ServiceAdmin, DjangoUserAdmin):
    """The people who work here. Somebody who leaves is switched off, not deleted: the history keeps the name."""

    form = ChangeUserForm
    add_form = NewUserForm
    list_display = ("username", "name", "role", "outlet", "is_active", "last_login")
    list_filter = ("role", "is_active", "outlet")
    search_fields = ("username", "name", "phone")
    ordering = ("username",)
    filter_horizontal = ()
    list_select_related = ("outlet",)
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("username", "password", "name", "phone", "email")}),
        (_("Work"), {"fields": ("role", "outlet", "is_active")}),
        (_("Dates"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "name", "role", "outlet", "password1", "password2"),
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        services.save_user(actor=request.user.actor, user=obj)  # type: ignore[union-attr]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or obj.role != User.Role.OWNER or _is_owner(request))

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role" and not _is_owner(request):
            kwargs["choices"] = [pair for pair in User.Role.choices if pair[0] not in _ROLES_NOT_FOR_MANAGERS]
        return super().formfield_for_choice_field(db_field, request, **kwargs)


@admin.register(Outlet)
class OutletAdmin(admin.ModelAdmin):
    """Branches. One of them is the default; those with visits cannot be deleted, only switched off."""

    list_display = ("name", "address", "is_default", "is_active")


class ApiKeyForm(forms.ModelForm):
    """A name, and the integrator the key acts as."""

    class Meta:
        model = ApiKey
        fields = ("name", "user")


@admin.register(ApiKey)
class ApiKeyAdmin(ServiceAdmin):
    """Keys of till vendors. The key is shown once, when it is made; afterwards it can only be revoked."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "user", "last_used_on", "created_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    readonly_fields = ("prefix", "last_used_on", "created_at", "revoked_at")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "user", *self.readonly_fields) if obj else ("name", "user")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(role=User.Role.INTEGRATOR, is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def create(self, request: HttpRequest, values: dict[str, Any]) -> ApiKey:
        key, clear = services.issue_api_key(actor=request.user.actor, **values)  # type: ignore[union-attr]
        request.issued_key = clear  # type: ignore[attr-defined]
        return key

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key in the answer itself: it is kept in no message, no session, no log."""
        context = {**self.admin_site.each_context(request), "title": _("The new API key"), "opts": self.opts,
                   "key": request.issued_key, "name": request.POST.get("name", "")}  # type: ignore[attr-defined]  # fmt: skip
        return TemplateResponse(request, "admin/accounts/apikey/issued.html", context)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    @admin.action(description=_("Revoke the chosen keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Make the chosen keys useless."""
        for key in queryset.filter(revoked_at=None):
            services.revoke_api_key(actor=request.user.actor, key=key)  # type: ignore[union-attr]
        self.message_user(request, _("The keys were revoked."))


def _is_owner(request: HttpRequest) -> bool:
    return getattr(request.user, "role", "") == User.Role.OWNER


@admin.register(User, site=platform_site)
class PlatformUserAdmin(UserAdmin):
    """Owners of the platform."""

    list_display = ("username", "name", "is_active", "last_login")  # type: ignore[assignment]
    list_filter = ("is_active",)  # type: ignore[assignment]
    list_select_related = ()  # type: ignore[assignment]
    fieldsets = (
        (None, {"fields": ("username", "password", "name", "phone", "email")}),
        (_("Work"), {"fields": ("role", "is_active")}),
        (_("Dates"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "name", "role", "password1", "password2")}),
    )
