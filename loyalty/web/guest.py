"""``/card/<token>/``: a guest's own card. No login, nothing for anybody but the holder of the link. The only script is
for push messages, where the café sends them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _
from django.views import View

from customers.models import Channel
from customers.selectors.consent import is_allowed
from customers.web.opt_out import opt_out_path
from loyalty.selectors.guest_card import CardView, card_of, guest_of_token
from loyalty.services.referral import referral_code_of
from loyalty.voucher_codes import grouped, qr_svg
from loyalty.words import tier_name
from servaan_crm.core.features import is_enabled
from servaan_crm.core.limits import seconds_to_wait
from servaan_crm.l10n.locale import get_locale, use_locale
from servaan_crm.messaging.services.push import has_browser, push_key
from servaan_crm.tenancy.current import get_cafe

GROUND, ACCENT = "#faf7f2", "#874726"


class GuestPage(View):
    """Base of the card's addresses: in the café's language, counted per link and per address, kept by nobody."""

    http_method_names = ["get", "head"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer in the café's language whatever the staff's browser was set to; refuse who asks too often."""
        language = get_cafe().language
        with use_locale(replace(get_locale(), language=language)), translation.override(language):
            asked = {
                "guest_card": str(kwargs["card_token"]),
                "guest_card_ip": request.META.get("REMOTE_ADDR", ""),
            }
            if wait := seconds_to_wait(asked):
                response: HttpResponseBase = render(request, "customers/opt_out_wait.html", status=429)
                response["Retry-After"] = str(wait)
            else:
                response = super().dispatch(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Content-Language"] = language
        return response

    @staticmethod
    def find(token: str) -> CardView | None:
        """Return the card of a link; None when it opens nothing."""
        guest = guest_of_token(token) if is_enabled("loyalty") else None
        return card_of(guest) if guest else None


class GuestCardPage(GuestPage):
    """The card."""

    def get(self, request: HttpRequest, card_token: str) -> HttpResponse:
        card = self.find(card_token)
        if card is None:
            return render(request, "loyalty/card_closed.html", status=404)
        return render(
            request, "loyalty/card.html", {"token": card_token, "card": card, **_parts(request, card)}
        )


class GuestCardManifest(GuestPage):
    """What a phone needs to put this card on its home screen."""

    def get(self, request: HttpRequest, card_token: str) -> HttpResponse:
        guest = guest_of_token(card_token) if is_enabled("loyalty") else None
        if guest is None:
            return JsonResponse({}, status=404, content_type="application/manifest+json")
        name, address = cafe_name(), reverse("guest-card", args=[card_token])
        body = {
            "name": _("My card at %(cafe)s") % {"cafe": name}, "short_name": name, "id": address,
            "start_url": address, "scope": address, "display": "standalone",
            "lang": translation.get_language(), "dir": "rtl" if get_language_bidi() else "ltr",
            "background_color": GROUND, "theme_color": ACCENT,
            "icons": [
                {"src": static("img/logo.svg"), "sizes": "any", "type": "image/svg+xml"},
                {"src": static("img/icon-180.png"), "sizes": "180x180", "type": "image/png"},
                {"src": static("img/icon-512.png"), "sizes": "512x512", "type": "image/png",
                 "purpose": "any maskable"},
            ],
        }  # fmt: skip
        return JsonResponse(
            body, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
        )


def cafe_name() -> str:
    """Return the name guests know the café by, in its language."""
    cafe = get_cafe()
    return str(cafe.name if cafe.language == "fa" else cafe.name_en or cafe.name)


def _parts(request: HttpRequest, card: CardView) -> dict[str, Any]:
    program, ring = card.program, card.status.percent if card.status.next_tier else 100
    code = referral_code_of(card.customer.pk) if program.is_active and program.referral_is_active else ""
    share = ""
    if code:
        share = _("Come to %(cafe)s and give my code %(code)s on your first visit.") % {
            "cafe": cafe_name(), "code": code,
        }  # fmt: skip
    return {
        "cafe_name": cafe_name(),
        "ring": ring,
        "tier_name": tier_name(card.status.tier.level),
        "next_tier_name": tier_name(card.status.next_tier.level) if card.status.next_tier else "",
        "code": code,
        "share": share,
        "share_url": f"sms:?&body={quote(share)}",
        "vouchers": [
            (voucher, grouped(voucher.code), SafeString(qr_svg(voucher.code))) for voucher in card.vouchers
        ],
        "stamps": [
            (state, [place < state.stamps for place in range(min(state.card.stamps_needed, 20))])
            for state in card.stamps
        ],
        "opt_out_url": opt_out_path(card.customer.pk),
        **_push(card),
    }


def _push(card: CardView) -> dict[str, Any]:
    """What the button for push messages needs; nothing where the café has no account for them."""
    if not (key := push_key()):
        return {}
    takes = has_browser(card.customer.pk) and is_allowed(card.customer, Channel.PUSH)
    return {"push_key": key, "push_on": takes}
