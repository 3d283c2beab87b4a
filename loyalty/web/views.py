"""The club's part of a guest's profile."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from customers.models import Customer
from customers.selectors.customers import get_customer
from loyalty.models import LedgerEntry
from loyalty.selectors import get_loyalty_status
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage

ENTRIES = 12


class TierRing(RolePage, View):
    """The ring of the profile's head: the way to the next tier."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        status = get_loyalty_status(_guest(request, customer_id))
        return render(request, "loyalty/_ring.html", {"status": status})


class LoyaltyPanel(RolePage, View):
    """Balance, tier, the way to the next one, and the last ledger entries."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = _guest(request, customer_id)
        entries = LedgerEntry.objects.filter(customer=customer).order_by("-sequence")[:ENTRIES]
        context = {"customer": customer, "status": get_loyalty_status(customer), "entries": entries}
        return render(request, "loyalty/_panel.html", context)


def _guest(request: HttpRequest, customer_id: UUID) -> Customer:
    """Return the guest; a deleted one too for those who see its profile and may bring it back."""
    return get_customer(customer_id, deleted_too=can(request.user, P.CUSTOMERS_EDIT))
