"""The customer list and the profile of one guest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from customers.errors import CustomerAlreadyExists
from customers.models import Customer
from customers.selectors import all_customers, get_customer, get_facts, visit_timeline
from customers.selectors.notes import newest_notes
from customers.services import create_customer, delete_customer, restore_customer, update_customer
from customers.web.customer_list import DELETED
from customers.web.forms import CustomerForm
from customers.web.own_fields import own_values, tag_choices
from customers.web.profile import profile_of
from customers.web.tabs import TabPage, loyalty_parts
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import EditConflict

VISITS_PER_PAGE = 15


class CustomerPage(TabPage):
    """The profile with its first tab. Deleted guests open for those who may bring them back."""

    tab = "overview"
    template_name = "customers/tabs/overview.html"

    def context(self, customer: Customer) -> dict[str, Any]:
        pinned, newest = newest_notes(customer.pk)
        return {
            "profile": profile_of(customer, get_facts()),
            **timeline_page(self.request, customer),
            **loyalty_parts(self.request, customer),
            "pinned_notes": pinned,
            "newest_notes": newest,
            "all_tags": tag_choices(customer),
            "own_values": own_values(customer.custom),
        }


class CustomerVisits(RolePage, View):
    """Older visits for the timeline; without htmx the profile with that page of visits."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = get_customer(customer_id, deleted_too=can(request.user, P.CUSTOMERS_EDIT))
        if not request.headers.get("HX-Request"):
            page = _page_number(request)
            return redirect(f"{reverse('customers:detail', args=[customer.pk])}?page={page}")
        return render(
            request, "customers/_timeline.html", {"customer": customer, **timeline_page(request, customer)}
        )


class CreateCustomer(RolePage, View):
    """Enter a guest; a number that belonged to a deleted guest is first offered for restore."""

    permission = P.CUSTOMERS_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        initial = {name: request.GET[name] for name in ("phone", "name") if name in request.GET}
        return self._show(CustomerForm(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CustomerForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=422)
        fresh = "create_new" in request.POST
        try:
            customer = create_customer(actor=self.actor, offer_restore=not fresh, **form.changes)
        except CustomerAlreadyExists as error:
            form.add_error("phone", str(error))
            return self._show(form, status=409, **_owner(error))
        messages.success(request, _("%(name)s was added.") % {"name": customer.name})
        return redirect("customers:detail", customer.pk)

    def _show(self, form: CustomerForm, status: int = 200, **extra: Any) -> HttpResponse:
        return render(self.request, "customers/form.html", {"form": form, **extra}, status=status)


class EditCustomer(RolePage, View):
    """Change a guest; a state that is no longer the newest is not written over."""

    permission = P.CUSTOMERS_EDIT

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = get_customer(customer_id)
        return self._show(CustomerForm(customer=customer), customer)

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = get_customer(customer_id)
        form = CustomerForm(request.POST, customer=customer)
        if not form.is_valid():
            return self._show(form, customer, status=422)
        version = form.cleaned_data["version"]
        try:
            update_customer(
                actor=self.actor, customer_id=customer.pk, expected_version=version, changes=form.changes
            )
        except CustomerAlreadyExists as error:
            form.add_error("phone", str(error))
            return self._show(form, customer, status=409, **_owner(error))
        except EditConflict as error:
            return self._show(form, customer, status=409, conflict=error)
        messages.success(request, _("The changes were saved."))
        return redirect("customers:detail", customer.pk)

    def _show(self, form: CustomerForm, customer: Customer, status: int = 200, **extra: Any) -> HttpResponse:
        context = {"form": form, "customer": customer, **extra}
        return render(self.request, "customers/form.html", context, status=status)


class DeleteCustomer(RolePage, View):
    """Take a guest out of the book; the list then offers to take that back."""

    permission = P.CUSTOMERS_DELETE

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = delete_customer(actor=self.actor, customer_id=customer_id)
        request.session[DELETED] = {"id": str(customer.pk), "name": customer.name}
        return redirect("customers:list")


class RestoreCustomer(RolePage, View):
    """Bring a deleted guest back."""

    permission = P.CUSTOMERS_EDIT

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = restore_customer(actor=self.actor, customer_id=customer_id)
        messages.success(request, _("%(name)s is back in the list.") % {"name": customer.name})
        return redirect("customers:detail", customer.pk)


def timeline_page(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return one page of visits; the next one is asked for by one row too many rather than by a count."""
    number = _page_number(request)
    first = (number - 1) * VISITS_PER_PAGE
    visits = list(visit_timeline(customer.pk)[first : first + VISITS_PER_PAGE + 1])
    more = len(visits) > VISITS_PER_PAGE
    return {
        "visits": visits[:VISITS_PER_PAGE],
        "visits_page": number,
        "next_page": number + 1 if more else None,
    }


def _page_number(request: HttpRequest) -> int:
    typed = request.GET.get("page", "1")
    return max(1, int(typed)) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 1


def _owner(error: CustomerAlreadyExists) -> dict[str, Any]:
    """Return who has the number, or had it before being deleted."""
    details = error.details
    if "deleted_customer_id" in details:
        return {"restorable": Customer.objects.get(pk=details["deleted_customer_id"])}
    if "merged_into_customer_id" in details:
        return {"owner": all_customers().get(pk=details["merged_into_customer_id"]), "was_merged": True}
    return {"owner": all_customers().get(pk=details["customer_id"])}
