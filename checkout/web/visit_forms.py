"""The forms of the visit page: correct the bill, give a reason, find the right guest."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.services import VisitItem
from checkout.version import version_of, version_time
from customers.models import MenuItem, Visit
from customers.templatetags.customers import table_label
from servaan_crm.accounts.models import Outlet
from servaan_crm.l10n.digits import localize, to_ascii
from servaan_crm.l10n.forms import DigitsInput, LocalDateField, MoneyField
from servaan_crm.l10n.jalali import local_date
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.money import to_screen

MOST_OF_ONE = 1000


class VisitEditForm(forms.Form):
    """Corrects one visit. Each line of the bill has its quantity; dishes of the menu can be added.

    ``changes`` holds what the service takes; the service judges it. Day and time are there for those who may
    backdate (``with_date``).
    """

    total_amount = MoneyField(label=gettext_lazy("Bill amount"))
    discount_amount = MoneyField(label=gettext_lazy("Discount"), required=False)
    payment_method = forms.ChoiceField(label=gettext_lazy("Payment"), required=False)
    visit_type = forms.ChoiceField(label=gettext_lazy("Type"), choices=Visit.VisitType.choices)
    outlet_id = forms.ModelChoiceField(
        label=gettext_lazy("Outlet"), queryset=Outlet.objects.none(), empty_label=None
    )
    table_number = forms.CharField(label=gettext_lazy("Table"), required=False, max_length=10)
    server_name = forms.CharField(label=gettext_lazy("Server"), required=False, max_length=100)
    day = LocalDateField(label=gettext_lazy("Day"))
    time = forms.CharField(label=gettext_lazy("Hour and minute"), max_length=8, widget=DigitsInput)
    notes = forms.CharField(
        label=gettext_lazy("Notes"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    added = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)
    seen = forms.CharField(widget=forms.HiddenInput, max_length=16)

    def __init__(self, *args: Any, visit: Visit, with_date: bool, **kwargs: Any) -> None:
        self.visit = visit
        kwargs["initial"] = _initial(visit)
        super().__init__(*args, **kwargs)
        self.fields["outlet_id"].queryset = Outlet.objects.all()  # type: ignore[attr-defined]
        self.fields["payment_method"].choices = _payments(visit)  # type: ignore[attr-defined]
        if visit.points_value:
            self.fields["payment_method"].disabled = True
        if not with_date:
            del self.fields["day"], self.fields["time"]
        self.line_names = [f"line_{place}" for place in range(len(visit.items))]
        for name, item in zip(self.line_names, visit.items, strict=True):
            self.fields[name] = forms.CharField(
                label=item["name"],
                required=False,
                max_length=8,
                initial=localize(item.get("quantity", 1)),
                widget=DigitsInput(
                    attrs={"aria-label": item["name"], "data-line": item.get("item_id") or ""}
                ),
            )

    @property
    def lines(self) -> list[tuple[Any, dict[str, Any], Decimal]]:
        """Return (field, line, price of one on the screen) of each line of the bill."""
        return [
            (self[name], item, to_screen(Decimal(str(item.get("unit_price", 0)))))
            for name, item in zip(self.line_names, self.visit.items, strict=True)
        ]

    def clean_time(self) -> dt.time:
        """Read 14:30, also 1430 and ۱۴:۳۰."""
        match = re.fullmatch(r"([0-9]{1,2})[:.٫ ]?([0-9]{2})", to_ascii(self.cleaned_data["time"]).strip())
        try:
            return dt.time(int(match[1]), int(match[2])) if match else dt.time(99)
        except ValueError:
            raise ValidationError(_("Enter a time such as 14:30.")) from None

    def clean_seen(self) -> dt.datetime:
        try:
            return version_time(self.cleaned_data["seen"])
        except ValueError:
            raise ValidationError(_("Load the page again.")) from None

    def clean_outlet_id(self) -> Any:
        return self.cleaned_data["outlet_id"].pk

    def clean_table_number(self) -> str:
        """A table's number is stored in ASCII digits; a code such as A5 as it is typed."""
        typed: str = self.cleaned_data["table_number"].strip()
        return to_ascii(typed) if to_ascii(typed).isdigit() else typed

    def clean_added(self) -> list[dict[str, Any]]:
        """Read ``{"<menu item id>": quantity}``; names and prices come from the menu, not from the page."""
        try:
            wanted = json.loads(self.cleaned_data["added"] or "{}")
            counts = {
                str(key): min(int(value), MOST_OF_ONE) for key, value in wanted.items() if int(value) > 0
            }
            rows = list(MenuItem.objects.filter(pk__in=counts)) if counts else []
        except (ValueError, TypeError, AttributeError, ValidationError):
            raise ValidationError(_("The items could not be read. Choose them again.")) from None
        return [_menu_line(row, counts[str(row.pk)]) for row in rows]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            self.changes = self._changes(values)
        return values

    def _changes(self, values: dict[str, Any]) -> dict[str, Any]:
        names = (
            "total_amount", "payment_method", "visit_type", "outlet_id", "table_number", "server_name", "notes",
        )  # fmt: skip
        found = {name: values[name] for name in names}
        found["discount_amount"] = values["discount_amount"] or Decimal(0)
        items = [line for line in map(self._line, self.line_names, self.visit.items) if line] + values[
            "added"
        ]
        if items != self.visit.items:
            found["items"] = items
            found["item_count"] = sum(item.get("quantity", 1) for item in items)
        if "day" in values and (values["day"], values["time"]) != self._shown_moment():
            moment = dt.datetime.combine(values["day"], values["time"], get_locale().tz)
            found["visit_date"] = moment.astimezone(dt.UTC)
        return found

    def _shown_moment(self) -> tuple[dt.date, dt.time]:
        local = self.visit.visit_date.astimezone(get_locale().tz)
        return local.date(), local.time().replace(second=0, microsecond=0)

    def _line(self, name: str, item: dict[str, Any]) -> dict[str, Any] | None:
        """Return a line of the bill with the quantity typed; None when it was set to nothing."""
        typed = to_ascii(self.cleaned_data.get(name) or "0").strip()
        if not typed.isdigit() or int(typed) > MOST_OF_ONE:
            self.add_error(name, _("Enter a whole number."))
            return item
        quantity = int(typed)
        if quantity == item.get("quantity", 1):
            return item
        if not quantity:
            return None
        total = Decimal(str(item.get("unit_price", 0))) * quantity
        whole = total == total.to_integral_value()
        return {**item, "quantity": quantity, "total_price": int(total) if whole else float(total)}


def _menu_line(row: MenuItem, quantity: int) -> dict[str, Any]:
    line = VisitItem(
        name=row.name,
        category=row.category,
        item_id=str(row.pk),
        quantity=quantity,
        unit_price=row.price,
        total_price=row.price * quantity,
    )
    return line.as_json()


def _payments(visit: Visit) -> list[tuple[str, Any]]:
    """Return the ways to pay; "points" and "mixed" only where the bill has them already."""
    methods = Visit.PaymentMethod
    plain = (methods.CARD, methods.CASH, methods.ONLINE)
    shown = [
        (method.value, method.label)
        for method in methods
        if method in plain or method == visit.payment_method
    ]
    return [("", _("Not noted")), *shown]


def _initial(visit: Visit) -> dict[str, Any]:
    local = visit.visit_date.astimezone(get_locale().tz)
    return {
        "total_amount": visit.total_amount,
        "discount_amount": visit.discount_amount or None,
        "payment_method": visit.payment_method,
        "visit_type": visit.visit_type,
        "outlet_id": visit.outlet_id,
        "table_number": table_label(visit.table_number),
        "server_name": visit.server_name,
        "day": local_date(visit.visit_date),
        "time": localize(f"{local:%H:%M}"),
        "notes": visit.notes,
        "added": "{}",
        "seen": version_of(visit),
    }


class VoidForm(forms.Form):
    """Why a visit is taken back."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
