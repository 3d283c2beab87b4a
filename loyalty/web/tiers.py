"""The four tiers: thresholds, multipliers, benefits, and how many guests each would have."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from loyalty.models import LoyaltyProgram, ProgramVersion, Tier
from loyalty.selectors.program import get_program
from loyalty.selectors.tiers import TierPreview, preview_tiers
from loyalty.services.program import TIER_PRESETS, preset_thresholds, update_tiers
from loyalty.services.program_checks import LEVELS
from loyalty.web.bonus_forms import NumberField
from loyalty.web.sentences import Row, Rule, rows_of
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import EditConflict
from servaan_crm.l10n.forms import DigitsInput, MoneyField, MoneyInput
from servaan_crm.l10n.money import format_number

_POINTS = (
    Rule("trophy", "", (
        gettext_lazy("From %(threshold)s points on,"),
        gettext_lazy("points × %(multiplier)s and %(discount_percent)s percent discount."),
    )),
)  # fmt: skip
_SPEND = (
    Rule("trophy", "", (
        gettext_lazy("From a spend of %(threshold)s on,"),
        gettext_lazy("points × %(multiplier)s and %(discount_percent)s percent discount."),
    )),
)  # fmt: skip


class TierForm(forms.Form):
    """One tier; the level is the form's prefix."""

    threshold: forms.Field = NumberField(
        label=gettext_lazy("from"), max_digits=16, decimal_places=2, widget=DigitsInput(attrs={"size": 7})
    )
    multiplier = NumberField(
        label=gettext_lazy("points multiplier"), max_digits=5, decimal_places=2,
        widget=DigitsInput(attrs={"size": 3}),
    )  # fmt: skip
    discount_percent = NumberField(
        label=gettext_lazy("discount (percent)"), max_digits=5, decimal_places=2,
        widget=DigitsInput(attrs={"size": 3}),
    )  # fmt: skip
    benefits = forms.CharField(
        label=gettext_lazy("Benefits, one per line"), required=False, max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )  # fmt: skip

    def __init__(self, *args: Any, in_money: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if in_money:
            self.fields["threshold"] = MoneyField(
                label=gettext_lazy("from"), widget=MoneyInput(attrs={"size": 10})
            )

    @property
    def values(self) -> dict[str, Any]:
        """What the service gets."""
        lines = (line.strip() for line in self.cleaned_data["benefits"].splitlines())
        return {**self.cleaned_data, "benefits": [line for line in lines if line]}


class _Card:
    """A tier as the page shows it."""

    def __init__(self, tier: Tier, form: TierForm, in_money: bool, read_only: bool) -> None:
        self.tier, self.form, self.benefits = tier, form, form["benefits"]
        self.rows: list[Row] = list(rows_of(form, _SPEND if in_money else _POINTS, read_only=read_only))


class TiersPage(RolePage, View):
    """The tiers; ``?preset=`` fills in a ready-made set, which counts when it is saved."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        program = get_program()
        preset = request.GET.get("preset", "")
        thresholds = preset_thresholds(program, preset) if preset in TIER_PRESETS else {}
        forms_by_level = {
            tier.level: TierForm(
                prefix=tier.level, in_money=_in_money(program), initial=_initial(tier, thresholds)
            )
            for tier in Tier.objects.all()
        }
        return show_tiers(request, program, forms_by_level, preset=preset if thresholds else "")


def show_tiers(
    request: HttpRequest,
    program: LoyaltyProgram,
    forms_by_level: dict[str, TierForm],
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """Render the page with one form per level."""
    read_only = not can(request.user, P.LOYALTY_MANAGE)
    tiers = {tier.level: tier for tier in Tier.objects.all()}
    cards = [_Card(tiers[level], forms_by_level[level], _in_money(program), read_only) for level in LEVELS]
    context = {
        "program": program, "cards": cards, "read_only": read_only,
        "presets": [(key, label, key == extra.get("preset")) for key, (label, _points) in TIER_PRESETS.items()],
        "preview": _preview(program, forms_by_level), **extra,
    }  # fmt: skip
    return render(request, "loyalty/tiers.html", context, status=status)


class SaveTiers(RolePage, View):
    """Save all four tiers in one version of the program."""

    permission = P.LOYALTY_MANAGE

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("loyalty:tiers")

    def post(self, request: HttpRequest) -> HttpResponse:
        program = get_program()
        forms_by_level = _bound(request.POST, program)
        # Every form is asked, so that all errors show at once.
        wrong = [level for level, form in forms_by_level.items() if not form.is_valid()]
        if wrong:
            return show_tiers(request, program, forms_by_level, status=422)
        version = request.POST.get("version", "")
        expected = int(version[:9]) if version.isdecimal() else program.version
        changes = _changed(forms_by_level, expected)
        try:
            update_tiers(actor=self.actor, changes=changes, expected_version=expected)
        except EditConflict:
            merged = _on_top(changes, program)
            return show_tiers(request, program, merged, status=409, is_conflict=True)
        except ValidationError as error:
            for name, texts in error.message_dict.items():
                level, _dot, field = name.partition(".")
                forms_by_level[level].add_error(field, texts)
            return show_tiers(request, program, forms_by_level, status=422)
        number = {"version": format_number(get_program().version)}
        messages.success(request, _("Saved. Version %(version)s is in force.") % number)
        return redirect("loyalty:tiers")


class TierPreviewPart(RolePage, View):
    """How many guests each tier has, and would have with the thresholds as typed."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        program = get_program()
        preview = _preview(program, _bound(request.GET, program))
        return render(request, "loyalty/_tier_preview.html", {"preview": preview})


def _in_money(program: LoyaltyProgram) -> bool:
    return program.tier_basis == LoyaltyProgram.TierBasis.LIFETIME_SPEND


def _bound(data: Any, program: LoyaltyProgram) -> dict[str, TierForm]:
    return {level: TierForm(data, prefix=level, in_money=_in_money(program)) for level in LEVELS}


def _changed(forms_by_level: dict[str, TierForm], version: int) -> dict[str, dict[str, Any]]:
    """Return level → field → value of what differs from the version the author looked at."""
    kept = ProgramVersion.objects.filter(version=version).first()
    base = {tier["level"]: tier for tier in kept.rules["tiers"]} if kept else {}
    return {
        level: {
            name: value
            for name, value in form.values.items()
            if not _is_same(value, base.get(level, {}).get(name))
        }
        for level, form in forms_by_level.items()
    }


def _is_same(value: Any, kept: Any) -> bool:
    """Compare a typed value with an archived one, whose numbers are text."""
    if isinstance(value, Decimal):
        return kept is not None and Decimal(kept) == value
    return bool(value == kept)


def _on_top(changes: dict[str, dict[str, Any]], program: LoyaltyProgram) -> dict[str, TierForm]:
    """Return the forms with the tiers in force, and what their author changed on top of them."""
    found = {}
    for tier in Tier.objects.all():
        for name, value in changes[tier.level].items():
            setattr(tier, name, value)
        found[tier.level] = TierForm(
            prefix=tier.level, in_money=_in_money(program), initial=_initial(tier, {})
        )
    return found


def _initial(tier: Tier, thresholds: dict[str, Decimal]) -> dict[str, Any]:
    return {
        "threshold": thresholds.get(tier.level, tier.threshold), "multiplier": tier.multiplier,
        "discount_percent": tier.discount_percent, "benefits": "\n".join(map(str, tier.benefits)),
    }  # fmt: skip


def _preview(program: LoyaltyProgram, forms_by_level: dict[str, TierForm]) -> TierPreview | None:
    """Return the preview; None while the thresholds do not ascend from 0."""
    found: dict[str, Decimal] = {}
    for level, form in forms_by_level.items():
        if form.is_bound:
            form.is_valid()
            value = form.cleaned_data.get("threshold")
        else:
            value = form.initial["threshold"]
        if value is None:
            return None
        found[level] = value
    values = [found[level] for level in LEVELS]
    ascending = all(low < high for low, high in pairwise(values))
    return preview_tiers(found, program.tier_basis) if values[0] == 0 and ascending else None
