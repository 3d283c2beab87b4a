"""The counter: one field, the guest's card, the bill, the receipt. Parts are swapped by htmx."""

import json
import uuid
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import View

from checkout import selectors
from checkout.errors import InvalidPhone
from checkout.services import VisitRequest, record_visit, void_visit
from checkout.services.confirm import confirmed_by, guest_of
from checkout.services.foresee import preview_visit
from checkout.web.forms import PAYMENTS, PreviewForm, VisitForm
from checkout.web.phones import PhoneMatch, read_number
from customers.errors import CustomerNotFound
from customers.selectors.customers import find_deleted, get_customer, lookup
from customers.services import restore_customer
from loyalty.models import RedemptionCode
from loyalty.reward_errors import ConfirmationFailed, ConfirmationRequired
from loyalty.selectors.program import brings_points
from loyalty.services.confirmation import send_code
from loyalty.services.referral import enter_referral
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.requests import staff_of
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError
from servaan_crm.core.features import is_enabled
from servaan_crm.core.idempotency import Answer, run_once, was_run

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
        context = self.form_context(
            phone=phone, deleted=find_deleted(phone), takes_referral=is_enabled("loyalty") and brings_points()
        )
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
    """Live "points to be earned", with bonuses by name, and what is taken off."""

    def get(self, request: HttpRequest) -> HttpResponse:
        bill, problem = PreviewForm(request.GET).to_request(staff_of(request))
        customer = get_customer(bill.customer_id) if bill.customer_id else None
        context = {"preview": preview_visit(bill, customer), "problem": problem}
        return render(request, "checkout/_preview.html", context)


class RecordVisit(CounterView):
    """Save the bill, once however often the button is pressed."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = VisitForm(request.POST)
        if not form.is_valid():
            return self._errors(form)
        bill = form.to_request(staff_of(request))
        try:
            answer = self._once(form, bill)
        except ValidationError as error:
            form.add_error(None, error if not hasattr(error, "error_dict") else error.messages)
            return self._errors(form)
        except ConfirmationRequired as error:
            return self._ask_for_code(bill, int(error.details["points"]))
        except ConfirmationFailed as error:
            return self._ask_again(bill, error)
        except CustomerNotFound:
            raise
        except DomainError as error:
            form.add_error(None, str(error))
            return self._errors(form)
        response = HttpResponse(answer.body, status=answer.status)
        response["HX-Trigger"] = "visit-recorded"
        return response

    def _once(self, form: VisitForm, bill: VisitRequest) -> Answer:
        key, scope = form.cleaned_data["idempotency_key"], f"counter:{self.request.user.pk}"
        code = "" if was_run(key=key, scope=scope) else form.cleaned_data["confirmation_code"]
        confirmed = confirmed_by(bill, code)
        return run_once(
            key=key,
            scope=scope,
            payload=json.dumps(self.request.POST, sort_keys=True).encode(),
            action=lambda: self._record(bill, confirmed, form.cleaned_data["referral_code"].strip()),
        )

    def _record(self, bill: VisitRequest, confirmed: RedemptionCode | None, referral_code: str) -> Answer:
        """Write down who sent the guest, then the bill; one transaction, so that either both stand or none."""
        if referral_code and bill.phone:
            name = bill.customer_name.strip() or _("Guest %(digits)s") % {"digits": bill.phone[-4:]}
            enter_referral(
                actor=self.actor, referrer_code=referral_code, friend_phone=bill.phone, friend_name=name
            )
        receipt = record_visit(
            actor=self.actor,
            request=bill,
            may_backdate=can(self.request.user, P.VISITS_BACKDATE),
            confirmed=confirmed,
        )
        if referral_code and bill.phone:  # entered a moment ago, by the same press of the button
            receipt = replace(receipt, is_new_customer=True)
        context = {"receipt": receipt, "undo_seconds": UNDO_SECONDS}
        return Answer(status=200, body=render_to_string("checkout/_receipt.html", context, self.request))

    def _ask_for_code(self, bill: VisitRequest, points: int) -> HttpResponse:
        """Send the guest the code at once, and open the field for it."""
        customer = guest_of(bill)
        problem = ""
        try:
            send_code(actor=self.actor, customer_id=customer.pk, points=points)
        except DomainError as error:
            problem = str(error)
        return self._code_field({"customer": customer, "points": points, "problem": problem})

    def _ask_again(self, bill: VisitRequest, error: ConfirmationFailed) -> HttpResponse:
        left = error.details.get("tries_left", 0)
        return self._code_field({"customer": guest_of(bill), "problem": str(error), "tries_left": left})

    def _code_field(self, context: dict[str, Any]) -> HttpResponse:
        return self._beside("checkout/_confirm.html", context)

    def _errors(self, form: VisitForm) -> HttpResponse:
        problems = [
            (form.fields[name].label if name in form.fields else "", error)
            for name, errors in form.errors.items()
            for error in errors[:3]
        ]
        return self._beside("checkout/_errors.html", {"problems": problems})

    def _beside(self, template: str, context: dict[str, Any]) -> HttpResponse:
        """Show something beside the bill; what was typed stays."""
        response = render(self.request, template, context, status=422)
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
