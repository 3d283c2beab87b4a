"""Who brought whom: the page, and the part of a profile with code, friends and the guest's card."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from customers.models import Customer
from customers.selectors.customers import get_customer
from loyalty.models import Referral
from loyalty.selectors.program import get_program
from loyalty.selectors.referrals import (
    count_by_status,
    get_referral,
    list_referrals,
    referral_figures,
    referral_of,
)
from loyalty.services.guest_card import card_link
from loyalty.services.referral import enter_referral, referral_code_of, refuse_referral, release_referral
from loyalty.services.referral_rewards import NOTES
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError
from servaan_crm.core.features import require_feature
from servaan_crm.l10n.digits import to_ascii

PER_PAGE = 25
FRIENDS = 10
TONES = {"pending": "info", "held": "warn", "rewarded": "ok", "refused": "mute", "reversed": "mute"}


def problem_of(error: DomainError | ValidationError) -> str:
    """Return a refusal as one sentence."""
    return str(error) if isinstance(error, DomainError) else " ".join(error.messages)


class ReferralsPage(RolePage, View):
    """The list with its figures, and the form that enters a friend."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show()

    def post(self, request: HttpRequest) -> HttpResponse:
        if not can(request.user, P.CUSTOMERS_EDIT):
            return self.show(problem=_("Your role does not allow this."), status=403)
        typed = {
            name: request.POST.get(name, "").strip()
            for name in ("referrer_code", "friend_phone", "friend_name")
        }
        try:
            referral = enter_referral(
                actor=self.actor,
                referrer_code=typed["referrer_code"],
                friend_phone=typed["friend_phone"],
                friend_name=typed["friend_name"],
            )
        except (DomainError, ValidationError) as error:
            return self.show(problem=problem_of(error), typed=typed, status=422)
        names = {"friend": referral.friend.name, "referrer": referral.referrer.name}
        messages.success(request, _("Noted: %(referrer)s brought %(friend)s.") % names)
        return redirect("loyalty:referrals")

    def show(self, *, status: int = 200, **extra: Any) -> HttpResponse:
        """Render the page."""
        query = self.request.GET
        chosen = query.get("status", "") if query.get("status", "") in Referral.Status.values else ""
        search = query.get("search", "").strip()[:100]
        rows = list_referrals({"search": search, "status": chosen})
        page = Paginator(rows, PER_PAGE).get_page(to_ascii(query.get("page", "1")))
        counts = count_by_status()
        context = {
            "page_obj": page, "referrals": [shown(row) for row in page.object_list], "search": search,
            "status": chosen, "chips": [(value, label, counts[value]) for value, label in Referral.Status.choices],
            "figures": referral_figures(rows), "program": get_program(), "held": counts["held"],
            "can_enter": can(self.request.user, P.CUSTOMERS_EDIT),
            "can_decide": can(self.request.user, P.LOYALTY_MANAGE), **extra,
        }  # fmt: skip
        return render(self.request, "loyalty/referrals.html", context, status=status)


class DecideReferral(RolePage, View):
    """Release a held referral, or close one for good."""

    permission = P.LOYALTY_MANAGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, referral_id: UUID) -> HttpResponse:
        get_referral(referral_id)
        try:
            if "release" in request.POST:
                release_referral(actor=self.actor, referral_id=referral_id)
                messages.success(request, _("The referral goes on."))
            else:
                reason = request.POST.get("reason", "")
                refuse_referral(actor=self.actor, referral_id=referral_id, reason=reason)
                messages.success(request, _("The referral is closed."))
        except (DomainError, ValidationError) as error:
            messages.error(request, problem_of(error))
        return redirect("loyalty:referrals")


class GuestClub(RolePage, View):
    """The part of a profile: code, friends brought, and the guest's card with its link."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        return self.show(get_customer(customer_id))

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        """Enter who brought this guest, by code."""
        guest = get_customer(customer_id)
        if not can(request.user, P.CUSTOMERS_EDIT):
            return self.show(guest, problem=_("Your role does not allow this."))
        try:
            enter_referral(
                actor=self.actor, referrer_code=request.POST.get("referrer_code", ""), friend_id=guest.pk
            )
        except (DomainError, ValidationError) as error:
            return self.show(guest, problem=problem_of(error), typed=request.POST.get("referrer_code", ""))
        return self.show(guest)

    def show(self, guest: Customer, **extra: Any) -> HttpResponse:
        """Render the part."""
        program = get_program()
        active = program.is_active and program.referral_is_active
        rows = list_referrals({"referrer_id": guest.pk})
        brought_by = referral_of(guest.pk)
        context = {
            "customer": guest, "is_active": active, "program": program,
            "code": referral_code_of(guest.pk) if active else "",
            "friends": [shown(row) for row in rows[:FRIENDS]], "figures": referral_figures(rows),
            "brought_by": shown(brought_by) if brought_by else None,
            "can_enter": active and not brought_by and not guest.summary.last_visit_number,
            "can_edit": can(self.request.user, P.CUSTOMERS_EDIT), **extra,
        }  # fmt: skip
        return render(self.request, "loyalty/_guest_club.html", context)


class GuestLink(GuestClub):
    """Show, send or renew the link of a guest's card."""

    permission = P.CUSTOMERS_EDIT
    http_method_names = ["post"]

    def post(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        require_feature("loyalty")
        guest = get_customer(customer_id)
        try:
            link = card_link(
                actor=self.actor,
                customer_id=guest.pk,
                origin=request.build_absolute_uri("/"),
                renew="renew" in request.POST,
                send="send" in request.POST,
            )
        except DomainError as error:
            return self.show(guest, problem=str(error))
        return self.show(guest, link=link, renewed="renew" in request.POST)


def shown(row: Referral) -> dict[str, Any]:
    """Return a referral for a list: the row, its tone and why it is as it is."""
    return {
        "row": row,
        "tone": TONES[row.status],
        "note": NOTES.get(row.reason, row.reason),
        "is_open": row.status in ("pending", "held", "rewarded"),
    }
