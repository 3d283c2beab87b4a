"""``/settings/providers/``: the accounts messages go out by, and the rules of sending."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import format_money, format_number
from servaan_crm.messaging.api.providers import callback_paths
from servaan_crm.messaging.figures import AccountFigures, figures_of, list_account_figures
from servaan_crm.messaging.gateways.registry import ADAPTERS
from servaan_crm.messaging.models import DEFAULT_ACCOUNT, BlockedNumber, Channel, ProviderAccount
from servaan_crm.messaging.services import clear_problem, get_rules, update_rules
from servaan_crm.messaging.services.providers import (
    create_provider,
    delete_provider,
    get_provider,
    reaches,
    test_provider,
    update_provider,
)
from servaan_crm.messaging.web.provider_forms import ProviderForm, RulesForm

STATUS = {
    "ok": ("ok", gettext_lazy("Sends")),
    "off": ("mute", gettext_lazy("Switched off")),
    "resting": ("bad", gettext_lazy("Resting")),
    "trying": ("warn", gettext_lazy("Being tried again")),
    "limit": ("warn", gettext_lazy("At its limit")),
}
LIMITS = {
    "minute": gettext_lazy("The most messages of this minute are out."),
    "day": gettext_lazy("The most messages of today are out."),
    "month": gettext_lazy("The most messages of this month are out."),
}
PROBLEMS = {
    "credit": gettext_lazy("The credit is used up. Top it up, then resume."),
    "auth": gettext_lazy("The provider refuses the key or the line. Check them, then test."),
    "retryable": gettext_lazy("The provider asked for a pause, or cannot be reached."),
    "unknown": gettext_lazy(
        "The provider takes messages without answering. What became of them is asked for."
    ),
}


class ProviderPages(RolePage, View):
    """Base of these pages."""

    permission = P.PROVIDERS_MANAGE


class ProvidersPage(ProviderPages):
    """Every account with its health, and the rules of sending."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(RulesForm.of(get_rules()))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save the rules of sending."""
        form = RulesForm.of(get_rules(), request.POST)
        if form.is_valid():
            update_rules(actor=self.actor, changes=form.cleaned_data)
            messages.success(request, _("The rules of sending were saved."))
            return redirect("providers:list")
        return self.show(form, status=422)

    def show(self, form: RulesForm, status: int = 200) -> HttpResponse:
        rows = list(ProviderAccount.objects.order_by("channel", "priority", "id"))
        found = figures_of(rows)
        shown = [shown_account(found[str(row.pk)], row) for row in rows if str(row.pk) in found]
        shared = [
            row for row in list_account_figures(channel=Channel.SMS) if row.account.key == DEFAULT_ACCOUNT
        ]
        context = {
            "accounts": shown,
            "shared": [shown_account(row, None) for row in shared],
            "form": form,
            "blocked": BlockedNumber.objects.exclude(recipient__contains="@").count(),
            "gone": BlockedNumber.objects.filter(recipient__contains="@").count(),
        }
        return render(self.request, "messaging/providers.html", context, status=status)


class ChooseProvider(ProviderPages):
    """Which provider the new account is at."""

    def get(self, request: HttpRequest) -> HttpResponse:
        country = get_locale().country
        choices = [
            {
                "adapter": name,
                "label": adapter.label,
                "channel": channel,
                "channel_label": Channel(channel).label,
                "reaches": reaches(adapter, country),
            }
            for name, adapter in ADAPTERS.items()
            for channel in sorted(adapter.channels)
        ]
        choices.sort(key=lambda choice: not choice["reaches"])
        return render(request, "messaging/provider_choose.html", {"choices": choices})


class NewProvider(ProviderPages):
    """Create an account at the provider and for the channel that the address names."""

    def get(self, request: HttpRequest) -> HttpResponse:
        adapter, channel = self.chosen()
        return self.show(ProviderForm(adapter=adapter, channel=channel))

    def post(self, request: HttpRequest) -> HttpResponse:
        adapter, channel = self.chosen()
        form = ProviderForm(request.POST, adapter=adapter, channel=channel)
        if form.is_valid():
            values, options = form.values()
            try:
                row = create_provider(
                    actor=self.actor, adapter=adapter, channel=channel, values=values, options=options
                )
            except ValidationError as error:
                form.take(error)
            else:
                messages.success(request, _("The account is saved. Test it before you rely on it."))
                return redirect("providers:edit", row.pk)
        return self.show(form, status=422)

    def chosen(self) -> tuple[str, str]:
        """The adapter and the channel. Raises Http404 when there is none like that."""
        adapter, channel = self.request.GET.get("adapter", ""), self.request.GET.get("channel", "")
        if adapter not in ADAPTERS or channel not in ADAPTERS[adapter].channels:
            raise Http404
        return adapter, channel

    def show(self, form: ProviderForm, status: int = 200) -> HttpResponse:
        context = _context(form, *self.chosen())
        return render(self.request, "messaging/provider.html", context, status=status)


class EditProvider(ProviderPages):
    """One account: its health, its addresses for the provider's calls, its settings."""

    def get(self, request: HttpRequest, provider_id: UUID) -> HttpResponse:
        row = _editable(provider_id)
        return self.show(row, ProviderForm(adapter=row.adapter, channel=row.channel, row=row))

    def post(self, request: HttpRequest, provider_id: UUID) -> HttpResponse:
        row = _editable(provider_id)
        form = ProviderForm(request.POST, adapter=row.adapter, channel=row.channel, row=row)
        if form.is_valid():
            values, options = form.values()
            try:
                update_provider(actor=self.actor, provider_id=provider_id, values=values, options=options)
            except ValidationError as error:
                form.take(error)
            else:
                messages.success(request, _("The account was saved."))
                return redirect("providers:list")
        return self.show(row, form, status=422)

    def show(self, row: ProviderAccount, form: ProviderForm, status: int = 200) -> HttpResponse:
        figures = figures_of([row])[str(row.pk)]
        paths = callback_paths(row)
        words = {
            "status": _("Delivery reports"),
            "receive": _("Messages of guests"),
            "all": _("Delivery reports and messages of guests"),
        }
        callbacks = [(words[kind], self.request.build_absolute_uri(path)) for kind, path in paths.items()]
        context = _context(form, row.adapter, row.channel) | {
            "row": row,
            "account": shown_account(figures, row),
            "callbacks": callbacks,
        }
        return render(self.request, "messaging/provider.html", context, status=status)


class TestProvider(ProviderPages):
    """Ask the provider who we are."""

    __test__ = False  # a page, not a test class

    def post(self, request: HttpRequest, provider_id: UUID) -> HttpResponse:
        found = test_provider(provider_id=provider_id)
        if not found.ok:
            text = _("The provider refused: %(text)s") % {"text": f"{found.text} ({found.code})"}
            messages.error(request, text)
        elif not found.is_proven:
            text = _(
                "The settings are complete, but this service has no question by which the key could be tested."
            )
            messages.warning(request, f"{text} {_('Send a test message to see whether it works.')}")
        elif found.credit is None:
            messages.success(request, _("The connection works."))
        else:
            text = _("The connection works. Credit: %(credit)s") % {"credit": credit_words(found.credit)}
            messages.success(request, text)
        return redirect("providers:edit", provider_id)


class ResumeProvider(ProviderPages):
    """Say that an account is repaired."""

    def post(self, request: HttpRequest, provider_id: UUID) -> HttpResponse:
        clear_problem(str(get_provider(provider_id).pk))
        messages.success(request, _("The account sends again."))
        return redirect("providers:list")


class DeleteProvider(ProviderPages):
    """Remove an account."""

    def post(self, request: HttpRequest, provider_id: UUID) -> HttpResponse:
        try:
            row = delete_provider(actor=self.actor, provider_id=provider_id)
        except DomainError as error:
            if error.status == 404:
                raise
            messages.error(request, error.text(get_locale().language))
            return redirect("providers:edit", provider_id)
        messages.success(request, _("The account %(name)s was removed.") % {"name": row.name})
        return redirect("providers:list")


def shown_account(figures: AccountFigures, row: ProviderAccount | None) -> dict[str, Any]:
    """One account in words."""
    tone, word = STATUS[figures.status]
    channel = figures.account.config.channel
    reason = LIMITS.get(figures.limit_reached, "") if figures.status == "limit" else ""
    return {
        "row": row,
        "figures": figures,
        "name": row.name if row else _("Shared account of the installation"),
        "provider": ADAPTERS[figures.account.adapter].label,
        "channel": Channel(channel).label,
        "tone": tone,
        "status": word,
        "reason": PROBLEMS.get(figures.problem, reason),
        "credit": credit_words(figures.credit) if figures.credit is not None else "",
        "limits": _limits(figures),
    }


def credit_words(credit: Any) -> str:
    """A credit in the café's money where the account's currency is surely that, else a bare number."""
    return format_money(credit) if get_locale().country == "IR" else format_number(credit, places=2)


def _limits(figures: AccountFigures) -> list[tuple[str, int, int]]:
    """(word, used, most) of each limit of the account."""
    counters, limits = figures.counters, figures.account.limits
    if counters is None:
        return []
    rows = (
        (_("this minute"), counters.minute, limits.minute),
        (_("today"), counters.day, limits.day),
        (_("this month"), counters.month, limits.month),
    )
    return [(word, used, most) for word, used, most in rows if most is not None]


def _context(form: ProviderForm, adapter: str, channel: str) -> dict[str, Any]:
    return {
        "form": form,
        "provider": ADAPTERS[adapter].label,
        "channel": Channel(channel).label,
        "reaches": reaches(ADAPTERS[adapter], get_locale().country),
    }


def _editable(provider_id: UUID) -> ProviderAccount:
    row = get_provider(provider_id)
    if row.adapter not in ADAPTERS:
        raise Http404
    return row
