"""The café's own fields: the page that makes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from customers.models import CustomField
from customers.seen import seen_in, token_of
from customers.services.custom_fields import save_custom_field
from customers.web.family import put_errors
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import EditConflict, NotFound
from servaan_crm.l10n.forms import DigitsIntegerField


class CustomFieldForm(forms.Form):
    """One field; key and type are chosen once, because values hang on them."""

    label = forms.CharField(label=gettext_lazy("Name of the field"), max_length=60)
    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=40,
        help_text=gettext_lazy("Latin letters a-z, digits and _; used by imports and the API."),
        widget=forms.TextInput(attrs={"dir": "ltr", "autocapitalize": "none", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(label=gettext_lazy("Type"), choices=CustomField.Kind.choices)
    choices = forms.CharField(
        label=gettext_lazy("Choices"),
        required=False,
        help_text=gettext_lazy("One per line; for the type “choice” only."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    display_order = DigitsIntegerField(
        label=gettext_lazy("Order"), required=False, min_value=0, max_value=1000
    )
    is_active = forms.BooleanField(label=gettext_lazy("In use"), required=False, initial=True)

    def __init__(self, *args: Any, field: CustomField | None = None, **kwargs: Any) -> None:
        if field is not None:
            kwargs["initial"] = {
                "label": field.label, "key": field.key, "kind": field.kind, "is_active": field.is_active,
                "display_order": field.display_order, "choices": "\n".join(map(str, field.choices)),
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        if field is not None:
            for name in ("key", "kind"):
                self.fields[name].disabled = True

    @property
    def values(self) -> dict[str, Any]:
        """What the service gets."""
        values = dict(self.cleaned_data)
        lines = (line.strip() for line in values["choices"].splitlines())
        return {
            **values,
            "choices": [line for line in lines if line],
            "display_order": values["display_order"] or 0,
        }


class CustomFieldsPage(RolePage, View):
    """All own fields, and the form for a new one."""

    permission = P.CUSTOMERS_FIELDS

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(CustomFieldForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a field."""
        return self.save(CustomFieldForm(request.POST))

    def save(self, form: CustomFieldForm, field: CustomField | None = None) -> HttpResponse:
        """Write the form's field, or show what is wrong with it."""
        if form.is_valid():
            try:
                seen = seen_in(self.request.POST) if field else None
                save_custom_field(
                    actor=self.actor, values=form.values, field_id=field.pk if field else None, seen=seen
                )
            except ValidationError as error:
                put_errors(form, error)
            except EditConflict as error:
                return self.show(form, field, status=409, conflict=error)
            else:
                messages.success(self.request, _("The field was saved."))
                return redirect("customers:fields")
        return self.show(form, field, status=422)

    def show(
        self, form: CustomFieldForm, field: CustomField | None = None, status: int = 200, **extra: Any
    ) -> HttpResponse:
        """Render the page with ``form``."""
        seen = form.data.get("seen") or (token_of(field) if field else "")
        context = {"fields": CustomField.objects.all(), "form": form, "editing": field, "seen": seen, **extra}
        return render(self.request, "customers/fields.html", context, status=status)


class EditCustomField(CustomFieldsPage):
    """Change one field, or put it out of use; its values stay."""

    def get(self, request: HttpRequest, field_id: UUID) -> HttpResponse:  # type: ignore[override]
        field = _find(field_id)
        return self.show(CustomFieldForm(field=field), field)

    def post(self, request: HttpRequest, field_id: UUID) -> HttpResponse:  # type: ignore[override]
        field = _find(field_id)
        return self.save(CustomFieldForm(request.POST, field=field), field)


def _find(field_id: UUID) -> CustomField:
    field = CustomField.objects.filter(pk=field_id).first()
    if field is None:
        raise NotFound(details={"field_id": str(field_id)})
    return field
