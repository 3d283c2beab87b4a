"""The form of one guest."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.models import Customer, Tag
from customers.services.custom_fields import clean_values
from customers.services.validation import MAX_NOTES, clean_fields
from customers.web.own_fields import OWN, own_fields
from servaan_crm.l10n.forms import LocalDateField, PhoneField
from servaan_crm.l10n.locale import get_locale

_COMMAS = re.compile(r"[,\u060c;\n]+")
DAY_PARTS = [
    ("", "—"),
    ("morning", gettext_lazy("Morning")),
    ("noon", gettext_lazy("Noon")),
    ("afternoon", gettext_lazy("Afternoon")),
    ("evening", gettext_lazy("Evening")),
]
# Form fields that live inside ``preferences``.
_PREFERENCES = ("allergies", "favorite_drink", "preferred_time")
_PLAIN = (
    "phone", "name", "name_english", "email", "birthday", "anniversary", "gender", "status", "block_reason",
    "notes", "city", "address", "allow_marketing",
)  # fmt: skip


class CustomerForm(forms.Form):
    """Enters or changes a guest. The customer book judges the values; this form only reads them."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=200)
    phone = PhoneField(label=gettext_lazy("Mobile number"))
    allergies = forms.CharField(
        label=gettext_lazy("Allergies"),
        required=False,
        help_text=gettext_lazy("Separated by commas. Shown in red at the counter."),
    )
    favorite_drink = forms.CharField(label=gettext_lazy("Favourite drink"), required=False, max_length=100)
    preferred_time = forms.ChoiceField(label=gettext_lazy("Usual time"), required=False, choices=DAY_PARTS)
    notes = forms.CharField(
        label=gettext_lazy("Notes"),
        required=False,
        max_length=MAX_NOTES,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    tags = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Tags"),
        required=False,
        queryset=Tag.objects.none(),
        widget=forms.CheckboxSelectMultiple,
    )
    birthday = LocalDateField(label=gettext_lazy("Birthday"), required=False)
    anniversary = LocalDateField(label=gettext_lazy("Anniversary"), required=False)
    email = forms.CharField(
        label=gettext_lazy("E-mail"),
        required=False,
        widget=forms.EmailInput(attrs={"dir": "ltr", "autocomplete": "off"}),
    )
    gender = forms.ChoiceField(label=gettext_lazy("Gender"), required=False, choices=Customer.Gender.choices)
    name_english = forms.CharField(
        label=gettext_lazy("Latin name"), required=False, widget=forms.TextInput(attrs={"dir": "ltr"})
    )
    city = forms.CharField(label=gettext_lazy("City"), required=False)
    address = forms.CharField(label=gettext_lazy("Address"), required=False)
    status = forms.ChoiceField(
        label=gettext_lazy("Status"), choices=Customer.Status.choices, initial=Customer.Status.ACTIVE
    )
    block_reason = forms.CharField(
        label=gettext_lazy("Reason of blocking"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("A blocked guest gets no points and no messages; staff see this reason."),
    )
    allow_marketing = forms.BooleanField(
        label=gettext_lazy("Agrees to receive offers by message"), required=False, initial=True
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, customer: Customer | None = None, **kwargs: Any) -> None:
        if customer is not None:
            kwargs["initial"] = {**_initial(customer), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self._preferences = dict(customer.preferences) if customer else {}
        self.fields["tags"].queryset = Tag.objects.all()  # type: ignore[attr-defined]
        self.own_fields = own_fields(customer.custom if customer else {})
        self.fields.update(self.own_fields)
        self.fields["phone"].widget.attrs["data-phone"] = get_locale().phone_region

    def clean(self) -> dict[str, Any]:
        """Let the customer book check the values, and name each that is not right beside its field."""
        values = super().clean() or {}
        written = {name: values[name] for name in _PLAIN if name in values}
        try:
            self.changes = clean_fields({**written, "preferences": self._read_preferences(values)})
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                self.add_error(name if name in self.fields else None, messages)
        else:
            own = {name.removeprefix(OWN): values.get(name) for name in self.own_fields}
            self.changes["custom"], errors = clean_values(own)
            for key, messages in errors.items():
                self.add_error(f"{OWN}{key}", messages)
            self.changes["tags"] = list(values.get("tags") or [])
        return values

    def _read_preferences(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the stored preferences with the form's three put in; other keys stay."""
        read = {**self._preferences}
        typed = values.get("allergies") or ""
        read["allergies"] = [part.strip() for part in _COMMAS.split(typed) if part.strip()]
        for name in ("favorite_drink", "preferred_time"):
            read[name] = (values.get(name) or "").strip()
        return {key: value for key, value in read.items() if value or key in self._preferences}

    @property
    def own(self) -> list[forms.BoundField]:
        """The café's own fields, to be drawn."""
        return [self[name] for name in self.own_fields]

    def clean_phone(self) -> str:
        """A number is needed; blanks are none."""
        phone: str | None = self.cleaned_data["phone"]
        if not phone:
            raise ValidationError(_("Enter a mobile number."))
        return phone


def _initial(customer: Customer) -> dict[str, Any]:
    preferences = customer.preferences
    known = dict(DAY_PARTS)
    time = preferences.get("preferred_time", "")
    return {
        **{name: getattr(customer, name) for name in _PLAIN},
        "allergies": "، ".join(customer.allergies)
        if get_locale().is_persian
        else ", ".join(customer.allergies),
        "favorite_drink": preferences.get("favorite_drink", ""),
        "preferred_time": time if time in known else "",
        "tags": list(customer.tags.all()),
        "version": customer.version,
    }
