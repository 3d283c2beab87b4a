"""Everything known of a guest, to hand out; and forgetting a guest for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View

from customers.privacy import everything_of
from customers.selectors import get_customer
from customers.services.privacy import erase_customer, note_export
from customers.web.data_words import readable
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.responses import CafeJSONEncoder
from servaan_crm.l10n.text import search_key


class CustomerData(RolePage, View):
    """All data of one guest: a page to read and print, or the same as JSON (``?format=json``)."""

    permission = P.CUSTOMERS_EXPORT

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Show or hand out the data, and write down who did."""
        customer = get_customer(customer_id, deleted_too=True)
        note_export(actor=self.actor, customer_id=customer.pk)
        sections = everything_of(customer)
        if request.GET.get("format") == "json":
            data: dict[str, Any] = {section.name: section.rows for section in sections}
            answer = JsonResponse(
                {"exported_at": timezone.now(), **data},
                encoder=CafeJSONEncoder,
                json_dumps_params={"ensure_ascii": False, "indent": 2},
            )
            answer["Content-Disposition"] = f'attachment; filename="guest-{customer.pk}.json"'
            return answer
        context = {
            "customer": customer,
            "sections": [(section, [readable(row) for row in section.rows]) for section in sections],
            "now": timezone.now(),
        }
        return render(request, "customers/data.html", context)


class EraseCustomer(RolePage, View):
    """Ask for the guest's name, then erase."""

    permission = P.CUSTOMERS_ERASE

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Say what will go and what stays."""
        return self._show(get_customer(customer_id, deleted_too=True))

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Erase when the name was typed right."""
        customer = get_customer(customer_id, deleted_too=True)
        typed = request.POST.get("confirm", "")
        if customer.erased_at is None and search_key(typed) != search_key(customer.name):
            return self._show(
                customer, status=422, typed=typed, error=_("This is not the name of the guest.")
            )
        erase_customer(actor=self.actor, customer_id=customer.pk)
        messages.success(request, _("The guest was erased. Visits and totals stay, without a name."))
        return redirect("customers:list")

    def _show(self, customer: Any, status: int = 200, **extra: Any) -> HttpResponse:
        return render(self.request, "customers/erase.html", {"customer": customer, **extra}, status=status)
