"""``/c/<token>/``: a guest's own page for offers by message. No login, no script."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from customers.models import ConsentChange, Customer
from customers.opt_out import opt_out_token, read_opt_out_token
from customers.services.consent import set_consent
from servaan_crm.core.actors import Actor
from servaan_crm.core.limits import seconds_to_wait
from servaan_crm.l10n.digits import localize
from servaan_crm.l10n.locale import get_locale
from servaan_crm.l10n.phone import national


def opt_out_path(customer_id: UUID) -> str:
    """Return the path of the guest's page."""
    return reverse("guest-consent", args=[opt_out_token(customer_id)])


# The link itself is the key and no cookie is looked at; a mail program that says no with one click (RFC 8058: POST
# "List-Unsubscribe=One-Click") has none to show.
@method_decorator(csrf_exempt, name="dispatch")
class OptOutPage(View):
    """Shows what the guest said and takes a new answer; opening the page alone changes nothing."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse who asks too often, by link and by address."""
        asked = {"guest_page": str(kwargs["token"]), "guest_page_ip": request.META.get("REMOTE_ADDR", "")}
        if not (wait := seconds_to_wait(asked)):
            return super().dispatch(request, *args, **kwargs)
        response = render(request, "customers/opt_out_wait.html", status=429)
        response["Retry-After"] = str(wait)
        return _private(response)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show the answer in force."""
        return self._show(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Write the guest's answer down."""
        customer = _guest(token)
        if customer is None:
            return self._show(request, token)
        set_consent(
            actor=Actor(kind="guest", name=""),
            customer_id=customer.pk,
            channel="all",
            granted=request.POST.get("answer") == "yes",
            source=ConsentChange.Source.LINK,
            deleted_too=True,
        )
        return redirect(f"{request.path}?done=1")

    def _show(self, request: HttpRequest, token: str) -> HttpResponse:
        customer = _guest(token)
        context = {
            "known": customer is not None,
            "allowed": customer is not None and customer.allow_marketing,
            "phone": _masked(customer.phone) if customer else "",
            "done": "done" in request.GET,
        }
        response = render(
            request, "customers/opt_out.html", context, status=200 if customer is not None else 404
        )
        return _private(response)


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _guest(token: str) -> Customer | None:
    customer_id = read_opt_out_token(token)
    if customer_id is None:
        return None
    customer = Customer.objects.filter(pk=customer_id, erased_at=None).first()
    while customer is not None and customer.merged_into is not None:  # the answer is the whole guest's
        customer = customer.merged_into
    return customer


def _masked(phone: str) -> str:
    """Return the number with its middle hidden: whoever got the link passed on learns no number."""
    number = national(phone, get_locale().phone_region)
    return localize(f"{number[:4]}•••{number[-2:]}")
