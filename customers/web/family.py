"""The family tab."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.models import Customer, FamilyMember
from customers.seen import seen_in, token_of
from customers.selectors import get_customer
from customers.services.family import add_family_member, change_family_member, remove_family_member
from customers.web.tabs import TabPage
from servaan_crm.accounts.permissions import P, can
from servaan_crm.core.errors import EditConflict, NotFound, PermissionDenied
from servaan_crm.l10n.forms import LocalDateField, PhoneField
from servaan_crm.l10n.jalali import local_date, next_occurrence


@dataclass(frozen=True, slots=True)
class Relative:
    """A family member with the next birthday: its date, the days until then, the age reached."""

    member: FamilyMember
    next_birthday: dt.date | None
    days: int | None


class FamilyForm(forms.Form):
    """Reads one family member; the customer book judges the values."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=100)
    relationship = forms.ChoiceField(
        label=gettext_lazy("Relationship"), choices=FamilyMember.Relationship.choices
    )
    birthday = LocalDateField(label=gettext_lazy("Birthday"), required=False)
    phone = PhoneField(label=gettext_lazy("Mobile number"), required=False)
    address = forms.CharField(label=gettext_lazy("Address"), required=False, max_length=1_000)
    notes = forms.CharField(label=gettext_lazy("Notes"), required=False, max_length=1_000)


class FamilyTab(TabPage):
    """The family with birthdays, the next one first, and the form for one more."""

    tab = "family"
    template_name = "customers/tabs/family.html"

    def context(self, customer: Customer) -> dict[str, Any]:
        today = local_date(timezone.now())
        relatives = [_relative(member, today) for member in customer.family_members.all()]
        relatives.sort(key=lambda row: (row.days is None, row.days or 0, row.member.name))
        return {"relatives": relatives, "form": FamilyForm(auto_id="family_%s")}

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Add a family member."""
        if not can(request.user, P.CUSTOMERS_EDIT):
            raise PermissionDenied(details={"permission": str(P.CUSTOMERS_EDIT)})
        customer = get_customer(customer_id)
        form = FamilyForm(request.POST, auto_id="family_%s")
        if form.is_valid():
            try:
                add_family_member(actor=self.actor, customer_id=customer.pk, values=form.cleaned_data)
            except ValidationError as error:
                put_errors(form, error)
            else:
                return self.done(customer, _("The family member was added."))
        return self.show(customer, status=422, form=form)


class EditMember(FamilyTab):
    """The form of one family member, and its saving."""

    permission = P.CUSTOMERS_EDIT

    def get(self, request: HttpRequest, customer_id: UUID, member_id: UUID) -> HttpResponse:  # type: ignore[override]
        member = FamilyMember.objects.filter(pk=member_id, customer=get_customer(customer_id)).first()
        if member is None:
            raise NotFound(details={"member_id": str(member_id)})
        initial = {name: getattr(member, name) for name in FamilyForm.base_fields}
        form = FamilyForm(initial=initial, auto_id="family_%s")
        # On a phone the form stands below the list: the eye follows the cursor.
        form.fields["name"].widget.attrs["autofocus"] = True
        return self.show(get_customer(customer_id), form=form, editing=member, seen=token_of(member))

    def post(self, request: HttpRequest, customer_id: UUID, member_id: UUID) -> HttpResponse:  # type: ignore[override]
        customer = get_customer(customer_id)
        form = FamilyForm(request.POST, auto_id="family_%s")
        conflict: EditConflict | None = None
        if form.is_valid():
            try:
                change_family_member(
                    actor=self.actor, customer_id=customer.pk, member_id=member_id, values=form.cleaned_data,
                    seen=seen_in(request.POST),
                )  # fmt: skip
            except ValidationError as error:
                put_errors(form, error)
            except EditConflict as error:
                conflict = error
            else:
                return self.done(customer, _("The family member was changed."))
        kept = {"editing": FamilyMember(pk=member_id), "seen": request.POST.get("seen", "")}
        return self.show(customer, status=422, form=form, conflict=conflict, **kept)


class RemoveMember(FamilyTab):
    """Forget a family member."""

    permission = P.CUSTOMERS_EDIT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, customer_id: UUID, member_id: UUID) -> HttpResponse:  # type: ignore[override]
        remove_family_member(actor=self.actor, customer_id=customer_id, member_id=member_id)
        return self.done(get_customer(customer_id), _("The family member was removed."))


def put_errors(form: forms.Form, error: ValidationError) -> None:
    """Name each wrong field of ``error`` beside it in ``form``."""
    found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    for name, texts in found.items():
        form.add_error(name if name in form.fields else None, texts)


def _relative(member: FamilyMember, today: dt.date) -> Relative:
    if member.birthday is None:
        return Relative(member, None, None)
    coming = next_occurrence(member.birthday, today)
    return Relative(member, coming, (coming - today).days)
