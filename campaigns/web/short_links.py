"""``/l/<code>``: a short link of a message. No login; it leads to what its own campaign says and nowhere else."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.encoding import iri_to_uri
from django.views import View

from campaigns.services import follow_link
from servaan_crm.core.limits import seconds_to_wait

# Programs that fetch links to show a picture of them, to look for viruses or to fill an index: nobody has clicked.
# "Telegram-Android" and "Twitter for iPhone" are the windows people read in (their previews are called "…Bot"), and
# Cubot makes phones.
_MACHINES = re.compile(
    r"(?<!cu)bot\b|crawl|spider|preview|facebookexternalhit|whatsapp|slack|skype|discord|viber|"
    r"curl|wget|python|java/|okhttp|go-http|httpclient|headless|monitor|scan|google-read|bingpreview|embed",
    re.IGNORECASE,
)


def is_machine(request: HttpRequest) -> bool:
    """Say whether no person is behind a call: by its method, its name, or because a browser fetches in advance."""
    agent = request.headers.get("User-Agent", "")
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    is_early = "prefetch" in purpose or "preview" in purpose or request.headers.get("X-Moz") == "prefetch"
    return request.method == "HEAD" or is_early or not agent or bool(_MACHINES.search(agent))


class ShortLinkView(View):
    """Counts the call and sends the guest on."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, link: str) -> HttpResponse:
        """Redirect, or say kindly that there is no such link."""
        # Called again and again, it still leads where it leads; it is only not counted any more. Not by address: half
        # a city of guests has one, that of their mobile operator.
        is_too_often = bool(seconds_to_wait({"guest_page": f"l:{link}"}))
        url = follow_link(link, is_machine=is_machine(request), is_counted=not is_too_often)
        if url is None:
            return _private(render(request, "campaigns/link_unknown.html", status=404))
        # Not Django's own class: the address was checked when it was written, and may be long. A header is ASCII.
        return _private(HttpResponse(status=302, headers={"Location": iri_to_uri(url)}))


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
