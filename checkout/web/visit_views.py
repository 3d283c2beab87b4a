"""The page of one visit: what was on the bill, what was corrected since, and the corrections themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View

from checkout import selectors
from checkout.errors import VisitNotFound
from checkout.history import visit_history
from checkout.services import edit_visit, move_visit, preview_move, restore_visit, void_visit
from checkout.services.void import SAME_DAY
from checkout.version import version_of, version_time
from checkout.web.phones import PhoneMatch, read_number
from checkout.web.visit_forms import VisitEditForm, VoidForm
from checkout.web.words import tell
from customers.models import Visit
from customers.selectors.customers import get_customer, lookup
from loyalty.models import DiscountUse, Voucher
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError, EditConflict

MATCHES = 8


class VisitPages(RolePage, View):
    """Base of the visit's addresses."""

    permission = P.VISITS_VOID

    def load(self, visit_id: UUID) -> Visit:
        """Return the visit with what its pages show. Raises VisitNotFound."""
        rows = Visit.objects.select_related("outlet", "created_by", "voided_by", "customer__summary")
        visit = rows.filter(pk=visit_id).first()
        if visit is None:
            raise VisitNotFound(details={"visit_id": str(visit_id)})
        return visit

    @property
    def rights(self) -> dict[str, Any]:
        return {"actor": self.actor, "may_edit_old": self.may_touch_old}

    @property
    def may_touch_old(self) -> bool:
        return can(self.request.user, P.VISITS_BACKDATE)

    def refusal(self, visit: Visit) -> str:
        """Return why this user cannot correct the visit; "" when it is possible."""
        if not can(self.request.user, P.VISITS_VOID):
            return _("Your role does not allow this.")
        if not self.may_touch_old and timezone.now() - visit.created_at > SAME_DAY:
            return _("Only a manager can correct a visit of an earlier day.")
        return ""

    def back(self, visit_id: UUID, text: str = "", undo: str = "") -> HttpResponse:
        """Go back to the visit's page and say ``text`` there, with the address that takes it back."""
        if text:
            messages.success(self.request, text, extra_tags=undo)
        return redirect("visits:detail", visit_id)

    def refuse(self, visit_id: UUID, error: DomainError) -> HttpResponse:
        """Go back to the visit's page and say what was not possible; nothing was changed."""
        messages.error(self.request, str(error))
        return redirect("visits:detail", visit_id)


class VisitPage(VisitPages):
    """The page itself."""

    permission = P.CUSTOMERS_VIEW

    def get(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        return self.show(self.load(visit_id))

    def show(self, visit: Visit, status: int = 200, **extra: Any) -> HttpResponse:
        refusal = self.refusal(visit)
        context = {
            "visit": visit,
            "customer": visit.customer,
            "story": tell(visit_history(visit)),
            "to_pay": visit.final_amount - visit.points_value,
            "used_codes": DiscountUse.objects.filter(visit=visit, reversed_at=None).select_related("code"),
            "used_vouchers": Voucher.objects.filter(used_visit=visit).order_by("pk"),
            "refusal": refusal,
            "can_correct": not refusal,
            "void_form": VoidForm(),
            **extra,
        }
        return render(self.request, "checkout/visit.html", context, status=status)


class EditVisit(VisitPages):
    """Correct the bill; a state that is no longer the newest is not written over."""

    def get(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        visit = self.load(visit_id)
        if visit.is_voided or self.refusal(visit):
            return redirect("visits:detail", visit_id)
        return self._show(VisitEditForm(visit=visit, with_date=self.may_touch_old))

    def post(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        visit = self.load(visit_id)
        form = VisitEditForm(request.POST, visit=visit, with_date=self.may_touch_old)
        if request.POST.get("seen") != version_of(visit):
            return self._show(form, status=409, conflict=EditConflict())
        if not form.is_valid():
            return self._show(form, status=422)
        try:
            receipt = edit_visit(
                visit_id=visit_id, changes=form.changes, seen=form.cleaned_data["seen"], **self.rights
            )
        except ValidationError as error:
            for name, problems in error.message_dict.items():
                form.add_error(_field_of(name, form), problems)
            return self._show(form, status=422)
        except EditConflict as error:
            return self._show(form, status=409, conflict=error)
        except DomainError as error:
            return self.refuse(visit_id, error)
        if not receipt.changed:
            return self.back(visit_id)
        return self.back(visit_id, _with_points(_("The visit was corrected."), receipt))

    def _show(self, form: VisitEditForm, status: int = 200, **extra: Any) -> HttpResponse:
        context = {"form": form, "visit": form.visit, "menu": selectors.list_menu(), **extra}
        return render(self.request, "checkout/visit_edit.html", context, status=status)


class VoidVisit(VisitPages):
    """Take a visit back, with a reason."""

    def post(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        form = VoidForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("At most 200 characters."))
            return redirect("visits:detail", visit_id)
        try:
            receipt = void_visit(
                actor=self.actor,
                visit_id=visit_id,
                reason=form.cleaned_data["reason"],
                may_void_old=self.may_touch_old,
            )
        except VisitNotFound:
            raise
        except DomainError as error:
            return self.refuse(visit_id, error)
        text = _with_points(_("The visit was voided."), receipt)
        return self.back(visit_id, text, reverse("visits:restore", args=[visit_id]))


class RestoreVisit(VisitPages):
    """Let a voided visit count again."""

    def post(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        try:
            receipt = restore_visit(visit_id=visit_id, **self.rights)
        except VisitNotFound:
            raise
        except DomainError as error:
            return self.refuse(visit_id, error)
        text = _with_points(_("The visit counts again."), receipt)
        return self.back(visit_id, text, reverse("visits:void", args=[visit_id]))


class MoveVisit(VisitPages):
    """Find the right guest, look at what will change, confirm."""

    def get(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        visit = self.load(visit_id)
        if visit.is_voided or self.refusal(visit):
            return redirect("visits:detail", visit_id)
        context: dict[str, Any] = {"visit": visit, "customer": visit.customer, **self._found(visit)}
        wanted = _uuid(request.GET.get("to", ""))
        if wanted is not None and request.headers.get("HX-Target") != "move-guests":
            context |= self._preview(visit, wanted)
        part = request.headers.get("HX-Target") == "move-guests"
        response = render(
            request, "checkout/_move_guests.html" if part else "checkout/visit_move.html", context
        )
        response["Vary"] = "HX-Request, HX-Target, Cookie"
        return response

    def post(self, request: HttpRequest, visit_id: UUID) -> HttpResponse:
        self.load(visit_id)
        wanted = _uuid(request.POST.get("to", ""))
        try:
            seen: datetime | None = version_time(request.POST.get("seen", ""))
        except ValueError:
            seen = None
        if wanted is None or seen is None:
            return redirect("visits:move", visit_id)
        try:
            receipt = move_visit(visit_id=visit_id, to_customer_id=wanted, seen=seen, **self.rights)
        except VisitNotFound:
            raise
        except DomainError as error:
            return self.refuse(visit_id, error)
        name = receipt.customer.name if receipt.customer else ""
        return self.back(
            visit_id, _with_points(_("The visit belongs to %(name)s now.") % {"name": name}, receipt)
        )

    def _found(self, visit: Visit) -> dict[str, Any]:
        """Return the guests for what was typed, and the number when nobody has it."""
        typed = self.request.GET.get("q", "")[:40].strip()
        number = read_number(typed)
        found = [guest for guest in lookup(typed, MATCHES) if guest.pk != visit.customer_id] if typed else []
        matches = [PhoneMatch.of(guest, typed) for guest in found]
        known = any(guest.phone == number.e164 for guest in found)
        owns = visit.customer is not None and visit.customer.phone == number.e164
        return {
            "typed": typed,
            "matches": matches,
            "hint": number.hint,
            "new_phone": number.e164 if number.e164 and not known and not owns else "",
        }

    def _preview(self, visit: Visit, wanted: UUID) -> dict[str, Any]:
        try:
            get_customer(wanted)
            preview = preview_move(visit_id=visit.pk, to_customer_id=wanted, **self.rights)
        except DomainError as error:
            return {"problem": error}
        return {"preview": preview, "token": version_of(visit)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _field_of(name: str, form: VisitEditForm) -> str | None:
    name = {"discount_applied": "discount_amount", "visit_date": "day"}.get(name, name)
    return name if name in form.fields else None


def _with_points(text: str, receipt: Any) -> str:
    if not receipt.shortfall:
        return text
    more = _("%(points)s points were spent already and could not be taken back.")
    return f"{text} {more % {'points': receipt.shortfall}}"
