"""The search field of the top bar."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views import View

from customers.selectors.customers import lookup
from customers.selectors.saved_views import recent_searches
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.accounts.web import RolePage


class Search(RolePage, View):
    """Guests by name or number: a list below the field, or the customer list when Enter is pressed."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        query = request.GET.get("q", "").strip()[:100]
        if request.headers.get("HX-Request") != "true":
            return redirect(f"{reverse('customers:list')}?{urlencode({'search': query})}")
        if not query:
            recent = recent_searches(staff_of(request))
            return render(request, "customers/_recent.html", {"recent": recent})
        found = lookup(query, 8) if len(query) >= 2 else []
        return render(request, "web/_search.html", {"query": query, "found": found})
