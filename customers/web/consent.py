"""The consent tab; blocking and unblocking a guest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views import View

from customers.models import Customer
from customers.selectors import get_customer
from customers.selectors.consent import channel_states, consent_history
from customers.services.consent import block_customer, set_consent, unblock_customer
from customers.services.customers import source_of
from customers.web.opt_out import opt_out_path
from customers.web.tabs import TabPage
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import PermissionDenied

ANSWERS = 50


class ConsentTab(TabPage):
    """Yes or no per channel with when, how and by whom; the guest's own link; blocking."""

    tab = "consent"
    template_name = "customers/tabs/consent.html"

    def context(self, customer: Customer) -> dict[str, Any]:
        return {
            "channels": channel_states(customer),
            "answers": consent_history(customer.pk)[:ANSWERS],
            "opt_out_url": self.request.build_absolute_uri(opt_out_path(customer.pk)),
            "can_erase": can(self.request.user, P.CUSTOMERS_ERASE),
            "can_export": can(self.request.user, P.CUSTOMERS_EXPORT),
        }

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Write a yes or no down."""
        if not can(request.user, P.CUSTOMERS_EDIT):
            raise PermissionDenied(details={"permission": str(P.CUSTOMERS_EDIT)})
        granted = request.POST.get("granted") == "yes"
        try:
            set_consent(
                actor=self.actor,
                customer_id=customer_id,
                channel=request.POST.get("channel", ""),
                granted=granted,
                source=source_of(self.actor),
            )
        except ValidationError as error:
            return self.show(get_customer(customer_id), status=422, error=" ".join(error.messages))
        said = _("Written down: the guest agrees.") if granted else _("Written down: no more offers there.")
        return self.done(get_customer(customer_id), said)


class BlockCustomer(RolePage, View):
    """Block a guest, with a reason that staff see."""

    permission = P.CUSTOMERS_EDIT

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        get_customer(customer_id)
        try:
            block_customer(actor=self.actor, customer_id=customer_id, reason=request.POST.get("reason", ""))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The guest is blocked: no points and no messages."))
        return redirect("customers:tab-consent", customer_id)


class UnblockCustomer(RolePage, View):
    """Take the block off."""

    permission = P.CUSTOMERS_EDIT

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        unblock_customer(actor=self.actor, customer_id=customer_id)
        messages.success(request, _("The guest is no longer blocked."))
        return redirect("customers:tab-consent", customer_id)
