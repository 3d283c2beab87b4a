"""The counter: one field, the guest's card, the bill, the receipt. Parts are swapped by htmx."""

import json
import uuid
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views import View

from checkout import selectors
from checkout.errors import InvalidPhone
from checkout.services import record_visit, void_visit
from checkout.web.forms import PAYMENTS, PreviewForm, VisitForm
from checkout.web.phones import PhoneMatch, read_number
from customers.errors import CustomerNotFound
from customers.selectors.customers import find_deleted, get_customer, lookup
from customers.services import restore_customer
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.idempotency import Answer, run_once

MATCHES = 6
UNDO_SECONDS = 60


class CounterView(RolePage, View):
    """Base of the counter's addresses."""

    permission = P.VISITS_RECORD

    def form_context(self, **extra: Any) -> dict[str, Any]:
        """What the bill's form needs besides the guest."""
        return {
            "menu": selectors.list_menu(),
            "payments": PAYMENTS,
            "idempotency_key": uuid.uuid4().hex,
            **extra,
        }

    def guest_part(self, customer_id: UUID, **extra: Any) -> HttpResponse:
        """Render the guest's card with an empty bill."""
        card = selectors.get_guest_card(get_customer(customer_id))
        return render(self.request, "checkout/_guest.html", self.form_context(card=card, **extra))


class CounterPage(CounterView):
    """The page itself; ``?phone=`` starts with a number typed."""

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "today": selectors.get_today_figures(),
            "recent": selectors.list_recent_visits(),
            "typed": request.GET.get("phone", "")[:20],
        }
        return render(request, "checkout/counter.html", context)


class TodayPart(CounterView):
    """The figures of the day, fetched again after each visit."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "checkout/_today.html", {"today": selectors.get_today_figures()})


class LookupPart(CounterView):
    """Guests for the digits typed so far, and the way to a new one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        typed = request.GET.get("q", "")[:40].strip()
        number = read_number(typed)
        matches = [PhoneMatch.of(customer, typed) for customer in lookup(typed, MATCHES)] if typed else []
        known = any(match.customer.phone == number.e164 for match in matches)
        context = {
            "typed": typed,
            "matches": matches,
            "number": number,
            "new_phone": number.e164 if number.e164 and not known else "",
        }
        return render(request, "checkout/_matches.html", context)


class GuestPart(CounterView):
    """The card of one guest."""

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        return self.guest_part(customer_id)


class NewGuestPart(CounterView):
    """A number nobody has: only the name, then the bill."""

    def get(self, request: HttpRequest) -> HttpResponse:
        phone = read_number(request.GET.get("phone", "")).e164
        if not phone:
            raise InvalidPhone
        existing = lookup(phone, 1)
        if existing and existing[0].phone == phone:
            return self.guest_part(existing[0].pk)
        context = self.form_context(phone=phone, deleted=find_deleted(phone))
        return render(request, "checkout/_new_guest.html", context)


class WalkInPart(CounterView):
    """A bill without a number."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "checkout/_walk_in.html", self.form_context())


class RestorePart(CounterView):
    """Bring the deleted guest of this number back and go on with it."""

    permission = P.CUSTOMERS_EDIT

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        restore_customer(actor=self.actor, customer_id=customer_id)
        return self.guest_part(customer_id)


class PreviewPart(CounterView):
    """Live "points to be earned"."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = PreviewForm(request.GET)
        form.is_valid()
        data = form.cleaned_data
        customer = get_customer(data["customer_id"]) if data.get("customer_id") else None
        preview = selectors.preview_visit(
            customer,
            total=data.get("total_amount") or Decimal(0),
            discount=data.get("discount") or Decimal(0),
            points_to_redeem=data.get("points_to_redeem") or 0,
        )
        return render(request, "checkout/_preview.html", {"preview": preview})


class RecordVisit(CounterView):
    """Save the bill, once however often the button is pressed."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = VisitForm(request.POST)
        if not form.is_valid():
            return self._errors(form)
        try:
            answer = run_once(
                key=form.cleaned_data["idempotency_key"],
                scope=f"counter:{request.user.pk}",
                payload=json.dumps(request.POST, sort_keys=True).encode(),
                action=lambda: self._record(form),
            )
        except ValidationError as error:
            form.add_error(None, error if not hasattr(error, "error_dict") else error.messages)
            return self._errors(form)
        response = HttpResponse(answer.body, status=answer.status)
        response["HX-Trigger"] = "visit-recorded"
        return response

    def _record(self, form: VisitForm) -> Answer:
        user = staff_of(self.request)
        receipt = record_visit(
            actor=self.actor, request=form.to_request(user), may_backdate=can(user, P.VISITS_BACKDATE)
        )
        context = {"receipt": receipt, "undo_seconds": UNDO_SECONDS}
        return Answer(status=200, body=render_to_string("checkout/_receipt.html", context, self.request))

    def _errors(self, form: VisitForm) -> HttpResponse:
        problems = [
            (form.fields[name].label if name in form.fields else "", errors[0])
            for name, errors in form.errors.items()
        ]
        response = render(self.request, "checkout/_errors.html", {"problems": problems}, status=422)
        response["HX-Retarget"] = "#bill-errors"
        response["HX-Reswap"] = "innerHTML"
        return response


class UndoVisit(CounterView):
    """Take the visit just recorded back."""

    permission = P.VISITS_VOID

    def post(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        receipt = void_visit(
            actor=self.actor,
            visit_id=visit_id,
            reason="counter undo",
            may_void_old=can(request.user, P.VISITS_BACKDATE),
        )
        response = render(request, "checkout/_undone.html", {"receipt": receipt})
        response["HX-Trigger"] = "visit-recorded"
        return response


class FindGuest(CounterView):
    """From a guest's profile to the counter with its number typed."""

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        try:
            customer = get_customer(customer_id)
        except CustomerNotFound:
            return redirect("checkout:counter")
        return redirect(f"{reverse('checkout:counter')}?phone={customer.national_phone}")
