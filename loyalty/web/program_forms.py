"""The program as a form whose fields are blanks in sentences."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from loyalty.models import LoyaltyProgram
from loyalty.web.sentences import Rule
from loyalty.words import ROUNDING
from servaan_crm.l10n.forms import (
    DigitsInput,
    DigitsIntegerField,
    LocalDateField,
    LocalDateInput,
    MoneyField,
    MoneyInput,
)


def _whole(label: Any, *, required: bool = False, hint: Any = "", size: int = 4) -> DigitsIntegerField:
    return DigitsIntegerField(
        label=label, required=required, widget=DigitsInput(attrs={"size": size, "placeholder": hint})
    )


def _amount(label: Any, *, required: bool = True, hint: Any = "") -> MoneyField:
    return MoneyField(
        label=label, required=required, widget=MoneyInput(attrs={"size": 8, "placeholder": hint})
    )


def _day(label: Any) -> LocalDateField:
    attrs = {"size": 10, "placeholder": _("any day")}
    return LocalDateField(label=label, required=False, widget=LocalDateInput(attrs=attrs))


class ProgramForm(forms.Form):
    """All rules of the program. Empty means "no limit" where the sentence can be without one."""

    # What an empty blank stands for where the column cannot be empty.
    EMPTY = {
        "expiry_warning_days": 0, "minimum_redemption": 0, "tier_grace_days": 0, "referrer_points": 0,
        "friend_points": 0, "referral_minimum": Decimal(0), "minimum_amount": Decimal(0),
    }  # fmt: skip

    is_active = forms.BooleanField(label=_("The club gives and takes points"), required=False)
    amount_per_point = _amount(_("amount for one point"))
    rounding = forms.ChoiceField(
        label=_("rounding"),
        choices=list(ROUNDING.items()),
    )
    point_value = _amount(_("worth of one point"))
    minimum_amount = _amount(_("smallest bill that earns"), required=False, hint=_("nothing"))
    max_points_per_visit = _whole(_("most points per visit"), hint=_("no limit"), size=7)
    max_points_per_day = _whole(_("most points per day"), hint=_("no limit"), size=7)
    stacking = forms.ChoiceField(
        label=_("when several bonuses fit"),
        choices=[
            ("all", _("all of them count")),
            ("best", _("only the largest counts")),
            ("first", _("only the first of the list counts")),
        ],
    )
    starts_on = _day(_("starts on"))
    ends_on = _day(_("ends on"))
    expiry_months = _whole(_("points are valid for (months)"), hint=_("no end"), size=5)
    expiry_warning_days = _whole(_("warn before expiry (days)"), hint="0")
    tier_basis = forms.ChoiceField(label=_("tiers count"), choices=LoyaltyProgram.TierBasis.choices)
    tier_period_months = _whole(_("a tier is kept for (months)"), hint=_("no end"), size=5)
    tier_grace_days = _whole(_("grace (days)"), hint="0")
    minimum_redemption = _whole(_("fewest points to redeem at once"), hint="0", size=5)
    confirm_above = _amount(_("ask for an SMS code above"), required=False, hint=_("never"))
    referral_is_active = forms.BooleanField(label=_("Guests may invite friends."), required=False)
    referrer_points = _whole(_("points for the referrer"), hint="0", size=5)
    friend_points = _whole(_("points for the friend"), hint="0", size=5)
    referral_minimum = _amount(_("smallest first bill of the friend"), required=False, hint=_("nothing"))
    review_accruals_per_day = _whole(_("accruals a day that raise a review"), required=True)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    @classmethod
    def of(cls, program: LoyaltyProgram) -> ProgramForm:
        """Return the form filled with the program in force."""
        return cls(initial={name: getattr(program, name) for name in cls.base_fields})

    @property
    def values(self) -> dict[str, Any]:
        """The rules as typed, ready for the service; without the version."""
        return {
            name: self.EMPTY.get(name) if value is None else value
            for name, value in self.cleaned_data.items()
            if name != "version"
        }

    def onto(self, base: dict[str, Any], program: LoyaltyProgram) -> ProgramForm:
        """Return the form again on top of a newer version: what its author changed since ``base`` stays as typed."""
        fresh, data = ProgramForm.of(program), QueryDict(mutable=True)
        typed = self.values
        for name, field in self.fields.items():
            if name != "version" and typed[name] != base[name]:
                texts = self.data.getlist(name) if isinstance(self.data, QueryDict) else []
            else:
                value = fresh.initial[name]
                texts = (
                    ["on"]
                    if value is True
                    else []
                    if value in (False, None)
                    else [str(field.prepare_value(value))]
                )
            data.setlist(name, texts)
        return ProgramForm(data)


def typed_rules(rules: dict[str, Any]) -> dict[str, Any]:
    """Return an archived version's rules as the form's values."""
    found: dict[str, Any] = {}
    for name, field in ProgramForm.base_fields.items():
        value = rules.get(name)
        if value is not None and isinstance(field, MoneyField):
            value = Decimal(value)
        elif value is not None and isinstance(field, LocalDateField):
            value = dt.date.fromisoformat(value)
        found[name] = value
    return found


EARNING = (
    Rule("coins", _("Earning"), (
        _("For every %(amount_per_point)s paid with money a guest gets one point, %(rounding)s."),
        _("When it is spent, a point is worth %(point_value)s."),
    ), _("What is paid with points earns nothing. The tier multiplies the points of the purchase.")),
    Rule("adjustments", _("Limits"), (
        _("Bills below %(minimum_amount)s earn nothing."),
        _("A visit gives at most %(max_points_per_visit)s points, a day at most %(max_points_per_day)s."),
    ), _("A limit cuts the last bonus of the list first.")),
    Rule("list", _("Several bonuses"), (_("When several bonuses fit one bill, %(stacking)s."),)),
    Rule("calendar", _("From when to when"), (_("Bills earn from %(starts_on)s to %(ends_on)s, both days included."),)),
)  # fmt: skip
LASTING = (
    Rule("clock", _("Expiry"), (
        _("Points are valid for %(expiry_months)s months, to the end of that month."),
        _("The guest is warned %(expiry_warning_days)s days before."),
    ), _("Points given before keep the last day they were given with.")),
    Rule("trophy", _("Tiers"), (
        _("Tiers count %(tier_basis)s."),
        _("A reached tier is kept for %(tier_period_months)s months, and then %(tier_grace_days)s days of grace."),
    ), _("Between points and spend the thresholds are converted at the rate above.")),
    Rule("gift", _("Redeeming"), (
        _("At least %(minimum_redemption)s points are redeemed at once."),
        _("Above %(confirm_above)s the guest confirms with a code by SMS."),
    )),
    Rule("users", _("Inviting"), (
        "%(referral_is_active)s",
        _("Who invites gets %(referrer_points)s points, the friend %(friend_points)s."),
        _("The friend's first bill is at least %(referral_minimum)s."),
    )),
    Rule("shield-check", _("Review"), (
        _("More than %(review_accruals_per_day)s accruals of one guest in a day are shown for review."),
    ), _("Nothing is blocked by it.")),
)  # fmt: skip
