"""The figures above the customer list, loaded after the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.views import View

from analytics.periods import month_so_far
from analytics.selectors.statistics import change_in_percent, get_customer_overview, percent_of
from customers.models import CustomerSummary
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.web import RolePage


@dataclass(frozen=True, slots=True)
class Share:
    """One segment of the distribution; ``start`` and ``percent`` place it on the bar."""

    code: str
    label: str | Promise
    count: int
    percent: Decimal
    start: Decimal
    url: str


class CustomerFigures(RolePage, View):
    """Four key figures and how the guests spread over the segments."""

    permission = P.CUSTOMERS_STATISTICS

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("HX-Request") != "true":
            return redirect("customers:list")
        so_far, before = month_so_far()
        figures, flows = get_customer_overview(so_far, before=before)
        value = figures["average_lifetime_value"]
        context = {
            "figures": figures,
            # Nobody reads the last digits of an average.
            "value": value.quantize(Decimal("1E+2" if value >= 10_000 else "1")),
            "visits": figures["average_visits_per_customer"].quantize(Decimal("0.1")),
            "change": change_in_percent(figures["new_this_month"], flows["before"]),
            "shares": shares_of(figures["by_segment"]),
        }
        return render(request, "analytics/_customer_figures.html", context)


def shares_of(counts: dict[str, int]) -> list[Share]:
    """Return the segments with their share of all, in the order of the bar."""
    total, start, made = sum(counts.values()), Decimal(0), []
    for code, label in CustomerSummary.Segment.choices:
        percent = percent_of(counts[code], total) or Decimal(0)
        url = f"{reverse('customers:list')}?segment={code}"
        made.append(Share(code, label, counts[code], percent, start, url))
        start += percent
    return made
