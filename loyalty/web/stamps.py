"""Stamp cards: the list, and the form of one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from loyalty.models import StampCard
from loyalty.reward_errors import StampCardInUse
from loyalty.selectors.stamps import get_stamp_card, list_stamp_cards
from loyalty.services.stamp_cards import create_stamp_card, delete_stamp_card, update_stamp_card
from loyalty.web.reward_forms import StampCardForm, seen_at
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError


class StampCardList(RolePage, View):
    """The cards of the café."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        cards = list(list_stamp_cards())
        context = {
            "cards": [(card, range(min(card.stamps_needed, 20))) for card in cards],
            "can_manage": can(request.user, P.LOYALTY_MANAGE),
        }
        return render(request, "loyalty/stamp_cards.html", context)


class StampCardPages(RolePage, View):
    """Base of the form."""

    permission = P.LOYALTY_MANAGE

    def show(self, form: StampCardForm, card: StampCard | None, status: int = 200) -> HttpResponse:
        """Show the form."""
        context = {"form": form, "card": card}
        return render(self.request, "loyalty/stamp_card.html", context, status=status)


class NewStampCard(StampCardPages):
    """Add a card."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(StampCardForm(), None)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = StampCardForm(request.POST)
        if form.is_valid():
            try:
                create_stamp_card(actor=self.actor, values=form.values())
            except ValidationError as error:
                form.take_errors(error.message_dict)
            else:
                messages.success(request, _("The stamp card is there. Stamps come with the next visits."))
                return redirect("loyalty:stamp-cards")
        return self.show(form, None, status=422)


class EditStampCard(StampCardPages):
    """Change a card."""

    def get(self, request: HttpRequest, stamp_card_id: UUID) -> HttpResponse:
        card = get_stamp_card(stamp_card_id)
        return self.show(StampCardForm(card=card), card)

    def post(self, request: HttpRequest, stamp_card_id: UUID) -> HttpResponse:
        card = get_stamp_card(stamp_card_id)
        form = StampCardForm(request.POST, card=card)
        if not form.is_valid():
            return self.show(form, card, status=422)
        seen = seen_at(form.cleaned_data["seen"])
        try:
            update_stamp_card(actor=self.actor, card_id=card.pk, changes=form.values(), seen=seen)
        except ValidationError as error:
            form.take_errors(error.message_dict)
            return self.show(form, card, status=422)
        except DomainError as error:
            form.add_error(None, str(error))
            return self.show(form, card, status=409)
        messages.success(request, _("The stamp card was saved."))
        return redirect("loyalty:stamp-cards")


class DeleteStampCard(RolePage, View):
    """Delete a card nobody has a stamp on."""

    permission = P.LOYALTY_MANAGE

    def post(self, request: HttpRequest, stamp_card_id: UUID) -> HttpResponse:
        try:
            delete_stamp_card(actor=self.actor, card_id=stamp_card_id)
        except StampCardInUse as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The stamp card was deleted."))
        return redirect("loyalty:stamp-cards")
