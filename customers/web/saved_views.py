"""Saved views and recent searches of the customer list."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from customers.selectors.saved_views import recent_searches
from customers.services.saved_views import (
    change_view,
    clear_searches,
    delete_view,
    remember_search,
    save_view,
)
from servaan_crm.accounts.permissions import P
from servaan_crm.accounts.requests import staff_of
from servaan_crm.accounts.web import RolePage


class SaveView(RolePage, View):
    """Keep the filters of the list under a name."""

    permission = P.CUSTOMERS_VIEW

    def post(self, request: HttpRequest) -> HttpResponse:
        query = request.POST.get("query", "")
        try:
            view = save_view(
                user=staff_of(request),
                name=request.POST.get("name", ""),
                query=query,
                shared="shared" in request.POST,
            )
        except ValidationError as error:
            return _refused(request, error)
        messages.success(request, _("The view “%(name)s” was saved.") % {"name": view.name})
        return redirect(f"{reverse('customers:list')}?{view.query}")


class ChangeView(RolePage, View):
    """Rename, share or delete a view."""

    permission = P.CUSTOMERS_VIEW

    def post(self, request: HttpRequest, view_id: UUID) -> HttpResponse:
        user = staff_of(request)
        if "delete" in request.POST:
            delete_view(user=user, view_id=view_id)
            messages.success(request, _("The view was deleted."))
            return redirect("customers:list")
        try:
            view = change_view(
                user=user,
                view_id=view_id,
                name=request.POST.get("name", ""),
                shared="shared" in request.POST,
            )
        except ValidationError as error:
            return _refused(request, error)
        messages.success(request, _("The changes were saved."))
        return redirect(f"{reverse('customers:list')}?{view.query}")


class RecentSearches(RolePage, View):
    """What was searched for lately, below an empty search field; POST adds one or clears them."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "customers/_recent.html", {"recent": recent_searches(staff_of(request))})

    def post(self, request: HttpRequest) -> HttpResponse:
        user = staff_of(request)
        if "clear" in request.POST:
            clear_searches(user=user)
        else:
            remember_search(user=user, query=request.POST.get("query", ""))
        if request.headers.get("HX-Request") == "true":
            return self.get(request)
        return redirect("customers:list")


def _refused(request: HttpRequest, error: ValidationError) -> HttpResponse:
    messages.error(request, " ".join(error.messages))
    return redirect("customers:list")
