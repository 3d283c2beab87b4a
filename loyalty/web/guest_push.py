"""``/card/<token>/push``: a guest's browser comes and goes for push messages. The card's own key is the permission."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from customers.errors import CustomerNotFound
from loyalty.selectors.guest_card import guest_of_token
from loyalty.services.card_push import leave_push, take_push
from loyalty.web.guest import GuestPage, cafe_name
from servaan_crm.core.features import is_enabled
from servaan_crm.messaging.services.push import push_key

MOST_BYTES = 4096


# No cookie is looked at: whoever knows the card's link may do this, from wherever.
@method_decorator(csrf_exempt, name="dispatch")
class GuestCardPush(GuestPage):
    """Takes a subscription (POST) and forgets one (DELETE); the body is what ``PushSubscription.toJSON()`` gives."""

    http_method_names = ["post", "delete"]

    def post(self, request: HttpRequest, card_token: str) -> HttpResponse:
        """Keep this browser; with it goes the guest's yes to the channel."""
        guest = guest_of_token(card_token) if is_enabled("loyalty") and push_key() else None
        body = _body(request)
        keys = body.get("keys")
        if guest is None:
            return JsonResponse({"success": False}, status=404)
        if not isinstance(keys, dict):
            return _refused()
        try:
            take_push(
                customer_id=guest.pk,
                endpoint=str(body.get("endpoint", "")),
                p256dh=str(keys.get("p256dh", "")),
                auth=str(keys.get("auth", "")),
            )
        except ValidationError:
            return _refused()
        except CustomerNotFound:
            return JsonResponse({"success": False}, status=404)
        return JsonResponse({"success": True}, status=201)

    def delete(self, request: HttpRequest, card_token: str) -> HttpResponse:
        """Forget this browser; asking twice is fine."""
        guest = guest_of_token(card_token) if is_enabled("loyalty") else None
        if guest is None:
            return JsonResponse({"success": False}, status=404)
        try:
            leave_push(customer_id=guest.pk, endpoint=str(_body(request).get("endpoint", "")))
        except CustomerNotFound:
            return JsonResponse({"success": False}, status=404)
        return JsonResponse({"success": True})


class GuestCardWorker(GuestPage):
    """The service worker of one card. It lies beside the card, so that it can see nothing else of the café's."""

    def get(self, request: HttpRequest, card_token: str) -> HttpResponse:
        guest = guest_of_token(card_token) if is_enabled("loyalty") and push_key() else None
        if guest is None:
            return HttpResponse(status=404, content_type="text/javascript")
        context = {"cafe_name": cafe_name(), "language": translation.get_language()}
        return render(
            request, "loyalty/card_worker.js", context, content_type="text/javascript; charset=utf-8"
        )


def _body(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MOST_BYTES:
        return {}
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _refused() -> JsonResponse:
    message = _("This browser's push service is not supported.")
    return JsonResponse(
        {"success": False, "message": message}, status=400, json_dumps_params={"ensure_ascii": False}
    )
