"""Forms of discount codes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Customer
from loyalty.models import DiscountCode, Tier
from loyalty.services.codes import MAX_GENERATED
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.digits import plain_number
from servaan_crm.l10n.forms import DigitsInput, DigitsIntegerField, LocalDateField, MoneyField, PhoneField
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import from_screen, to_screen

_CHECKS = forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})
_CODE_INPUT = forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off", "autocapitalize": "characters"})


class TermsForm(forms.Form):
    """What codes take off a bill, and from whom. ``value`` is typed as percent or in the screen's unit."""

    name = forms.CharField(label=gettext_lazy("Name for the team"), max_length=100, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("It gives"), choices=DiscountCode.Kind.choices)
    value = forms.CharField(label=gettext_lazy("How much"), max_length=18, widget=DigitsInput)
    item_name = forms.CharField(label=gettext_lazy("Free item"), max_length=100, required=False)
    max_discount = MoneyField(label=gettext_lazy("At most"), required=False)
    minimum_amount = MoneyField(label=gettext_lazy("Smallest bill"), required=False)
    starts_on = LocalDateField(label=gettext_lazy("From"), required=False)
    ends_on = LocalDateField(label=gettext_lazy("Until"), required=False)
    max_uses_per_guest = DigitsIntegerField(
        label=gettext_lazy("Times per guest"), required=False, min_value=1, max_value=1_000_000
    )
    tiers = forms.MultipleChoiceField(
        label=gettext_lazy("Only for tiers"),
        choices=Tier.Level.choices,
        required=False,
        widget=_CHECKS,
    )
    outlets = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Only at outlets"),
        queryset=Outlet.objects.none(),
        required=False,
        widget=_CHECKS,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["outlets"].queryset = Outlet.objects.filter(is_active=True)  # type: ignore[attr-defined]
        unit = _("Percent, or an amount in the unit of the screen; of a free item its price.")
        self.fields["value"].help_text = unit

    def clean(self) -> dict[str, Any]:
        """Read the value as the kind means it."""
        data = super().clean() or {}
        if "value" in data and "kind" in data:
            try:
                data["value"] = _read_value(data["value"], data["kind"])
            except ValidationError as error:
                self.add_error("value", error)
        return data

    def terms(self) -> dict[str, Any]:
        """Return what the service takes."""
        data = dict(self.cleaned_data)
        data["outlets"] = [outlet.pk for outlet in data.get("outlets", ())]
        data["minimum_amount"] = data.get("minimum_amount") or 0
        return data


class CodeForm(TermsForm):
    """One code."""

    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        required=False,
        widget=_CODE_INPUT,
        help_text=gettext_lazy("Latin letters, digits and dashes. Left empty, one is drawn."),
    )
    max_uses = DigitsIntegerField(
        label=gettext_lazy("Times in all"), required=False, min_value=1, max_value=100_000_000
    )
    phone = PhoneField(label=gettext_lazy("Only for the guest with this number"), required=False)

    def clean_phone(self) -> Any:
        """Return the guest of a personal code."""
        phone = self.cleaned_data["phone"]
        if not phone:
            return None
        customer = Customer.objects.filter(phone=phone, deleted_at=None).first()
        if customer is None:
            raise ValidationError(_("Nobody has this number yet."))
        return customer

    def terms(self) -> dict[str, Any]:
        data = super().terms()
        customer = data.pop("phone")
        return data | {"customer_id": customer.pk if customer else None}


class GenerateForm(TermsForm):
    """Many codes, each usable once."""

    count = DigitsIntegerField(label=gettext_lazy("How many"), min_value=1, max_value=MAX_GENERATED)
    beginning = forms.CharField(
        label=gettext_lazy("Beginning of the codes"),
        max_length=20,
        required=False,
        widget=_CODE_INPUT,
        help_text=gettext_lazy("For example BAHAR: the codes become BAHAR-X7K2MPQ4RT."),
    )
    name = forms.CharField(label=gettext_lazy("Name for the team"), max_length=100)


def _read_value(typed: str, kind: str) -> Any:
    number = forms.DecimalField(max_digits=14, decimal_places=2).clean(plain_number(typed))
    return number if kind == DiscountCode.Kind.PERCENT else from_screen(number, get_locale())


def initial_of(code: DiscountCode) -> dict[str, Any]:
    """Return a code as its form shows it."""
    is_percent = code.kind == DiscountCode.Kind.PERCENT
    value = code.value if is_percent else to_screen(code.value, get_locale())
    names = ("code", "name", "kind", "item_name", "max_discount", "starts_on", "ends_on", "max_uses", "tiers")
    return {name: getattr(code, name) for name in names} | {
        "value": f"{value.normalize():f}",
        "minimum_amount": code.minimum_amount or None,
        "max_uses_per_guest": code.max_uses_per_guest,
        "outlets": code.outlets,
        "phone": code.customer.phone if code.customer else "",
    }
