"""The simulator beside the program: "a visit of … on Tuesday at 17 by a gold guest earns …, because"."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views import View

from customers.models import Customer, MenuItem, Visit
from customers.selectors.customers import lookup
from loyalty.models import Tier
from loyalty.rules import RuleBook
from loyalty.selectors.program import get_rule_book
from loyalty.selectors.simulate import Simulation, Situation, bill_lines, simulate, with_guest
from loyalty.web.bonus_forms import ClockField
from loyalty.web.program_forms import ProgramForm
from loyalty.web.sentences import Rule
from loyalty.words import explain, left_out_text
from servaan_crm.accounts.models import Outlet
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.forms import DigitsInput, DigitsIntegerField, MoneyField, MoneyInput, PhoneField
from servaan_crm.l10n.jalali import WEEKDAYS, local_date, week_order
from servaan_crm.l10n.locale import get_locale

# An ordinary bill to begin with, in base units.
_ORDINARY = {"IRR": Decimal(2_500_000), "INR": Decimal(500), "BDT": Decimal(800)}


class SimulatorForm(forms.Form):
    """A visit in words."""

    amount = MoneyField(label=_("Bill amount"), widget=MoneyInput(attrs={"size": 9}))
    weekday = forms.ChoiceField(label=_("weekdays"))
    time = ClockField(label=_("Time"), widget=DigitsInput(attrs={"size": 5}))
    tier = forms.ChoiceField(label=_("tier"), choices=Tier.Level.choices)
    item = forms.CharField(
        label=_("items"), required=False, max_length=100,
        widget=forms.TextInput(attrs={"size": 12, "list": "menu-items", "placeholder": _("nothing special")}),
    )  # fmt: skip
    number = DigitsIntegerField(
        label=_("Visit number"), min_value=1, max_value=100_000, widget=DigitsInput(attrs={"size": 3})
    )
    earned_today = DigitsIntegerField(
        label=_("points earned today"), required=False, min_value=0, max_value=10_000_000,
        widget=DigitsInput(attrs={"size": 4, "placeholder": "0"}),
    )  # fmt: skip
    birthday = DigitsIntegerField(
        label=_("days to the birthday"), required=False, min_value=-200, max_value=200,
        widget=DigitsInput(attrs={"size": 4, "placeholder": "?"}),
    )  # fmt: skip
    discount = MoneyField(
        label=_("Discount"), required=False, widget=MoneyInput(attrs={"size": 7, "placeholder": _("nothing")})
    )
    points = DigitsIntegerField(
        label=_("Pay with points"), required=False, min_value=0, max_value=10_000_000,
        widget=DigitsInput(attrs={"size": 4, "placeholder": "0"}),
    )  # fmt: skip
    code = forms.CharField(
        label=_("discount code used"), required=False, max_length=40,
        widget=forms.TextInput(attrs={"dir": "ltr", "size": 10, "placeholder": _("none")}),
    )  # fmt: skip
    visit_type = forms.ChoiceField(label=_("Type"), choices=Visit.VisitType.choices)
    outlet = forms.ChoiceField(label=_("Outlet"), required=False)
    phone = PhoneField(label=_("Phone"), required=False)

    prefix = "sim"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = WEEKDAYS["fa" if get_locale().is_persian else "en"]
        self._choices("weekday", [(str(day), names[day]) for day in week_order()])
        outlets = Outlet.objects.filter(is_active=True).values_list("pk", "name")
        self._choices("outlet", [(str(pk), name) for pk, name in outlets])

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @classmethod
    def ordinary(cls) -> SimulatorForm:
        """Return the form filled with an ordinary visit."""
        item = MenuItem.objects.filter(is_active=True).values_list("name", flat=True).first()
        return cls(initial={
            "amount": _ORDINARY.get(get_locale().currency, Decimal(1000)), "time": dt.time(17), "tier": "gold",
            "weekday": str(local_date(timezone.now()).weekday()), "item": item or "", "number": 2,
            "visit_type": Visit.VisitType.DINE_IN,
        })  # fmt: skip

    @property
    def situation(self) -> Situation:
        """The visit as typed, on the next such day of the week, today included."""
        data, today = self.cleaned_data, local_date(timezone.now())
        day = today + dt.timedelta(days=(int(data["weekday"]) - today.weekday()) % 7)
        to_birthday = data["birthday"]
        return Situation(
            total_amount=data["amount"],
            at=dt.datetime.combine(day, data["time"], get_locale().tz),
            discount=data["discount"] or Decimal(0),
            points_to_redeem=data["points"] or 0,
            tier=data["tier"],
            lines=bill_lines([{"name": data["item"]}] if data["item"] else []),
            visit_number=data["number"],
            visit_type=data["visit_type"],
            outlet_id=data["outlet"],
            code=data["code"],
            birthday=None if to_birthday is None else day + dt.timedelta(days=to_birthday),
            earned_today=data["earned_today"] or 0,
        )


VISIT = (
    Rule("receipt", _("A visit"), (
        _("of %(amount)s on %(weekday)s at %(time)s,"),
        _("by a guest of the %(tier)s tier, with %(item)s on the bill."),
    )),
)  # fmt: skip
MORE = (
    Rule("user", _("The guest"), (
        _("It is visit number %(number)s;"),
        _("today's visits earned %(earned_today)s points before;"),
        _("the birthday is in %(birthday)s days."),
        _("Or a real guest, by phone: %(phone)s"),
    )),
    Rule("cash", _("The bill"), (
        _("Discount %(discount)s, paid with %(points)s points, code %(code)s;"),
        _("%(visit_type)s in %(outlet)s."),
    )),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the answer: signed points and why."""

    points: int
    text: str
    is_bonus: bool = False


class SimulationPart(RolePage, View):
    """The answer, again at each change. With the program's form along: by the rules as typed, not saved yet."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        form = SimulatorForm(request.GET)
        if not form.is_valid():
            problem = next(iter(form.errors.items()), ("", [""]))
            label = form.fields[problem[0]].label if problem[0] in form.fields else ""
            return render(request, "loyalty/_simulation.html", {"problem": problem[1][0], "label": label})
        saved = get_rule_book()
        book = _as_typed(saved, request)
        situation, guest = form.situation, _guest(form.cleaned_data["phone"])
        if guest is not None:
            situation = with_guest(situation, guest, book)
        found = simulate(book, situation)
        context = {
            "is_nobody": bool(form.cleaned_data["phone"]) and guest is None,
            "found": found, "lines": _lines(found), "guest": guest, "is_unsaved": book != saved,
            "left_out": [(rule.name, left_out_text(rule.reason)) for rule in found.left_out],
        }  # fmt: skip
        return render(request, "loyalty/_simulation.html", context)


def _as_typed(book: RuleBook, request: HttpRequest) -> RuleBook:
    form = ProgramForm(request.GET)
    if "amount_per_point" not in request.GET or not form.is_valid():
        return book
    known = {field.name for field in fields(book)}
    typed = {name: value for name, value in form.values.items() if name in known}
    if not typed["amount_per_point"]:
        return book
    return replace(book, **typed)


def _guest(phone: str | None) -> Customer | None:
    found = lookup(phone, 1) if phone else []
    return found[0] if found and found[0].phone == phone else None


def _lines(found: Simulation) -> list[Line]:
    first, *bonuses = found.earning.parts
    return [
        Line(first.points, explain(first.explanation)),
        *(Line(part.points, explain(part.explanation), True) for part in bonuses),
    ]
