"""The communications tab of a guest's profile."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Customer
from customers.selectors import get_customer
from customers.web.family import put_errors
from customers.web.tabs import TabPage
from outreach.calls.selectors import open_calls_to
from outreach.communications import communication_keys, load_communications
from outreach.models import Interaction
from outreach.services import log_interaction
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.core.errors import PermissionDenied
from servaan_crm.core.features import is_enabled
from servaan_crm.l10n.forms import LocalDateField

PER_PAGE = 20


class ContactForm(forms.Form):
    """Notes one contact."""

    type = forms.ChoiceField(label=gettext_lazy("How"), choices=Interaction.Type.choices)
    direction = forms.ChoiceField(
        label=gettext_lazy("Who began"),
        choices=Interaction.Direction.choices,
        initial=Interaction.Direction.OUTBOUND,
    )
    outcome = forms.ChoiceField(
        label=gettext_lazy("Outcome"), required=False, choices=[("", "—"), *Interaction.Outcome.choices]
    )
    subject = forms.CharField(label=gettext_lazy("Subject"), required=False, max_length=200)
    details = forms.CharField(
        label=gettext_lazy("What was said"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    follow_up_date = LocalDateField(label=gettext_lazy("Follow up on"), required=False)


class CommunicationsTab(TabPage):
    """Messages with their state and text, what the guest wrote, and the contacts of the staff."""

    tab = "communications"
    template_name = "outreach/communications.html"
    permission = P.MESSAGES_VIEW

    def context(self, customer: Customer) -> dict[str, Any]:
        contacts = may_log(self.request.user)
        page = Paginator(communication_keys(customer, contacts=contacts), PER_PAGE).get_page(
            self.request.GET.get("page", "1")
        )
        return {
            "page_obj": page,
            "entries": load_communications(list(page.object_list)),
            "form": ContactForm(auto_id="contact_%s"),
            "can_log": contacts and customer.deleted_at is None,
            "open_calls": open_calls_to(staff_of(self.request), customer.pk) if contacts else [],
        }

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Note a contact."""
        if not may_log(request.user):
            raise PermissionDenied(details={"permission": str(P.OUTREACH_WORK)})
        customer = get_customer(customer_id)
        form = ContactForm(request.POST, auto_id="contact_%s")
        if form.is_valid():
            try:
                log_interaction(actor=self.actor, customer_id=customer.pk, **form.cleaned_data)
            except ValidationError as error:
                put_errors(form, error)
            else:
                return self.done(customer, _("The contact was noted."))
        return self.show(customer, status=422, form=form)


def may_log(user: Any) -> bool:
    """Say whether ``user`` sees and notes contacts."""
    return can(user, P.OUTREACH_WORK) and is_enabled("outreach")
