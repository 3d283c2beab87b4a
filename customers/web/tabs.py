"""The tabs of a guest's profile: a frame every room hangs its own part into.

A room registers its tab in ``AppConfig.ready`` and shows it with a :class:`TabPage`. Each tab has an address of its
own: with htmx the part inside ``#tab`` alone, without it the whole profile with that tab open.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.views import View

from customers.models import Customer
from customers.selectors import get_customer, get_facts
from customers.web.profile import profile_of
from servaan_crm.accounts.permissions import P, can, feature_of
from servaan_crm.accounts.requests import staff_of
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.features import is_enabled


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; ``url_name`` is the name of its address, which takes the guest's id alone."""

    name: str
    label: str | Promise
    icon: str
    url_name: str
    permission: P
    feature: str | None
    order: int

    def is_open_to(self, user: Any) -> bool:
        """Say whether ``user`` may see this tab in the café in hand."""
        feature = self.feature or feature_of(self.permission)
        return can(user, self.permission) and (feature is None or is_enabled(feature))


_tabs: dict[str, Tab] = {}


def register_tab(
    *,
    name: str,
    label: str | Promise,
    icon: str,
    url_name: str,
    permission: P,
    feature: str | None = None,
    order: int,
) -> None:
    """Add a tab to every profile.

    Args:
        name: unique; also the ``tab`` of its :class:`TabPage`.
        icon: a name of static/icons.txt.
        url_name: such as ``"feedback:customer-tab"``; the address takes ``customer_id``.
        feature: the toggle that hides it, when it is not the one of ``permission``.
        order: position; the built-in tabs stand at tens (overview 0, visits 10, … history 90).

    Raises ImproperlyConfigured when another tab has the name.
    """
    tab = Tab(name, label, icon, url_name, permission, feature, order)
    if _tabs.setdefault(name, tab) != tab:
        raise ImproperlyConfigured(f"two tabs called {name!r}")


def tabs_for(user: Any, customer: Customer) -> list[tuple[Tab, str]]:
    """Return the tabs ``user`` sees on the guest's profile with their addresses, in order."""
    shown = sorted((tab for tab in _tabs.values() if tab.is_open_to(user)), key=lambda tab: tab.order)
    return [(tab, reverse(tab.url_name, args=[customer.pk])) for tab in shown]


class TabPage(RolePage, View):
    """Base of a tab's view.

    Subclasses set ``tab`` (its registered name), ``template_name`` and ``permission`` and implement
    :meth:`context`. The template gets that, and ``customer``, ``can_edit``, ``tab_url``.
    """

    tab: str
    template_name: str
    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Show the tab."""
        return self.show(self.load(customer_id))

    def load(self, customer_id: UUID) -> Customer:
        """Return the guest; deleted ones too for those who may bring them back. Raises CustomerNotFound."""
        return get_customer(customer_id, deleted_too=can(self.request.user, P.CUSTOMERS_EDIT))

    def context(self, customer: Customer) -> dict[str, Any]:
        """Return what the tab's template shows."""
        return {}

    def show(self, customer: Customer, status: int = 200, **extra: Any) -> HttpResponse:
        """Render the tab with its context and ``extra``, alone for htmx, in the whole profile otherwise."""
        user = staff_of(self.request)
        context: dict[str, Any] = {
            "customer": customer,
            "can_edit": can(user, P.CUSTOMERS_EDIT) and customer.deleted_at is None,
            "tab_url": reverse(_tabs[self.tab].url_name, args=[customer.pk]),
            **self.context(customer),
            **extra,
        }
        if self.is_part:
            response = render(self.request, self.template_name, context, status=status)
        else:
            context |= profile_frame(self.request, customer)
            context |= {"tab": _tabs[self.tab], "tab_template": self.template_name}
            response = render(self.request, "customers/detail.html", context, status=status)
        response["Vary"] = "HX-Request, HX-Target, Cookie"
        return response

    def done(self, customer: Customer, text: str, undo_url: str = "") -> HttpResponse:
        """Say ``text`` and show the tab anew after a change: in place with htmx, by a redirect without."""
        if not self.is_part:
            messages.success(self.request, text)
            return HttpResponseRedirect(reverse(_tabs[self.tab].url_name, args=[customer.pk]))
        response = self.show(customer)
        response["HX-Trigger"] = json.dumps(
            {"servaan:toast": {"text": text, "level": "ok", "undo": undo_url}}
        )
        return response

    @property
    def is_part(self) -> bool:
        """Whether htmx wants the inside of ``#tab`` alone."""
        headers = self.request.headers
        return headers.get("HX-Target") == "tab" and "HX-History-Restore-Request" not in headers


def profile_frame(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return what the head of the profile and the tab bar show."""
    user = staff_of(request)
    return {
        "customer": customer,
        "profile": profile_of(customer, get_facts()),
        "tabs": tabs_for(user, customer),
        "can_restore": can(user, P.CUSTOMERS_EDIT),
        "can_delete": can(user, P.CUSTOMERS_DELETE),
        "can_record": can(user, P.VISITS_RECORD),
        "counter_url": address("checkout:counter"),
        **loyalty_parts(request, customer),
    }


def loyalty_parts(request: HttpRequest, customer: Customer) -> dict[str, str]:
    """Return the addresses of the club's parts of the profile, for those who may see them."""
    if not (can(request.user, P.LOYALTY_VIEW) and is_enabled("loyalty")):
        return {}
    return {
        "loyalty_card_url": address("loyalty:card", customer.pk),
        "loyalty_panel_url": address("loyalty:panel", customer.pk),
    }


def address(name: str, *args: Any) -> str:
    """Return the address of a page of a higher room, if that room has it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""
