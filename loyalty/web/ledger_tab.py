"""The points tab of the profile: the whole ledger with its filters, and what runs out when."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from customers.exports.http import note_export, streamed
from customers.models import Customer
from customers.selectors import get_customer
from customers.web.tabs import TabPage, register_tab
from loyalty.models import LedgerEntry
from loyalty.selectors.ledger import LedgerFilter, guest_entries, open_lots_of
from loyalty.selectors.status import get_account, get_loyalty_status
from loyalty.services.ledger import usable_points
from loyalty.web.ledger_csv import ledger_lines
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.forms import LocalDateField

PER_PAGE = 25

register_tab(
    name="loyalty",
    label=gettext_lazy("Points"),
    icon="star",
    url_name="loyalty:ledger-tab",
    permission=P.LOYALTY_VIEW,
    order=20,
)


class LedgerForm(forms.Form):
    """The filters as they are typed."""

    type = forms.ChoiceField(
        label=gettext_lazy("Type"),
        required=False,
        choices=[("", gettext_lazy("All")), *LedgerEntry.Type.choices],
    )
    from_date = LocalDateField(label=gettext_lazy("From date"), required=False)
    to_date = LocalDateField(label=gettext_lazy("To date"), required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        first, last = values.get("from_date"), values.get("to_date")
        if first and last and first > last:
            self.add_error("to_date", _("The first day is after the last one."))
        return values


class GuestLedger:
    """One guest's ledger as an address asks for it."""

    def __init__(self, customer: Customer, query: QueryDict) -> None:
        self.form = LedgerForm(query)
        if self.form.is_valid():
            values = {name: value for name, value in self.form.cleaned_data.items() if value}
            self.rows = guest_entries(customer.pk, LedgerFilter(**values))
        else:
            self.rows = LedgerEntry.objects.none()
        kept = QueryDict(mutable=True)
        for name in self.form.fields:
            if value := query.get(name, "").strip():
                kept[name] = value
        self.kept = kept.urlencode()


class LedgerTab(TabPage):
    """``/loyalty/ledger/<guest>/``: balance, what runs out, and every movement."""

    tab = "loyalty"
    template_name = "loyalty/tab.html"

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        return self.show(self.load(customer_id))

    def context(self, customer: Customer) -> dict[str, Any]:
        ledger = GuestLedger(customer, self.request.GET)
        account = get_account(customer)
        rows = ledger.rows.select_related("created_by")
        return {
            "status": get_loyalty_status(customer),
            "usable": usable_points(account),
            "lots": open_lots_of(account),
            "form": ledger.form,
            "kept": ledger.kept,
            "page_obj": Paginator(rows, PER_PAGE).get_page(self.request.GET.get("page", "1")),
            "can_export": can(self.request.user, P.CUSTOMERS_EXPORT),
        }


class LedgerExport(RolePage, View):
    """The same rows as a CSV file."""

    permission = P.CUSTOMERS_EXPORT

    def get(self, request: HttpRequest, customer_id: UUID) -> StreamingHttpResponse:
        customer = get_customer(customer_id, deleted_too=True)
        rows = GuestLedger(customer, request.GET).rows
        note_export(
            self.actor, {"what": "ledger", "customer": str(customer.pk), "filters": request.GET.dict()}
        )
        name = f"points-{str(customer.pk)[-8:]}-{timezone.now():%Y%m%d}.csv"
        return streamed(lambda: ledger_lines(rows), name, "text/csv; charset=utf-8")
