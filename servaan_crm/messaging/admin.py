"""Outbox and providers in the admin. Messages are read-only: they are changed by services alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from servaan_crm.messaging import services
from servaan_crm.messaging.models import GatewayState, InboundMessage, Message, ProviderAccount
from servaan_crm.messaging.secret_texts import shown_text


class _ReadOnly(admin.ModelAdmin):
    """Look, do not touch."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(_ReadOnly):
    """The outbox."""

    list_display = ("created_at", "kind", "recipient", "state", "parts", "cost", "error_code")
    list_filter = ("state", "purpose", "kind", "provider")
    search_fields = ("=recipient", "=local_id", "=provider_message_id")
    ordering = ("-id",)
    show_full_result_count = False
    exclude = ("claimed_by", "dedupe_key", "body")
    readonly_fields = ("text",)

    @admin.display(description=_("text"))
    def text(self, message: Message) -> str:
        """The text; a code in it as dots."""
        return shown_text(message.kind, message.body)


@admin.register(InboundMessage)
class InboundMessageAdmin(_ReadOnly):
    """What guests wrote."""

    list_display = ("received_at", "sender", "receiver", "body")
    search_fields = ("=sender",)
    ordering = ("-received_at",)


@admin.register(GatewayState)
class GatewayStateAdmin(_ReadOnly):
    """Accounts with a problem, and the way to say that it is repaired."""

    list_display = (
        "account",
        "problem_class",
        "problem_code",
        "problem_text",
        "problem_since",
        "blocked_until",
    )
    actions = ("resume",)

    @admin.action(description=_("It is repaired: send again"))
    def resume(self, request: HttpRequest, queryset: QuerySet[GatewayState]) -> None:
        """Clear the problem of the chosen accounts."""
        for state in queryset:
            services.clear_problem(state.account)


class ProviderAccountForm(forms.ModelForm):
    """The key is written, never shown: an empty field keeps the stored one."""

    api_key = forms.CharField(
        label=_("API key"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "dir": "ltr"}),
        help_text=_("Stored encrypted. Leave empty to keep the present one."),
    )

    base_url = forms.URLField(
        label=_("base URL"),
        required=False,
        assume_scheme="https",
        help_text=_("Leave empty for the provider's own address."),
    )

    class Meta:
        model = ProviderAccount
        fields = (
            "name", "adapter", "base_url", "api_key", "sender", "priority", "is_active",
            "tariff_persian", "tariff_latin",
        )  # fmt: skip

    def clean_api_key(self) -> str:
        """Keep the stored key when none is given; a new account needs one."""
        key = str(self.cleaned_data["api_key"]).strip() or (self.instance.api_key if self.instance.pk else "")
        if not key:
            raise forms.ValidationError(_("Enter the API key."))
        return key


@admin.register(ProviderAccount)
class ProviderAccountAdmin(admin.ModelAdmin):
    """The café's own accounts."""

    form = ProviderAccountForm
    list_display = ("name", "adapter", "sender", "priority", "is_active")
    readonly_fields = ("status_callback", "receive_callback")

    @admin.display(description=_("address for delivery reports"))
    def status_callback(self, provider: ProviderAccount) -> str:
        """Path to enter in the provider's panel."""
        return self._callback(provider, "status")

    @admin.display(description=_("address for inbound messages"))
    def receive_callback(self, provider: ProviderAccount) -> str:
        """Path to enter in the provider's panel."""
        return self._callback(provider, "receive")

    @staticmethod
    def _callback(provider: ProviderAccount, kind: str) -> str:
        if provider._state.adding:
            return str(_("Known once the account is saved."))
        if not provider.adapter:  # the form of a new account
            return "–"
        return reverse("callbacks:provider", args=[provider.adapter, kind, provider.callback_secret])
