"""What one guest can have: the part of the profile with stamps, vouchers and rewards, and buying from it."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import View

from customers.models import Customer
from customers.selectors.customers import get_customer
from loyalty.models import RedemptionCode, Reward, Voucher
from loyalty.reward_errors import (
    ConfirmationFailed,
    ConfirmationRequired,
    ConfirmationTooSoon,
    why_no_reward,
)
from loyalty.selectors.rewards import get_reward, offers_for, price_of
from loyalty.selectors.stamps import StampState, stamps_of
from loyalty.selectors.status import get_account
from loyalty.selectors.vouchers import get_voucher, held_vouchers
from loyalty.services.confirmation import check_code, send_code
from loyalty.services.rewards import redeem_reward
from loyalty.web.vouchers import shown
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError
from servaan_crm.core.idempotency import Answer, run_once


class GuestRewards(RolePage, View):
    """The part by itself, for htmx."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest, customer_id: UUID) -> HttpResponse:
        guest = get_customer(customer_id, deleted_too=can(request.user, P.CUSTOMERS_EDIT))
        return self.show(guest)

    def show(self, guest: Customer, **extra: Any) -> HttpResponse:
        """Render the part."""
        offers = [] if guest.deleted_at else offers_for(guest)
        ready = [offer for offer in offers if offer.is_affordable]
        later = [(offer, why_no_reward(offer.reason)) for offer in offers if not offer.is_affordable]
        context = {
            "customer": guest,
            "stamps": [(state, _dots(state)) for state in stamps_of(guest)],
            "vouchers": [shown(voucher) for voucher in held_vouchers(guest)],
            "ready": ready,
            "later": later,
            "once": uuid4().hex,
            "can_redeem": can(self.request.user, P.LOYALTY_REDEEM) and guest.deleted_at is None,
            **extra,
        }
        return render(self.request, "loyalty/_guest_rewards.html", context)


class RedeemForGuest(GuestRewards):
    """Buy a reward; when the price needs a code, send it and ask for it in place."""

    permission = P.LOYALTY_REDEEM
    http_method_names = ["post"]

    def post(self, request: HttpRequest, customer_id: UUID, reward_id: UUID) -> HttpResponse:
        guest, reward = get_customer(customer_id), get_reward(reward_id)
        price = price_of(reward, get_account(guest).tier)
        code, asking = request.POST.get("code", "").strip(), {"asking": reward.pk}
        try:
            if "send" in request.POST:
                send_code(actor=self.actor, customer_id=guest.pk, points=price)
                return self.show(guest, **asking, sent=True)
            confirmed = check_code(customer_id=guest.pk, code=code, points=price) if code else None
            voucher = self.redeem_once(guest, reward, confirmed)
        except ConfirmationRequired:
            return self.show(guest, **asking)
        except (ConfirmationFailed, ConfirmationTooSoon) as error:
            return self.show(guest, **asking, sent=True, refusal=_refusal(error))
        except DomainError as error:
            return self.show(guest, refusal=str(error))
        return self.show(guest, fresh=shown(voucher))

    def redeem_once(self, guest: Customer, reward: Reward, confirmed: RedemptionCode | None) -> Voucher:
        """Buy the reward; the same form sent twice is one voucher."""

        def redeem() -> Answer:
            voucher = redeem_reward(
                actor=self.actor, customer_id=guest.pk, reward_id=reward.pk, confirmed=confirmed
            )
            return Answer(status=201, body=str(voucher.pk))

        key = self.request.POST.get("once", "")[:64] or uuid4().hex
        scope = f"{self.actor.user_id}:page:redeem:{guest.pk}"
        answer = run_once(key=key, scope=scope, payload=reward.pk.bytes, action=redeem)
        return get_voucher(UUID(answer.body))


def _refusal(error: DomainError) -> str:
    left = error.details.get("tries_left")
    if left:
        return f"{error} {_('Tries left: %(left)s.') % {'left': left}}"
    return str(error)


def _dots(state: StampState) -> list[bool]:
    """Return one entry per place of the card, at most twenty: whether it is stamped."""
    return [place < state.stamps for place in range(min(state.card.stamps_needed, 20))]
