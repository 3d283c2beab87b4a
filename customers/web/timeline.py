"""The visits of one guest: filtered, summed up, exported, printed. The state is the address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from customers.models import Customer, Visit
from customers.selectors import get_customer
from customers.selectors.visits import VisitFilter, VisitSums, filter_timeline, sum_visits
from customers.web.tabs import TabPage, address
from customers.web.visit_csv import file_name, visit_lines
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.l10n.forms import LocalDateField, MoneyField

PER_PAGE = 20
PRINTED = 2000
RESULTS = "visit-results"


class TimelineForm(forms.Form):
    """The filters as they are typed: dates of the café's calendar, amounts in the screen's unit."""

    search = forms.CharField(
        label=gettext_lazy("Search in items and categories"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    from_date = LocalDateField(label=gettext_lazy("From date"), required=False)
    to_date = LocalDateField(label=gettext_lazy("To date"), required=False)
    min_amount = MoneyField(label=gettext_lazy("Least amount"), required=False)
    max_amount = MoneyField(label=gettext_lazy("Most amount"), required=False)
    payment = forms.ChoiceField(
        label=gettext_lazy("Payment"),
        required=False,
        choices=[("", gettext_lazy("All")), *Visit.PaymentMethod.choices],
    )
    type = forms.ChoiceField(
        label=gettext_lazy("Type"),
        required=False,
        choices=[("", gettext_lazy("All")), *Visit.VisitType.choices],
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for first, last, problem in (
            ("from_date", "to_date", _("The first day is after the last one.")),
            ("min_amount", "max_amount", _("The least amount is more than the most.")),
        ):
            low, high = values.get(first), values.get(last)
            if low is not None and high is not None and low > high:
                self.add_error(last, problem)
        return values

    def wanted(self) -> VisitFilter:
        """Return the filter; fields that could not be read narrow nothing."""
        return VisitFilter(**{name: value for name, value in self.cleaned_data.items() if value is not None})


class Timeline:
    """One guest's visits as an address asks for them."""

    def __init__(self, customer: Customer, query: QueryDict) -> None:
        self.form = TimelineForm(query)
        self.is_valid = self.form.is_valid()
        self.rows = filter_timeline(customer.pk, self.form.wanted())
        if not self.is_valid:
            self.rows = self.rows.none()
        self.customer, self.query = customer, query

    @property
    def is_narrowed(self) -> bool:
        return any(self.query.get(name, "").strip() for name in self.form.fields)

    def kept(self, **changes: Any) -> str:
        """Return the query with the filters that are set, and ``changes``."""
        kept = QueryDict(mutable=True)
        for name in self.form.fields:
            if value := self.query.get(name, "").strip():
                kept[name] = value
        for name, value in changes.items():
            kept[name] = str(value)
        return kept.urlencode()

    def page(self) -> dict[str, Any]:
        """Return one page; the next one is known by one row too many rather than by a count."""
        typed = self.query.get("page", "1")
        number = max(1, int(typed)) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 1
        first = (number - 1) * PER_PAGE
        found = list(self.rows[first : first + PER_PAGE + 1])
        return {
            "visits": found[:PER_PAGE],
            "more_query": self.kept(page=number + 1) if len(found) > PER_PAGE else "",
            "is_first_page": number == 1,
        }


class VisitsTab(TabPage):
    """The timeline with its filters. htmx gets the tab, the results, or the next page alone."""

    tab = "visits"
    template_name = "customers/tabs/visits.html"

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = self.load(customer_id)
        target = request.headers.get("HX-Target")
        if "HX-History-Restore-Request" in request.headers or target not in (RESULTS, "visit-more"):
            return self.show(customer)
        context = {
            "customer": customer,
            "tab_url": reverse("customers:tab-visits", args=[customer.pk]),
            **self.context(customer),
        }
        name = "_visit_results.html" if target == RESULTS else "_visit_page.html"
        response = render(request, f"customers/tabs/{name}", context)
        response["Vary"] = "HX-Request, HX-Target, Cookie"
        if target == RESULTS:  # the address without the filters that are empty
            response["HX-Push-Url"] = f"{context['tab_url']}?{context['kept']}".rstrip("?")
        return response

    def context(self, customer: Customer) -> dict[str, Any]:
        timeline = Timeline(customer, self.request.GET)
        page = timeline.page()
        return {
            "form": timeline.form,
            "is_narrowed": timeline.is_narrowed,
            "sums": sum_visits(timeline.rows) if page["is_first_page"] else None,
            "search": timeline.query.get("search", "")[:100],
            "kept": timeline.kept(),
            "can_export": can(self.request.user, P.CUSTOMERS_EXPORT),
            "counter_url": address("checkout:counter"),
            **page,
        }


class VisitsExport(RolePage, View):
    """The filtered visits as a CSV file, streamed."""

    permission = P.CUSTOMERS_EXPORT

    def get(self, request: HttpRequest, customer_id: UUID) -> StreamingHttpResponse:
        customer = get_customer(customer_id, deleted_too=True)
        timeline = Timeline(customer, request.GET)
        response = StreamingHttpResponse(visit_lines(timeline.rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{file_name(customer)}"'
        response["Cache-Control"] = "private, no-store"
        return response


class VisitsPrint(RolePage, View):
    """The filtered visits on paper."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        customer = get_customer(customer_id, deleted_too=can(request.user, P.CUSTOMERS_EDIT))
        timeline = Timeline(customer, request.GET)
        sums: VisitSums = sum_visits(timeline.rows)
        visits = list(timeline.rows[:PRINTED])
        context = {
            "customer": customer,
            "visits": visits,
            "sums": sums,
            "left_out": sums.visits + sums.voided - len(visits),
            "facts": _words(timeline),
            "tab_query": timeline.kept(),
        }
        return render(request, "customers/visits_print.html", context)


def _words(timeline: Timeline) -> list[tuple[str, str]]:
    """Return the filters that are set as (label, value) for the head of the paper."""
    facts = []
    for bound in timeline.form:
        if not timeline.query.get(bound.name, "").strip():
            continue
        value = timeline.form.cleaned_data.get(bound.name)
        choices = dict(getattr(bound.field, "choices", ()))
        shown = choices.get(value) if choices else bound.field.prepare_value(value)
        facts.append((str(bound.label), str(shown)))
    return facts
