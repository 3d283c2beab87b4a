"""Vouchers: finding one, showing it large enough to scan and print, taking it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views import View

from loyalty.models import Voucher
from loyalty.reward_errors import VoucherNotFound
from loyalty.selectors.rewards import at_menu_prices
from loyalty.selectors.vouchers import count_by_status, find_voucher, get_voucher, list_vouchers, state_of
from loyalty.services.vouchers import cancel_voucher
from loyalty.voucher_codes import LENGTH, grouped, normalise, qr_svg
from servaan_crm.accounts.permissions import P, can
from servaan_crm.accounts.web import RolePage
from servaan_crm.core.errors import DomainError

PER_PAGE = 30
TONES = {"issued": "ok", "used": "info", "cancelled": "mute", "expired": "warn"}


class VoucherList(RolePage, View):
    """All vouchers, newest first; a whole code leads straight to its voucher."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest) -> HttpResponse:
        search = request.GET.get("search", "").strip()[:100]
        if len(normalise(search)) == LENGTH:
            try:
                return redirect("loyalty:voucher", find_voucher(search).pk)
            except VoucherNotFound:
                pass
        status = request.GET.get("status", "")
        status = status if status in Voucher.Status.values else ""
        rows = list_vouchers({"search": search, "status": status})
        page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
        vouchers = list(page.object_list)
        at_menu_prices(voucher for voucher in vouchers if voucher.status == Voucher.Status.ISSUED)
        counts = count_by_status()
        context = {
            "page_obj": page, "vouchers": [shown(voucher) for voucher in vouchers], "search": search,
            "status": status, "chips": [(value, label, counts[value]) for value, label in Voucher.Status.choices],
        }  # fmt: skip
        return render(request, "loyalty/vouchers.html", context)


class VoucherPage(RolePage, View):
    """One voucher."""

    permission = P.LOYALTY_VIEW

    def get(self, request: HttpRequest, voucher_id: UUID) -> HttpResponse:
        voucher = get_voucher(voucher_id)
        gift = voucher.source != Voucher.Source.POINTS
        right = P.LOYALTY_MANAGE if gift else P.LOYALTY_REDEEM
        context = {
            "voucher": voucher,
            "state": shown(voucher),
            "qr": SafeString(qr_svg(voucher.code)),
            "can_cancel": state_of(voucher) == Voucher.Status.ISSUED and can(request.user, right),
        }
        return render(request, "loyalty/voucher.html", context)


class CancelVoucher(RolePage, View):
    """Take a voucher back."""

    permission = P.LOYALTY_REDEEM

    def post(self, request: HttpRequest, voucher_id: UUID) -> HttpResponse:
        reason = request.POST.get("reason", "").strip()
        try:
            voucher = cancel_voucher(
                actor=self.actor,
                voucher_id=voucher_id,
                reason=reason,
                may_cancel_gifts=can(request.user, P.LOYALTY_MANAGE),
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except VoucherNotFound:
            raise
        except DomainError as error:
            messages.error(request, str(error))
        else:
            back = _("The voucher was cancelled and its points came back.")
            messages.success(request, back if voucher.points_paid else _("The voucher was cancelled."))
        return redirect("loyalty:voucher", voucher_id)


def shown(voucher: Voucher) -> dict[str, Any]:
    """Return a voucher with its state in words and its code as people read it."""
    state = state_of(voucher)
    return {
        "voucher": voucher,
        "state": state,
        "label": Voucher.Status(state).label,
        "tone": TONES[state],
        "code": grouped(voucher.code),
    }
