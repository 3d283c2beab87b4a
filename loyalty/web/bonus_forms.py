"""One bonus rule as a form of sentences."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from customers.models import MenuItem, Visit
from loyalty.models import BonusRule, Tier
from loyalty.rules import BonusTerms
from loyalty.web.sentences import Rule
from loyalty.words import WEEKDAYS, clock
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.digits import plain_number, to_ascii
from servaan_crm.l10n.forms import (
    DigitsInput,
    DigitsIntegerField,
    LocalDateField,
    LocalDateInput,
    MoneyField,
    MoneyInput,
)
from servaan_crm.l10n.jalali import week_order
from servaan_crm.l10n.money import format_number
from servaan_crm.l10n.text import search_key

_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?")


class NumberField(forms.DecimalField):
    """A decimal number in digits of any script."""

    widget = DigitsInput

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        """Return the number. Raises ValidationError."""
        return super().to_python(plain_number(value) if isinstance(value, str) else value)

    def prepare_value(self, value: Any) -> Any:
        """Return a stored number in the café's digits, without noughts at its end."""
        if isinstance(value, (Decimal, int)):
            return format_number(value, places=2)
        return value


class ClockField(forms.Field):
    """An hour of the day: ۱۶, 16:30."""

    widget = DigitsInput

    def to_python(self, value: Any) -> dt.time | None:
        """Return the time; 24 is midnight. Raises ValidationError."""
        if not value or isinstance(value, dt.time):
            return value or None
        match = _CLOCK.fullmatch(to_ascii(str(value)).strip())
        hour, minute = (int(part or 0) for part in match.groups()) if match else (99, 0)
        try:
            return dt.time(0 if (hour, minute) == (24, 0) else hour, minute)
        except ValueError:
            raise ValidationError(_("Give an hour such as 16 or 16:30.")) from None

    def prepare_value(self, value: Any) -> Any:
        """Return a time as people write it."""
        return clock(value) if isinstance(value, dt.time) else value


def _chips(label: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, required=False, widget=forms.CheckboxSelectMultiple)


def _blank(attrs_size: int, hint: Any) -> dict[str, Any]:
    return {"size": attrs_size, "placeholder": hint}


class BonusForm(forms.Form):
    """A bonus: what it gives, and the conditions that must all fit. An empty condition fits every bill."""

    name = forms.CharField(label=_("name"), max_length=80, widget=forms.TextInput(attrs={"size": 24}))
    kind = forms.ChoiceField(
        label=_("kind"),
        choices=[
            ("multiplier", _("multiplies the points by")),
            ("points", _("gives this many points more:")),
        ],
    )
    size = NumberField(
        label=_("how much"), max_digits=8, decimal_places=2, widget=DigitsInput(attrs={"size": 5})
    )
    weekdays = _chips(_("weekdays"))
    from_time = ClockField(
        label=_("from (time)"), required=False, widget=DigitsInput(_blank(5, _("any hour")))
    )
    until_time = ClockField(
        label=_("until (time)"), required=False, widget=DigitsInput(_blank(5, _("any hour")))
    )
    starts_on = LocalDateField(
        label=_("starts on"), required=False, widget=LocalDateInput(_blank(10, _("any day")))
    )
    ends_on = LocalDateField(
        label=_("ends on"), required=False, widget=LocalDateInput(_blank(10, _("any day")))
    )
    categories = _chips(_("categories"))
    items = _chips(_("items"))
    other_items = forms.CharField(
        label=_("others"), required=False, max_length=2000, widget=forms.TextInput(attrs={"size": 30})
    )
    minimum_amount = MoneyField(
        label=_("smallest bill"), required=False, widget=MoneyInput(_blank(8, _("nothing")))
    )
    visit_types = _chips(_("visit types"))
    outlets = _chips(_("outlets"))
    tiers = _chips(_("tiers"))
    first_visit = forms.BooleanField(label=_("The guest's first visit only."), required=False)
    every_nth_visit = DigitsIntegerField(
        label=_("every Nth visit"), required=False, widget=DigitsInput(_blank(4, _("each")))
    )
    birthday_days = DigitsIntegerField(
        label=_("days around the birthday"), required=False, widget=DigitsInput(_blank(4, _("any")))
    )
    campaign_code = forms.CharField(
        label=_("discount code used"), required=False, max_length=40,
        widget=forms.TextInput(attrs={"dir": "ltr", "size": 12, "placeholder": _("none")}),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In force"), required=False, initial=True)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, rule: BonusRule | None = None, **kwargs: Any) -> None:
        if rule is not None:
            kwargs["initial"] = _initial(rule)
        super().__init__(*args, **kwargs)
        self.rule = rule
        menu = list(MenuItem.objects.filter(is_active=True).values_list("name", "category"))
        stored = (rule.items, rule.categories) if rule else ([], [])
        self._choices("items", _merged([name for name, _category in menu], stored[0]))
        self._choices("categories", _merged([category for _name, category in menu], stored[1]))
        self._choices("outlets", [(str(pk), name) for pk, name in Outlet.objects.values_list("pk", "name")])
        self._choices("weekdays", [(str(day), WEEKDAYS[day]) for day in week_order()])
        self._choices("visit_types", list(Visit.VisitType.choices))
        self._choices("tiers", list(Tier.Level.choices))

    def _choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices

    @property
    def values(self) -> dict[str, Any]:
        """What the service gets."""
        data = dict(self.cleaned_data)
        data.pop("seen", None)
        size, is_points = data.pop("size"), data["kind"] == BonusRule.Kind.POINTS
        others = [part.strip() for part in re.split(r"[,،\n]", data.pop("other_items", ""))]
        return {
            **data,
            "factor": None if is_points else size,
            "points": int(size) if is_points else None,
            "weekdays": [int(day) for day in data["weekdays"]],
            "items": [*data["items"], *(part for part in others if part)],
        }

    def clean(self) -> dict[str, Any]:
        """Points are whole numbers."""
        data = super().clean() or {}
        size = data.get("size")
        if size is not None and data.get("kind") == BonusRule.Kind.POINTS and size != int(size):
            self.add_error("size", _("Enter a whole number."))
        return data

    def put_errors(self, error: ValidationError) -> None:
        """Show what the service refuses beside the blank it belongs to."""
        found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for name, texts in found.items():
            blank = "size" if name in ("factor", "points") else name
            self.add_error(blank if blank in self.fields else None, texts)

    @property
    def terms(self) -> BonusTerms | None:
        """The rule as far as it is typed, for its live sentence; None until it says how much."""
        self.is_valid()
        data = self.cleaned_data
        if data.get("size") is None or "kind" not in data or self.errors.get("size"):
            return None
        blank: dict[str, Any] = {name: [] for name in ("weekdays", "items")}
        values = {**blank, **{name: data.get(name) for name in BonusForm.base_fields if name in data}}
        self.cleaned_data = {"other_items": "", **values}
        ready = self.values
        for name in ("weekdays", "items", "categories", "visit_types", "outlets", "tiers"):
            ready[name] = tuple(ready.get(name) or ())
        known = {name: value for name, value in ready.items() if name not in ("is_active", "name")}
        return BonusTerms(id="", name=data.get("name", ""), **known)


def _initial(rule: BonusRule) -> dict[str, Any]:
    initial = {name: getattr(rule, name, None) for name in BonusForm.base_fields}
    return {
        **initial,
        "size": rule.points if rule.kind == BonusRule.Kind.POINTS else rule.factor,
        "weekdays": [str(day) for day in rule.weekdays],
        "outlets": [str(pk) for pk in rule.outlets],
        "other_items": "",
        "seen": rule.updated_at.isoformat(),
    }


def _merged(menu: list[str], stored: list[str]) -> list[tuple[str, str]]:
    """Return choices: what the rule has already, as it is written there, and the rest of the menu."""
    by_key = {search_key(name): name for name in [*reversed(menu), *stored] if name}
    order = dict.fromkeys(search_key(name) for name in [*menu, *stored] if name)
    return [(by_key[key], by_key[key]) for key in order]


EFFECT = (
    Rule("sparkles", _("What it gives"), (
        _("“%(name)s” %(kind)s %(size)s."),
        "%(is_active)s",
    ), _("Guests see the name beside their points.")),
)  # fmt: skip
WHEN = (
    Rule("clock", _("Hours"), (_("From %(from_time)s to %(until_time)s."),),
         _("Hours over midnight belong to the day on which they began.")),
    Rule("calendar", _("Dates"), (_("From %(starts_on)s to %(ends_on)s, both days included."),)),
)  # fmt: skip
WHAT = (
    Rule("receipt", _("Bill"), (
        _("The part paid with money is at least %(minimum_amount)s."),
        _("The code %(campaign_code)s is on the bill."),
    )),
)  # fmt: skip
WHO = (
    Rule("repeat", _("Visits"), (
        "%(first_visit)s",
        _("Once in %(every_nth_visit)s visits."),
    ), _("10 stands for the 10th, 20th, 30th visit.")),
    Rule("cake", _("Birthday"), (_("At most %(birthday_days)s days before or after the birthday."),),
         _("0 stands for the birthday itself; guests without a birthday get nothing of it.")),
)  # fmt: skip
